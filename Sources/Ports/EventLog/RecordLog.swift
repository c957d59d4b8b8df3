import Model
import PartitionCore

/// A log whose partitions have one writer each: it appends records, reports where each was stored, and reads them again
/// for whoever takes over a partition.
///
/// Everything here may be called from any lane and never waits for a disk or network. A lane is identified by its place
/// among those given to `attach`.
package protocol RecordLog: AnyObject, Sendable {
  /// Sets the lanes; once, before anything else.
  func attach(_ lanes: [any LogLane])

  /// Appends records of partitions whose owner is on `lane`, in this order. `takeConfirmations` returns each one's
  /// result, in the order of each partition's appends. Records of partitions that do not exist are left out, and so is
  /// everything once the log has failed: neither is confirmed.
  ///
  /// - Parameter others: the lanes that will be sent what these records cause, and may append in turn. Send it after
  ///   this call: an effect must not precede its cause in the log. Best after `turnEnded`: an answer that arrives
  ///   before that is not known to belong to the lane's next turn.
  func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int])

  /// Takes the results of the lane's appends since the last call.
  func takeConfirmations(of lane: Int) -> [Confirmation]

  /// Says that the lane has nothing more to append until something new reaches it. A log that writes in groups begins
  /// the next group when no lane is expected to append any more. Call it after every turn that appended or took
  /// something.
  func turnEnded(by lane: Int)

  /// Starts reading partitions whose owner is on `lane`, each from an offset on. `takeRead` returns what is read.
  ///
  /// Damage found while reading ends the whole log; `failure` names the file and the place.
  /// - Throws: `LogFailure` if the log no longer has the first record, or ends before it, or has no such partition or
  ///   lane.
  func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure)

  /// Takes at most about `eventsMax` of what was read for a lane, which is woken again for the rest. What is not taken
  /// bounds how far the log reads ahead.
  func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent]

  /// Says that records of `partition` up to `offset` are no longer needed.
  func trim(_ partition: PartitionID, through offset: Int64)

  /// Whether so much waits to be written that no new commands should be accepted. Does not apply to messages, which are
  /// never refused.
  var isBacklogged: Bool { get }

  /// Why the log accepts no more records; nil if it does. Final: a log that failed to write never tries the same file
  /// again.
  var failure: LogFailure? { get }

  /// Writes what was appended and ends. Blocking; not for a lane.
  func close()
}

/// A lane as the log sees it. The calls come on any thread, must not block, and mean "look again soon".
package protocol LogLane: AnyObject, Sendable {
  /// There are confirmations, or something was read, or the log has failed.
  func logHasNews()
}

/// A record to append.
package struct RecordAppend: Sendable {
  package let partition: PartitionID
  package let record: LogRecord

  package init(partition: PartitionID, record: LogRecord) {
    self.partition = partition
    self.record = record
  }
}

/// The result of an append.
package struct Confirmation: Hashable, Sendable {
  package let partition: PartitionID
  /// The epoch of the record's owner.
  package let epoch: UInt64
  /// The record's number; nil for `owned`, which has none.
  package let number: UInt64?
  /// Where it is durably stored; nil if its fate is unknown.
  package let offset: Int64?

  package init(partition: PartitionID, epoch: UInt64, number: UInt64?, offset: Int64?) {
    self.partition = partition
    self.epoch = epoch
    self.number = number
    self.offset = offset
  }
}

/// A result of reading a partition.
package enum ReadEvent: Sendable {
  case record(LogRecord, offset: Int64, PartitionID)
  case undecodable(reason: String, offset: Int64, PartitionID)
  /// Everything of the partition that was durable at the time of the request has been delivered; `end` is the offset
  /// after it.
  case ended(PartitionID, end: Int64)
  /// Reading cannot continue now: the problem concerns only this partition, and may be temporary.
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
  /// Removes and returns up to `count` elements, at least one if there are any. Taking all of them moves none.
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
  /// - Throws: `LogFailure` if nobody answers in time.
  func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds]

  /// Says that a partition's owner is no longer on `lane`: nothing more from its `read` is delivered.
  func leave(_ partition: PartitionID, by lane: Int)
}
