/// All bounds and times of the connection to Redis, one connection per lane.
public struct RedisLimits: Hashable, Sendable {
  /// Queries of one turn beyond this are answered nil at once.
  public var questionsPerTurnMax = 4_096
  /// Items in one `MGET`.
  public var itemsPerRequestMax = 512
  /// `MGET`s without an answer; queries beyond this are answered nil at once.
  public var requestsInFlightMax = 16
  /// Written prices that Redis has not confirmed; more are dropped.
  public var writesInFlightMax = 8_192
  /// Bytes waiting for the socket; prices to write beyond this are dropped.
  public var outputBytesMax = 1 << 20
  /// Bytes of one reply; a longer one ends the connection.
  public var replyBytesMax = 1 << 18
  /// Bytes of a price as Kassa writes it; longer values are rubbish.
  public var valueBytesMax = 64
  /// Bytes read per wake-up, so that a server that never stops sending does not block the lane.
  public var readBytesPerWakeUpMax = 1 << 18

  /// A query that has waited this long is answered nil.
  public var answerMilliseconds: UInt64 = 50
  /// Time for connecting, including TLS and log-in.
  public var connectMilliseconds: UInt64 = 1_000
  /// Consecutive requests not answered in time before the breaker opens.
  public var lateRequestsMax = 5
  /// How long the breaker stays open: at first, doubled with each further failure, and at most.
  public var openMillisecondsMin: UInt64 = 100
  public var openMillisecondsMax: UInt64 = 5_000
  /// After Redis refused a write, for example with its memory full, nothing is written for this long.
  public var writePauseMilliseconds: UInt64 = 1_000

  public init() {}

  /// What is wrong with these values; empty if they are consistent.
  public var complaints: [String] {
    var complaints: [String] = []
    let elements = itemsPerRequestMax + 1
    if itemsPerRequestMax < 1 || questionsPerTurnMax < 1 || requestsInFlightMax < 1 || lateRequestsMax < 1 {
      complaints.append("counts must be at least 1")
    }
    if elements > replyBytesMax / (valueBytesMax + 16) {
      complaints.append("an answer to itemsPerRequestMax questions must fit into replyBytesMax")
    }
    if openMillisecondsMin < 1 || openMillisecondsMin > openMillisecondsMax {
      complaints.append("openMillisecondsMin must lie in 1…openMillisecondsMax")
    }
    if answerMilliseconds < 1 || connectMilliseconds < 1 { complaints.append("waits must be at least 1 ms") }
    return complaints
  }
}
