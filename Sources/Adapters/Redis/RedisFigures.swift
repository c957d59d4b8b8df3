import Synchronization

/// What the cache of one lane has done; written by its lane, read from any thread.
public final class RedisFigures: Sendable {
  public enum Counter: Int, CaseIterable, Sendable {
    /// Queries that Redis answered with a price.
    case hits
    /// Queries for which Redis knew no price.
    case misses
    /// Queries not sent because the breaker was not closed.
    case skipped
    /// Queries not sent because a bound was reached.
    case refusedAtBound
    /// `MGET`s sent, and those not answered in time.
    case requests, lateRequests
    /// Prices sent to Redis; those it refused; those not sent because it was unreachable, full or slow.
    case writes, refusedWrites, droppedWrites
    /// Values and replies that Kassa never wrote or requested.
    case rubbish
    /// Error replies to queries for prices.
    case errorReplies
    /// Connections opened, lost, or refused at the log-in.
    case connects, losses, refusedLogIns
  }

  private let cells: [Cell]
  private let closed = Atomic<Bool>(false)

  private final class Cell: Sendable {
    let value = Atomic<UInt64>(0)
  }

  init() { cells = Counter.allCases.map { _ in Cell() } }

  public subscript(counter: Counter) -> UInt64 { cells[counter.rawValue].value.load(ordering: .relaxed) }

  func add(_ count: Int = 1, to counter: Counter) {
    cells[counter.rawValue].value.wrappingAdd(UInt64(clamping: count), ordering: .relaxed)
  }

  /// Whether queries go to Redis: connected, and the breaker closed.
  public internal(set) var isAsked: Bool {
    get { closed.load(ordering: .relaxed) }
    set { closed.store(newValue, ordering: .relaxed) }
  }
}
