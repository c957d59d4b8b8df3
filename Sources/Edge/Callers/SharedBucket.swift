import Synchronization

/// One caller's bucket for all lanes: a caller's connections are spread over them unevenly, so a share of the rate per
/// lane would refuse a caller that keeps to it.
final class SharedBucket: Sendable {
  /// `TokenBucket.fullAt`, or `closed`.
  private let fullAt: Atomic<Int64>
  private static let closed = Int64.max

  init(_ bucket: TokenBucket = TokenBucket()) { fullAt = Atomic(bucket.fullAt) }

  var bucket: TokenBucket { TokenBucket(fullAt: fullAt.load(ordering: .relaxed)) }
  var isClosed: Bool { fullAt.load(ordering: .relaxed) == Self.closed }

  /// Takes a token; a closed bucket has none.
  /// - Parameter now: nanoseconds of a monotonic clock.
  func take(at now: Int64, _ rate: CallerRate) -> TokenBucket.Decision {
    while true {
      let seen = fullAt.load(ordering: .relaxed)
      guard seen != Self.closed else { return .refused(wait: rate.interval) }
      var bucket = TokenBucket(fullAt: seen)
      let decision = bucket.take(at: now, rate)
      if case .refused = decision { return decision }
      if fullAt.compareExchange(expected: seen, desired: bucket.fullAt, ordering: .relaxed).exchanged {
        return decision
      }
    }
  }

  /// From now on nobody takes from it. Returns what it was. Call it only once.
  func close() -> TokenBucket { TokenBucket(fullAt: fullAt.exchange(Self.closed, ordering: .relaxed)) }
}
