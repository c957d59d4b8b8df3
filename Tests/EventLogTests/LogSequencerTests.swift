import EventLog
import Model
import Testing

/// What the sequencer decides, one call after the other, without threads.
@Suite struct LogSequencerTests {
  struct Bytes: LogBody {
    let byteCount: Int
  }

  let orders = PartitionID(.orders, 0)
  let stock = PartitionID(.stock, 0)

  private func sequencer(_ change: (inout LogLimits) -> Void = { _ in }) -> LogSequencer<Bytes> {
    var limits = LogLimits()
    change(&limits)
    #expect(limits.contradiction == nil)
    return LogSequencer(partitionCount: 2, limits: limits, durable: .zero, nextOffsets: [])
  }

  /// Appends `count` records; returns who is to be woken.
  @discardableResult
  private func add(
    _ log: inout LogSequencer<Bytes>, _ count: Int, to partition: PartitionID, by owner: TestOwner? = nil,
    bytes: Int = 1, isRefusable: Bool = false
  ) throws -> [any LogOwner] {
    var wake: [any LogOwner] = []
    let appends = (0..<count).map { append(partition, Int64($0), isRefusable: isRefusable) }
    let bodies = appends.map { _ in Bytes(byteCount: bytes) }
    _ = try log.append(appends, bodies: bodies, by: owner, wake: &wake)
    return wake
  }

  private func own(_ log: inout LogSequencer<Bytes>, _ partition: PartitionID) -> TestOwner {
    var wake: [any LogOwner] = []
    let owner = TestOwner()
    let subscription = log.subscribe(owner, to: [partition])
    #expect(log.finishCatchUp(of: subscription, readThrough: log.durable, wake: &wake))
    return owner
  }

  private func take(_ log: inout LogSequencer<Bytes>, _ owner: TestOwner, _ recordsMax: Int = 100) -> Int {
    var wake: [any LogOwner] = []
    return log.take(by: owner, recordsMax: recordsMax, wake: &wake).count
  }

  private func hint(_ log: inout LogSequencer<Bytes>, _ owner: TestOwner?) -> [any LogOwner] {
    var wake: [any LogOwner] = []
    log.hint(by: owner, wake: &wake)
    return wake
  }

  @Test func refusesCommandsPastTheQueuesBounds() throws {
    var log = sequencer { limits in
      limits.queuedRecordsMax = 2
      limits.groupRecordsDue = 2
    }
    try add(&log, 1, to: orders, isRefusable: true)
    try add(&log, 1, to: orders, isRefusable: true)
    #expect(throws: LogRefusal.backlog) { try add(&log, 1, to: orders, isRefusable: true) }
    try add(&log, 1, to: orders)
    #expect(log.nextOffset(of: orders) == 3, "a refused append takes no offset, a message is never refused")
    _ = log.beginCommit()
    try add(&log, 1, to: orders, isRefusable: true)
    var byBytes = sequencer { limits in
      limits.queuedBytesMax = 10
      limits.groupBytesDue = 10
    }
    try add(&byBytes, 1, to: orders, bytes: 10, isRefusable: true)
    #expect(throws: LogRefusal.backlog) { try add(&byBytes, 1, to: orders, isRefusable: true) }
  }

  @Test func aCallWithAMessageIsNeverABacklog() throws {
    var log = sequencer { limits in
      limits.queuedRecordsMax = 1
      limits.groupRecordsDue = 1
    }
    try add(&log, 1, to: orders)
    var wake: [any LogOwner] = []
    let mixed = [append(orders, 1, isRefusable: true), append(orders, 2, isRefusable: false)]
    _ = try log.append(mixed, bodies: mixed.map { _ in Bytes(byteCount: 1) }, by: nil, wake: &wake)
    #expect(log.nextOffset(of: orders) == 3)
  }

  @Test func aGroupIsDueWhenNothingDeliveredIsBeingApplied() throws {
    var log = sequencer()
    let (a, b) = (own(&log, orders), own(&log, stock))
    try add(&log, 1, to: orders, by: a)
    #expect(!log.isGroupDue, "nobody hinted")
    #expect(take(&log, a) == 1)
    #expect(try add(&log, 1, to: stock, by: a).count == 1)
    #expect(hint(&log, a).isEmpty)
    #expect(!log.isGroupDue, "b has something to take")
    #expect(take(&log, b) == 1)
    #expect(!log.isGroupDue, "b is applying")
    #expect(try add(&log, 1, to: orders, by: b).count == 1)
    _ = hint(&log, b)
    #expect(!log.isGroupDue, "the hop back lies with a")
    #expect(take(&log, a) == 1)
    _ = hint(&log, a)
    #expect(log.isGroupDue)
    #expect(log.beginCommit().map(\.delivery.position.sequence) == [1, 2, 3])
    #expect(!log.isGroupDue)
    #expect(log.durable == .zero)
    _ = log.endCommit()
    #expect(log.durable == LogPosition(3))
  }

  @Test func hintsDuringACommitCountForTheNext() throws {
    var log = sequencer()
    try add(&log, 1, to: orders)
    _ = hint(&log, nil)
    #expect(log.beginCommit().count == 1)
    try add(&log, 1, to: orders)
    _ = hint(&log, nil)
    #expect(!log.isGroupDue, "one group at a time")
    _ = log.endCommit()
    #expect(log.isGroupDue)
  }

  @Test func aHintWakesAnOwnerThatHasMoreToTake() throws {
    var log = sequencer()
    let owner = own(&log, orders)
    #expect(try add(&log, 3, to: orders, by: owner).isEmpty)
    #expect(hint(&log, owner).count == 1)
    #expect(hint(&log, owner).isEmpty, "it was woken already")
    #expect(take(&log, owner, 2) == 2)
    #expect(try add(&log, 1, to: orders).isEmpty, "the rest woke it already")
    #expect(take(&log, owner, 5) == 2)
    #expect(try add(&log, 1, to: orders).count == 1)
  }

  @Test func switchesToEarlyDeliveryWithoutLosingOrRepeating() throws {
    var log = sequencer()
    try add(&log, 2, to: orders)
    _ = hint(&log, nil)
    _ = log.beginCommit()
    try add(&log, 3, to: orders)
    var wake: [any LogOwner] = []
    let owner = TestOwner()
    let subscription = log.subscribe(owner, to: [orders])
    #expect(log.finishCatchUp(of: subscription, readThrough: .zero, wake: &wake), "nothing is durable yet")
    #expect(log.take(by: owner, recordsMax: 9, wake: &wake).map(\.offset) == [0, 1, 2, 3, 4])
    _ = log.endCommit()
    let late = TestOwner()
    let lateSubscription = log.subscribe(late, to: [orders])
    #expect(!log.finishCatchUp(of: lateSubscription, readThrough: .zero, wake: &wake), "two records are to be read")
    #expect(log.finishCatchUp(of: lateSubscription, readThrough: log.durable, wake: &wake))
    #expect(log.take(by: late, recordsMax: 9, wake: &wake).map(\.offset) == [2, 3, 4])
    log.deliverCatchUp([], of: subscription, wake: &wake)
    #expect(log.inboxCount(of: subscription) == nil)
  }

  @Test func aFailedLogTakesAndWritesNothing() throws {
    var log = sequencer()
    try add(&log, 1, to: orders)
    log.fail(LogFailure(.write, "first"))
    log.fail(LogFailure(.closed, "second"))
    #expect(log.failure?.message == "first")
    #expect(throws: LogRefusal.unavailable) { try add(&log, 1, to: orders) }
    _ = hint(&log, nil)
    #expect(!log.isGroupDue && log.beginCommit().isEmpty)
  }

  @Test func theTwinHoldsDurabilityBackWhenAsked() throws {
    let log = MemoryLog(partitionCount: 2)
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    log.holdDurability()
    let position = try log.append([append(orders, 1)], by: owner)
    #expect(log.durable < position)
    #expect(log.takeDeliveries(of: owner, recordsMax: 9).map(\.position) == [position])
    let changes = owner.changeCount
    log.releaseDurability()
    #expect(log.durable == position && owner.changeCount == changes + 1)
    log.fail(LogFailure(.write, "the disk is gone"))
    #expect(owner.changeCount == changes + 2)
    #expect(throws: LogRefusal.unavailable) { try log.append([append(orders, 1)], by: owner) }
    log.trim(orders, through: 0)
    #expect { try log.subscribe(owner, to: [orders: -1]) } throws: { ($0 as? LogFailure)?.code == .write }
  }

  @Test func theTwinRefusesWhatItTrimmed() throws {
    let log = MemoryLog(partitionCount: 2)
    _ = try log.append((0..<4).map { append(orders, $0) }, by: nil)
    log.trim(orders, through: 1)
    let owner = TestOwner()
    #expect { try log.subscribe(owner, to: [orders: 0]) } throws: { ($0 as? LogFailure)?.code == .trimmed }
    try log.subscribe(owner, to: [orders: 1])
    #expect(log.takeDeliveries(of: owner, recordsMax: 9).map(\.offset) == [2, 3])
  }
}
