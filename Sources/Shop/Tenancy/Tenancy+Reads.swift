import Model
import PartitionCore
import Streams

// Reads, answered from memory while nobody else can have answered anything, and withheld until what they show is
// durable.

extension Tenancy {
  /// Takes a read. It is answered now or by a later event.
  /// - Returns: false if nothing is taken: the partition does not serve, or too many reads wait.
  public mutating func read(
    _ query: Query, for request: RequestID, at now: Int64, into actions: inout TenancyActions
  ) -> Bool {
    guard isAdmitting || phase == .replaying, waitingReads.count < limits.core.waitingReadsMax else { return false }
    let provenBy = (hasCautious ? number + 1 : number) + 1
    wait(WaitingRead(query: query, request: request, provenBy: provenBy), at: now, into: &actions)
    actions.loads += loads.next()
    return true
  }

  /// The answer to a read that can be given at once: its key is resident, what it shows is durable, and nobody else can
  /// have answered anything. nil if it has to be asked for by `read`.
  public mutating func look(_ query: Query, at now: Int64) -> View? {
    guard phase == .serving, !mode.isShared || lease.holds(at: now), state.machine.missing(for: query) == nil
    else { return nil }
    let (view, position) = state.view(of: query)
    return position.sequence <= confirmed.number ? view : nil
  }

  /// Answers a read if allowed, else remembers it and asks for what it lacks.
  private mutating func wait(_ read: WaitingRead, at now: Int64, into actions: inout TenancyActions) {
    let key = state.machine.missing(for: read.query)
    let mayRead =
      phase == .serving && (!mode.isShared || lease.holds(at: now))
      || phase == .replaying && planted.is(.readDuringReplay)
    if key == nil, mayRead { return answer(read, into: &actions) }
    if let key { loads.request([key]) }
    waitingReads.append(read)
    if phase == .serving, mode.isShared, !lease.holds(at: now), unconfirmed.isEmpty { wantsTick = true }
  }

  private mutating func answer(_ read: WaitingRead, into actions: inout TenancyActions) {
    let (view, position) = state.view(of: read.query)
    if position.sequence <= confirmed.number || planted.is(.readBeforeDurable) {
      actions.answers.append((read.request, view))
    } else {
      withheldAnswers.append(WithheldAnswer(number: position.sequence, request: read.request, view: view))
    }
  }

  /// Releases the answers that show only what is now durable.
  mutating func releaseAnswers(into actions: inout TenancyActions) {
    guard !withheldAnswers.isEmpty else { return }
    for answer in withheldAnswers where answer.number <= confirmed.number {
      actions.answers.append((answer.request, answer.view))
    }
    withheldAnswers.removeAll { $0.number <= confirmed.number }
  }

  /// Answers reads that waited. One that arrived before an append was sent needs no lease: the append proves that
  /// nobody else wrote in between.
  mutating func answerWaiting(provenBy number: UInt64, at now: Int64, into actions: inout TenancyActions) {
    guard !waitingReads.isEmpty, phase == .serving else { return }
    let reads = waitingReads
    waitingReads = []
    for read in reads {
      if read.provenBy <= number, state.machine.missing(for: read.query) == nil {
        answer(read, into: &actions)
      } else {
        wait(read, at: now, into: &actions)
      }
    }
    actions.loads += loads.next()
  }

  /// Gives up everything unanswered, because the log will confirm nothing more.
  public mutating func takeUnanswered() -> [RequestID] {
    defer { withheldAnswers = [] }
    return takeWaitingReads().map(\.request) + withheldAnswers.map(\.request)
  }

  /// Gives up the waiting reads, for a partition that goes to another owner.
  public mutating func takeWaitingReads() -> [(query: Query, request: RequestID)] {
    defer { waitingReads = [] }
    return waitingReads.map { ($0.query, $0.request) }
  }
}
