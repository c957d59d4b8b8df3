import Model
import Runtime

/// One `batch_init` under way: a request that becomes many commands, some of which are under way at a time.
///
/// Every command covers some thousand numbers at one partition, of which it makes those that the partition owns. When a
/// partition is overloaded the run waits and tries again, within the request's deadline; any other refusal ends it once
/// everything under way has returned.
struct BatchRun {
  let origin: RequestOrigin
  let plan: BatchPlan
  let token: IdempotencyToken?
  let deadlineMilliseconds: Int64
  /// The partitions that own any of the numbers.
  let partitions: [UInt16]
  /// How many numbers a command covers.
  private let span: Int64
  private var nextStart: Int64 = 0
  private var nextPartition = 0

  /// The commands that were accepted but have not returned, by number.
  var inFlight: [UInt64: Part] = [:]
  /// Commands that returned because a partition was full after all: they go first.
  private var returned: [Part] = []
  /// The first refusal.
  var problem: Problem?
  var submitted = 0
  var replayed = 0
  /// Commands that were carried out.
  var finished = 0
  /// When its progress was last reported; nil: never.
  var reportedMilliseconds: Int64?
  /// The entities that are different now; nil if a partition did not say.
  var changed: UInt64? = 0

  init(
    origin: RequestOrigin, plan: BatchPlan, token: IdempotencyToken?, deadlineMilliseconds: Int64,
    partitioner: Partitioner, commandEntities: Int64
  ) {
    self.origin = origin
    self.plan = plan
    self.token = token
    self.deadlineMilliseconds = deadlineMilliseconds
    span = min(BatchLimits.numbersMax, commandEntities * Int64(partitioner.count))
    if token == nil, plan.count < Int64(partitioner.count) * 4 {
      partitions = Set((0..<plan.count).map { partitioner.index(of: String($0)) }).sorted()
    } else {
      // Under a key every partition gets a command, so that each remembers the key.
      partitions = (0..<UInt16(partitioner.count)).map { $0 }
    }
  }

  /// One command, where it goes, and its key.
  struct Part {
    let command: Command
    let partition: PartitionID
    let token: IdempotencyToken?
  }

  var hasMoreToSubmit: Bool { problem == nil && (!returned.isEmpty || nextStart < plan.count) }
  /// Whether as much is under way as may be: one command for each partition.
  func isFull(_ commandsMax: Int) -> Bool { inFlight.count >= min(commandsMax, max(2, partitions.count)) }

  var isFinished: Bool { !hasMoreToSubmit && inFlight.isEmpty }

  var startedMilliseconds: Int64 { origin.startedMicroseconds / 1_000 }

  /// How many commands there are in all.
  private var commandCount: Int64 { Int64(partitions.count) * ((plan.count + span - 1) / span) }

  /// How many entities have been made, in proportion to the commands.
  var entitiesDone: Int64 { commandCount > 0 ? plan.count * Int64(finished) / commandCount : plan.count }

  /// Whether its progress is due to be reported.
  func isReportDue(at now: Int64) -> Bool {
    now - (reportedMilliseconds ?? startedMilliseconds) >= BatchProgress.intervalMilliseconds
  }

  /// The next command.
  var next: Part {
    if let first = returned.last { return first }
    let end = min(nextStart + span, plan.count)
    let start = min(nextStart, end)
    let partition = nextPartition < partitions.count ? partitions[nextPartition] : 0
    return Part(
      command: plan.command(for: start..<end), partition: PartitionID(plan.service, partition), token: keyOfNext)
  }

  /// Notes that `next` was accepted.
  mutating func advance() {
    if !returned.isEmpty {
      returned.removeLast()
      return
    }
    nextPartition += 1
    if nextPartition >= partitions.count {
      nextPartition = 0
      nextStart += span
    }
  }

  /// Takes back a command that was accepted but not carried out.
  mutating func takeBack(_ part: Part) {
    returned.append(part)
    submitted -= 1
  }

  /// A partition remembers one outcome per key, so only the first command of each partition goes under the
  /// client's own one; the others have keys derived from it and their numbers.
  private var keyOfNext: IdempotencyToken? {
    guard let token, nextStart > 0 else { return token }
    let hash = MurmurHash3(Array("\(token.fingerprint)/\(nextStart)/\(token.key.text)".utf8))
    let key = "batch_init-\(EntityIDs.id(high: hash.second, low: hash.first))"
    return IdempotencyToken(key: IdempotencyKey(unchecked: key), fingerprint: token.fingerprint)
  }
}
