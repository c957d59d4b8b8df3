import Model

/// A partitioned log: appends records, makes them durable, hands them to their partitions' owners in order.
///
/// A log may hand a record to its owner before it is durable; then `Delivery.position` says what an answer has to
/// wait for. Everything here may be called from any lane and never waits for a disk or a network.
public protocol EventLog: AnyObject, Sendable {
  /// Appends records, in this order. Returns the position behind them, which a checkpoint waits for when it includes
  /// what caused them.
  ///
  /// A log whose appends come back only when they are durable need not count commands: nobody can depend on one
  /// before. Then a call without messages returns the position behind the newest message.
  ///
  /// Records of one call that go to the same partition keep their order, and so do calls of one caller.
  /// Name the calling lane as `owner`: other owners are woken for what they get, the caller is not, so it calls
  /// `takeDeliveries` or `flushHint` after its appends. A call that holds a message is never refused as a backlog.
  /// - Throws: `LogRefusal`; then nothing of the call was appended.
  func append(_ appends: [Append], by owner: (any LogOwner)?) throws(LogRefusal) -> LogPosition

  /// Everything up to here is durable. Grows only.
  var durable: LogPosition { get }

  /// The offset of the partition's next record; 0 for a partition without records, or one that does not exist.
  func nextOffset(of partition: PartitionID) -> Int64

  /// Why the log takes no more records, if so. Final: a log that failed to write never tries the same file again.
  var failure: LogFailure? { get }

  /// Starts handing `partitions` to `owner`: each from the record behind its offset, without gaps.
  ///
  /// - Throws: `LogFailure` when the log does not have that record any more, or cannot be read.
  func subscribe(_ owner: any LogOwner, to partitions: [PartitionID: Int64]) throws(LogFailure)

  /// Takes partitions away from their owner: nothing more of them is handed over.
  func unsubscribe(_ partitions: [PartitionID])

  /// Takes what was delivered to `owner` since the last call. At most about `recordsMax` records; then the owner
  /// is woken again. Says also that what was taken before has been applied, and what it caused was appended.
  func takeDeliveries(of owner: any LogOwner, recordsMax: Int) -> [Delivery]

  /// Whether the log still works on what `owner` appended before, and would rather get more of it at once later: for a
  /// log that is charged by the request. The owner is woken when it no longer does; it need not wait for that.
  func isOccupied(by owner: any LogOwner) -> Bool

  /// Says that the caller has nothing more to append before something new reaches it: a log that writes in groups
  /// can begin the next group now instead of splitting what belongs together. Due after every turn that appended
  /// or took something: what was taken counts as being applied until then. An owner that still has deliveries to
  /// take is woken.
  func flushHint(by owner: (any LogOwner)?)

  /// Says that records of `partition` up to `offset` are not needed any more.
  func trim(_ partition: PartitionID, through offset: Int64)

  /// Writes what was appended and ends. Blocking; not for a lane.
  func close()
}

extension EventLog {
  /// Never: a log that collects by itself is given everything at once.
  public func isOccupied(by owner: any LogOwner) -> Bool { false }
}

/// Whoever owns partitions: a lane. The calls come on any thread, must not block, and mean "look again soon".
public protocol LogOwner: AnyObject, Sendable {
  /// There is something for `takeDeliveries`.
  func deliveriesArrived()
  /// `durable` or `failure` changed.
  func durabilityChanged()
  /// The log did not acknowledge these commands within its time. They may stand in it all the same, or still come:
  /// their outcome is unknown. Said to whoever appended them.
  func commandsUnknown(_ requests: [RequestID])
}

extension LogOwner {
  /// Does nothing: a log that fails as a whole says so by `failure`, and every request has a deadline of its own.
  public func commandsUnknown(_ requests: [RequestID]) {}
}

/// One record to be appended.
public struct Append: Sendable {
  public let partition: PartitionID
  public let record: Record
  /// A client's command may be refused when the log is behind; a message between partitions never.
  public let isRefusable: Bool

  public init(partition: PartitionID, record: Record, isRefusable: Bool) {
    self.partition = partition
    self.record = record
    self.isRefusable = isRefusable
  }
}

/// Why an append was refused. Nothing was appended.
public enum LogRefusal: Error, Hashable, Sendable {
  /// As much waits to be written as the log's bound allows.
  case backlog
  /// The log has failed or is closed.
  case unavailable
}

/// What went wrong with a log.
public struct LogFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// A write or fsync failed, or the disk is full.
    case write
    case read
    /// The log begins behind the record that was asked for.
    case trimmed
    /// The files are not what this program writes.
    case format
    case closed
    /// What the log was told contradicts itself, or the library refuses it.
    case settings
    /// Nobody answered in time.
    case unreachable
  }

  public let code: Code
  /// A sentence for the operator that names the file.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
