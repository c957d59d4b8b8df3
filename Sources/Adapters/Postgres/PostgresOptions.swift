import Clocks

/// The bounds of a PostgreSQL store.
public struct PostgresOptions: Hashable, Sendable {
  /// Threads that write checkpoints and raise epochs, each with a connection. A partition belongs to one of them.
  public var writerCount = 2
  /// Threads that load, each with a connection.
  public var readerCount = 2
  /// Checkpoints and epochs waiting for one writer; more fail at once. A partition has one at a time.
  public var queuedWritesMax = 8_192
  /// Waiting loads, and as many waiting pages of orders; more fail at once. A partition has one of each at a time.
  public var queuedLoadsMax = 8_192
  /// Rows per statement.
  public var batchRowsMax = 2_000
  /// Bytes of rows per statement; the row that crosses this bound is its last.
  public var batchBytesMax = 1 << 20
  /// The largest row; a checkpoint with a larger one fails.
  public var rowBytesMax = 256 << 20
  /// Rows per transaction, which may hold checkpoints of several partitions; the checkpoint that crosses this bound is
  /// included as a whole.
  public var transactionRowsMax = 20_000
  /// Loads that one connection sends before it reads the first answer.
  public var pipelinedLoadsMax = 16
  /// Expired idempotency keys that one checkpoint deletes; the next ones delete the rest.
  public var expiredRowsMax = 20_000
  /// Quarantined records per partition; the oldest beyond this are forgotten.
  public var quarantinedRowsMax = 1_000
  /// Connections lost during one request before it fails.
  public var attemptsMax = 4

  /// How long connecting may take, for each of the server's addresses; whole seconds, at least 2, unless the connection
  /// string says otherwise.
  public var connectMillisecondsMax = 5_000
  /// How long one statement may take; the server then ends it.
  public var statementMillisecondsMax = 30_000
  /// How long a transaction may wait for its next statement; the server then ends it. An owner that is stopped during a
  /// checkpoint keeps its successor waiting this long. Shorter than the wait for a lock.
  public var idleMillisecondsMax = 4_000
  /// How long a statement may wait for a lock, which only a replaced owner can hold.
  public var lockMillisecondsMax = 10_000
  /// The connection to a server that does not answer for this long is dropped. Longer than a statement may take.
  public var silenceMillisecondsMax = 35_000
  /// The first wait between two attempts to connect; each further one doubles.
  public var backoffMillisecondsMin = 100
  public var backoffMillisecondsMax = 5_000
  var backoff: Backoff { Backoff(first: Int64(backoffMillisecondsMin), longest: Int64(backoffMillisecondsMax)) }
  /// How long a checkpoint waits for an unreachable server before its owner is notified.
  public var writeWaitMilliseconds = 10_000
  /// The same for a load.
  public var loadWaitMilliseconds = 2_000
  /// The same for an owner that acquires its partition.
  public var acquireWaitMilliseconds = 2_000

  public init() {}

  /// A sentence about the first bound that is out of range.
  public var contradiction: String? {
    let counts = [
      writerCount, readerCount, queuedWritesMax, queuedLoadsMax, batchRowsMax, batchBytesMax, rowBytesMax,
      transactionRowsMax, pipelinedLoadsMax, expiredRowsMax, quarantinedRowsMax, attemptsMax,
    ]
    let times = [
      connectMillisecondsMax, statementMillisecondsMax, idleMillisecondsMax, lockMillisecondsMax,
      silenceMillisecondsMax, backoffMillisecondsMin, backoffMillisecondsMax, writeWaitMilliseconds,
      loadWaitMilliseconds, acquireWaitMilliseconds,
    ]
    if counts.contains(where: { $0 < 1 }) || times.contains(where: { !(1...Self.timeMillisecondsMax).contains($0) }) {
      return "every bound of the store must be at least 1, and every time at most \(Self.timeMillisecondsMax)"
    }
    if max(writerCount, readerCount) > 64 { return "writerCount and readerCount must not exceed 64" }
    if batchRowsMax > 100_000 { return "batchRowsMax must not exceed 100000" }
    if max(batchBytesMax, rowBytesMax) > 512 << 20 {
      return "batchBytesMax and rowBytesMax must not exceed 512 MiB"
    }
    if backoffMillisecondsMin > backoffMillisecondsMax {
      return "backoffMillisecondsMin must not exceed backoffMillisecondsMax"
    }
    if idleMillisecondsMax >= lockMillisecondsMax {
      return "lockMillisecondsMax must exceed idleMillisecondsMax"
    }
    if silenceMillisecondsMax <= max(statementMillisecondsMax, lockMillisecondsMax) {
      return "silenceMillisecondsMax must exceed statementMillisecondsMax and lockMillisecondsMax"
    }
    return nil
  }

  /// No time may be longer than this: a day.
  public static let timeMillisecondsMax = 24 * 60 * 60 * 1_000
}
