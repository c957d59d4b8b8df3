import Model
import PartitionCore
import Streams

// What the store gives and gets.

extension Tenancy {
  /// Takes what the store said about the keys of the last load; a nil value does not exist there.
  public mutating func loaded(_ rows: [EntityChange], at now: Int64, into actions: inout TenancyActions) {
    guard ending == nil else { return }
    loads.ended()
    state.install(rows)
    sweepLoaded(isFailed: false)
    answerWaiting(provenBy: 0, at: now, into: &actions)
    actions.loads += loads.next()
  }

  /// Notes that the load failed; what still needs its keys asks again.
  public mutating func loadFailed() {
    loads.ended()
    sweepLoaded(isFailed: true)
    loads.request(waitingReads.compactMap { state.machine.missing(for: $0.query) })
  }

  /// The keys to load now; empty while a load is under way.
  public mutating func keysToLoad() -> [EntityKey] { ending == nil ? loads.next() : [] }

  // MARK: Checkpoints

  /// Whether the store lacks something already applied.
  public var isBehind: Bool { number > checkpointedNumber }

  public var residentCount: Int { state.residentCount }
  public var dirtyCount: Int { state.dirtyCount }
  /// Inputs wait for keys that are being loaded.
  public var awaitsLoad: Bool { loads.isBlocking }

  public var isCheckpointing: Bool { if case .idle = checkpoint { false } else { true } }

  /// Takes a checkpoint of everything applied so far, to be written once its newest record is durable. Returns whether
  /// it did: not while one is under way, nor if nothing happened since the last, nor while replies are held back,
  /// which the next owner would not know of.
  public mutating func takeCheckpoint() -> Bool {
    // An owner that left without a word in the log may not have revealed what its state has caused.
    let hasLeft = phase == .ended(.left) && isReleaseLogged
    guard case .idle = checkpoint, isAdmitting && phase != .replaying || hasLeft, isBehind,
      held.isEmpty || planted.is(.checkpointOfHeld)
    else { return false }
    for source in received.dropForgotten(at: state.now) {
      durableThrough[source] = 0
      queuedThrough[source] = 0
    }
    var rows = planted.is(.checkpointWithoutOutbox) ? [] : outbox.rows
    var withheldReplies: [CommandReply] = []
    for append in unconfirmed.all where !append.isCautious {
      if mode.isShared { withheldReplies += append.effects.replies.filter(isKept) }
      if planted.is(.checkpointWithoutOutbox) { continue }
      var numbers: [PartitionID: UInt64] = [:]
      for (destination, message) in append.effects.messages {
        let number = (numbers[destination] ?? newestRow(of: destination, in: rows)) + 1
        numbers[destination] = number
        rows.append(.init(destination: destination, number: number, message: message))
      }
    }
    checkpoint = .taken(
      CheckpointBatch(
        header: header, changes: state.takeChanges(), outbox: rows,
        replies: replies.all + refusals.all + withheldReplies))
    return true
  }

  /// The tenure that the newest applied record was written in.
  var newestOwner: OwnerID? { unconfirmed.isEmpty ? filter.owner : owner }

  /// The newest message to a destination that is released, or among `rows`.
  private func newestRow(of destination: PartitionID, in rows: [OutboxRow]) -> UInt64 {
    max(outbox.numbered(for: destination), rows.last { $0.destination == destination }?.number ?? 0)
  }

  /// The checkpoint that was taken, once its newest record is durable.
  public mutating func checkpointToWrite() -> CheckpointBatch? {
    guard case .taken(let taken) = checkpoint,
      taken.header.number <= confirmed.number || planted.is(.checkpointOfUnconfirmed)
    else { return nil }
    checkpoint = .writing(number: taken.header.number)
    return taken
  }

  /// Notes the offset of a checkpoint's newest record.
  mutating func noteCheckpoint(of number: UInt64, at offset: Int64) {
    guard case .taken(var taken) = checkpoint, taken.header.number == number else { return }
    taken.header.offset = offset
    checkpoint = .taken(taken)
  }

  /// Notes whether the store has the checkpoint from `checkpointToWrite`.
  public mutating func checkpointEnded(isWritten: Bool) {
    guard case .writing(let number) = checkpoint else { return }
    checkpoint = .idle
    guard ending == nil || ending == .left else { return }
    state.checkpointEnded(isWritten: isWritten)
    if isWritten { checkpointedNumber = number }
  }

  /// Evicts clean entities while too many are resident. Call it between turns. Returns how many.
  @discardableResult
  public mutating func evict(downTo share: Int = .max) -> Int {
    let excess = state.residentCount - min(limits.core.residentMax, share)
    // What is logged but not yet applied must find its keys when its time comes.
    guard ending == nil, excess > 0, !hasCautious else { return 0 }
    return state.evict(excess: excess, scanMax: limits.core.evictionScanMax, keeping: loads.requested)
  }
}
