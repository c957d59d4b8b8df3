/// What a PostgreSQL store has done since its start, for metrics. Counts only grow, unless noted otherwise.
public struct PostgresCounters: Hashable, Sendable {
  /// Connections made and found to lead to this Kassa's database.
  public var connects = 0
  /// Failed attempts to connect.
  public var connectFailures = 0
  /// Connections lost.
  public var disconnects = 0
  /// Connections open now, of `writerCount + readerCount`; goes up and down.
  public var connectionsOpen = 0
  /// Requests waiting now: checkpoints and epochs; goes up and down.
  public var queuedWrites = 0
  /// Loads waiting now; goes up and down.
  public var queuedLoads = 0

  /// Epochs raised.
  public var acquisitions = 0
  /// Checkpoints written.
  public var checkpoints = 0
  /// Transactions that wrote checkpoints.
  public var transactions = 0
  /// Entities inserted or updated.
  public var rowsWritten = 0
  /// Their bodies' bytes.
  public var bytesWritten = 0
  public var rowsDeleted = 0
  /// Idempotency keys that had expired.
  public var rowsExpired = 0
  /// Checkpoints reported as failed, not counting fenced ones.
  public var writeFailures = 0
  /// Time that writers spent on transactions, in microseconds.
  public var writeMicroseconds = 0

  /// Loads answered with rows.
  public var loads = 0
  /// Entities found.
  public var rowsLoaded = 0
  public var loadFailures = 0
  /// Pages of orders read.
  public var pages = 0

  /// Checkpoints refused because the partition has a newer owner.
  public var fencedWrites = 0
  /// The same for loads.
  public var fencedLoads = 0
  /// Checkpoints and loads refused because the database holds less than it had acknowledged.
  public var setBack = 0
  /// Checkpoints whose commit got no answer.
  public var unknownCommits = 0
  /// Those that turned out to be written.
  public var unknownCommitsWritten = 0
  /// Rows that this program does not write.
  public var damagedRows = 0

  public init() {}
}

/// Whether the server can be reached.
public struct PostgresStatus: Hashable, Sendable {
  /// The server and its database, as messages name them.
  public var name: String
  /// Whether both a writer and a reader have a connection.
  public var isConnected: Bool
  /// Why the last attempt failed; nil while all is well.
  public var failure: String?
}
