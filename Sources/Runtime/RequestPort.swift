import Model

/// Where a lane's requests enter the partitions, wherever those are. Lane-confined.
///
/// A request is named by a number that its client chooses, unique among the lane's requests of this process.
public protocol RequestPort: AnyObject {
  /// Appends a command to its partition's log; the client gets the outcome once.
  /// - Throws: `RequestRefusal` immediately; then nothing was appended and the client gets nothing more.
  func submit(
    _ command: Command, to partition: PartitionID, number: UInt64, idempotency: IdempotencyToken?,
    trace: TraceContext?
  ) throws(RequestRefusal)

  /// Answers a query immediately if this lane owns its key and has in memory what may be shown now; else it must be
  /// asked (`ask`). Most reads of a lane's own partitions are answered this way, without a waiting request.
  func look(_ query: Query) -> View?

  /// Asks the owner of a key; the client gets the answer once.
  /// - Throws: `RequestRefusal` immediately.
  func ask(_ query: Query, number: UInt64) throws(RequestRefusal)

  var partitioner: Partitioner { get }
}

/// Who receives the results of a lane's requests: the REST API. Lane-confined.
public protocol RequestClient: AnyObject {
  /// Called on the lane, in batches, at most once for each number; an unknown number is ignored.
  func finished(_ number: UInt64, _ result: RequestResult)

  /// The log accepts no more records: what waits now may never finish, though it may be in the log. Called once, after
  /// every result that could still be given.
  func logFailed()

  /// Requests waiting for a partition.
  var waitingCount: Int { get }
}

/// What became of a request.
public enum RequestResult: Hashable, Sendable {
  case outcome(Outcome, isReplayed: Bool)
  case view(View)
  /// It was accepted, but cannot be served after all. Only with `outcomeUnknown` may a command have taken effect.
  case refused(RequestRefusal)
}
