import Model
import PartitionCore

/// A log of which each partition has one writer: appends records, says where each came to stand, and reads them again
/// for whoever takes a partition over.
///
/// Everything here may be called from any lane and never waits for a disk or a network. A lane is named by its place
/// among those that `attach` was told of.
package protocol RecordLog: AnyObject, Sendable {
  /// Names the lanes; once, before anything else.
  func attach(_ lanes: [any LogLane])

  /// Appends records of partitions whose owner is on `lane`, in this order. What became of each is told by
  /// `takeConfirmations`, in the order of each partition's appends. Records of partitions that do not exist are left
  /// out, and so is everything once the log has failed: neither is confirmed.
  ///
  /// - Parameter others: the lanes that are about to be sent what these records cause, and may append in turn. Send it
  ///   after this call: what is caused must not stand before its cause. Best after `turnEnded`: an answer that comes
  ///   before is not known to belong to the lane's next turn.
  func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int])

  /// Takes what became of the lane's appends since the last call.
  func takeConfirmations(of lane: Int) -> [Confirmation]

  /// Says that the lane has nothing more to append before something new reaches it. A log that writes in groups begins
  /// the next group when nobody is expected to append any more. Due after every turn that appended or took something.
  func turnEnded(by lane: Int)

  /// Starts to read partitions whose owner is on `lane`, each from an offset on. What is read is told by `takeRead`.
  ///
  /// Damage that is found while reading ends the log as a whole, by `failure`: it names the file and the place.
  /// - Throws: `LogFailure` when the log does not have the first record any more, or ends before it; or has no such
  ///   partition or lane.
  func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure)

  /// Takes at most about `eventsMax` of what was read for a lane; then the lane is woken again. While it does not take,
  /// a bounded part of the log is read ahead.
  func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent]

  /// Says that records of `partition` up to `offset` are not needed any more.
  func trim(_ partition: PartitionID, through offset: Int64)

  /// Whether so much waits to be written that no new commands should be taken. Says nothing about messages, which are
  /// never refused.
  var isBacklogged: Bool { get }

  /// Why the log takes no more records, if so. Final: a log that failed to write never tries the same file again.
  var failure: LogFailure? { get }

  /// Writes what was appended and ends. Blocking; not for a lane.
  func close()
}

/// A lane as the log sees it. The calls come on any thread, must not block, and mean "look again soon".
package protocol LogLane: AnyObject, Sendable {
  /// There are confirmations, or something was read, or the log has failed.
  func logHasNews()
}

/// A record to be appended.
package struct RecordAppend: Sendable {
  package let partition: PartitionID
  package let record: LogRecord

  package init(partition: PartitionID, record: LogRecord) {
    self.partition = partition
    self.record = record
  }
}

/// What became of an append.
package struct Confirmation: Hashable, Sendable {
  package let partition: PartitionID
  /// Whose record it is.
  package let epoch: UInt64
  /// The record's number; nil for `owned`, which has none.
  package let number: UInt64?
  /// Where it stands durably; nil when its fate is unknown.
  package let offset: Int64?

  package init(partition: PartitionID, epoch: UInt64, number: UInt64?, offset: Int64?) {
    self.partition = partition
    self.epoch = epoch
    self.number = number
    self.offset = offset
  }
}

/// What reading a partition came to.
package enum ReadEvent: Sendable {
  case record(LogRecord, offset: Int64, PartitionID)
  case undecodable(reason: String, offset: Int64, PartitionID)
  /// Everything of the partition was handed over that was durable when it was asked for; `end` is the offset after it.
  case ended(PartitionID, end: Int64)
  /// It cannot be read on, now: what is wrong lies in this partition alone, and may pass.
  case broken(PartitionID, reason: String)

  package var partition: PartitionID {
    switch self {
    case .record(_, _, let partition), .undecodable(_, _, let partition), .ended(let partition, _),
      .broken(let partition, _):
      partition
    }
  }
}

extension Array {
  /// Removes up to `count` elements, at least one where there are any, and returns them. Taking all of them moves none.
  package mutating func takeFirst(_ count: Int) -> [Element] {
    let count = count < 1 ? 1 : count
    guard count < self.count else {
      defer { self = [] }
      return self
    }
    let taken = Array(prefix(count))
    removeFirst(count)
    return taken
  }
}

/// A log that several processes append to and read: partitions change their owners while it runs.
package protocol SharedRecordLog: RecordLog {
  /// Which records some partitions have now. Blocking: not for a lane.
  /// - Throws: `LogFailure` when nobody answers in time.
  func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds]

  /// Says that a partition's owner is not on `lane` any more: nothing more of what `read` began is handed over.
  func leave(_ partition: PartitionID, by lane: Int)
}
