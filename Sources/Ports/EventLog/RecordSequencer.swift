import Model
import PartitionCore
import Streams

/// What a log in one sequence decides, as a value without threads or files: offsets, confirmations, and when the next
/// group begins. The adapter guards it with one short lock.
///
/// **One queue.** Records of all partitions wait in one queue and are committed in its order. A lane appends a record
/// before it sends what the record caused, so no commit can contain an effect without its cause.
///
/// **A saga in one group.** A checkout hops over several partitions and lanes; each hop is appended before the previous
/// one is durable. If a commit began with the first hop, each hop would cost one fsync. So a group begins when no lane
/// is expected to append any more: a lane that is sent something is expected until its next turn has ended. The
/// expectation is set before the mail is sent, so the lane that takes the mail ends a turn after it. A turn already
/// under way ends the expectation too early, which only costs a commit. So a lane ends its own turn before it sends:
/// otherwise the expectation of a quick answer would end with a turn that the answer was too late for.
///
/// **No group waits forever.** Every expected lane gets mail, and so will take a turn, and end it. Consider the last
/// end of a turn. Every waiting record was appended before one, so turns have ended since the newest group began; no
/// lane is expected any more; so the group is due, or one is being written, whose end checks again. And `groupHintsMax`
/// ends of turns, `groupRecordsDue` records or `groupBytesDue` bytes begin a group whatever lane is expected: no lane's
/// work, however long, keeps the others' records from the disk.
package struct RecordSequencer<Body: LogBody>: Sendable {
  /// A record waiting to be written, or being written.
  package struct Row: Sendable {
    package let partition: PartitionID
    package let epoch: UInt64
    package let number: UInt64?
    package let offset: Int64
    /// Its place among the records of all partitions, from 1.
    package let sequence: UInt64
    package let lane: Int
    package let body: Body
  }

  package let partitionCount: Int
  package let limits: LogLimits
  /// The newest place that is durable.
  package private(set) var durable: UInt64
  /// Final once set.
  package private(set) var failure: LogFailure?

  private var last: UInt64
  private var nextOffsets: [Int64]
  private var queued: [Row] = []
  private var queuedBytes = 0
  private var committing: [Row] = []
  private var isCommitting = false
  private var turnsEnded = 0
  private var isExpected: [Bool] = []
  private var expectedCount = 0
  private var confirmations: [[Confirmation]] = []

  /// Starts after `durable`, without lanes, with the offset of each partition's next record, by `slot`.
  package init(partitionCount: Int, limits: LogLimits, durable: UInt64, nextOffsets: [Int64]) {
    self.partitionCount = partitionCount
    self.limits = limits
    self.durable = durable
    last = durable
    let slots = partitionCount * Service.allCases.count
    self.nextOffsets = Array(nextOffsets.prefix(slots))
    self.nextOffsets += Array(repeating: 0, count: slots - self.nextOffsets.count)
  }

  /// Sets new lanes: everything expected or confirmed is forgotten.
  package mutating func attach(laneCount: Int) {
    isExpected = Array(repeating: false, count: laneCount)
    expectedCount = 0
    confirmations = Array(repeating: [], count: laneCount)
  }

  package func nextOffset(of partition: PartitionID) -> Int64 {
    partition.slot(of: partitionCount).map { nextOffsets[$0] } ?? 0
  }

  /// Records waiting or being written.
  package var pendingRecords: Int { queued.count + committing.count }

  /// Whether no new commands should be accepted: too much waits, or nothing will ever be written.
  package var isBacklogged: Bool {
    failure != nil || queued.count >= limits.queuedRecordsMax || queuedBytes >= limits.queuedBytesMax
  }

  // MARK: Appending

  /// Numbers the records and queues them; those of partitions that do not exist are left out. A failed log accepts
  /// none.
  package mutating func append(_ appends: [RecordAppend], bodies: [Body], by lane: Int) {
    guard failure == nil else { return }
    for (append, body) in zip(appends, bodies) {
      guard let slot = append.partition.slot(of: partitionCount) else { continue }
      last += 1
      queued.append(
        Row(
          partition: append.partition, epoch: append.record.owner.epoch, number: append.record.number,
          offset: nextOffsets[slot], sequence: last, lane: lane, body: body))
      nextOffsets[slot] += 1
      queuedBytes += body.byteCount
    }
  }

  /// Takes the results of a lane's appends.
  package mutating func takeConfirmations(of lane: Int) -> [Confirmation] {
    guard confirmations.indices.contains(lane), !confirmations[lane].isEmpty else { return [] }
    var taken: [Confirmation] = []
    swap(&taken, &confirmations[lane])
    return taken
  }

  // MARK: Groups

  /// A lane has been sent something, which it may answer with appends.
  package mutating func expect(_ lane: Int) {
    guard isExpected.indices.contains(lane), !isExpected[lane] else { return }
    isExpected[lane] = true
    expectedCount += 1
  }

  /// A lane's turn has ended.
  package mutating func turnEnded(by lane: Int) {
    if isExpected.indices.contains(lane), isExpected[lane] {
      isExpected[lane] = false
      expectedCount -= 1
    }
    if !queued.isEmpty { turnsEnded += 1 }
  }

  /// Whether so much waits that a group begins whatever lane is expected.
  package var isGroupFull: Bool {
    canCommit && (queued.count >= limits.groupRecordsDue || queuedBytes >= limits.groupBytesDue)
  }

  /// Whether a group should begin now.
  package var isGroupDue: Bool {
    isGroupFull || (canCommit && turnsEnded > 0 && (expectedCount == 0 || turnsEnded >= limits.groupHintsMax))
  }

  /// Whether there is a group that could begin.
  package var canCommit: Bool { failure == nil && !isCommitting && !queued.isEmpty }

  /// Takes everything that waits as one group. Release it outside the lock.
  package mutating func beginCommit() -> [Row] {
    guard canCommit else { return [] }
    isCommitting = true
    committing = queued
    queued = []
    // The next group is likely as large; appends should not grow the queue bit by bit under the lock.
    queued.reserveCapacity(min(committing.count, limits.groupRecordsDue))
    queuedBytes = 0
    turnsEnded = 0
    return committing
  }

  /// Says that the group is durable. Returns the lanes to notify. A failed log confirms nothing more.
  package mutating func endCommit() -> [Int] {
    guard failure == nil else { return [] }
    var notified: [Int] = []
    for row in committing where confirmations.indices.contains(row.lane) {
      if confirmations[row.lane].isEmpty { notified.append(row.lane) }
      confirmations[row.lane].append(
        Confirmation(partition: row.partition, epoch: row.epoch, number: row.number, offset: row.offset))
    }
    if let newest = committing.last { durable = newest.sequence }
    committing = []
    isCommitting = false
    return notified
  }

  /// Ends the log; the first failure stays. What was queued is never written.
  package mutating func fail(_ failure: LogFailure) {
    if self.failure == nil { self.failure = failure }
  }
}

/// What a log keeps with a record until it is written.
public protocol LogBody: Sendable {
  /// Counts towards `LogLimits.queuedBytesMax`.
  var byteCount: Int { get }
}
