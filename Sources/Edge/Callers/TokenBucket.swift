/// How often a caller may send requests.
package struct CallerRate: Hashable, Sendable, CustomStringConvertible {
  /// Sustained requests per second.
  package let perSecond: Int
  /// Requests that may come at once after a pause.
  package let burst: Int

  package static let perSecondMax = 1_000_000
  package static let burstMax = 1_000_000

  /// nil if one of them is not in 1…1,000,000. The default burst is one second's worth.
  package init?(perSecond: Int, burst: Int? = nil) {
    let burst = burst ?? perSecond
    guard (1...Self.perSecondMax).contains(perSecond), (1...Self.burstMax).contains(burst) else { return nil }
    self.perSecond = perSecond
    self.burst = burst
  }

  /// Reads `RATE` or `RATE/BURST`.
  package init?(_ text: Substring) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(part) : nil
    }
    guard (1...2).contains(parts.count), let rate = parts[0], let last = parts[parts.count - 1] else { return nil }
    self.init(perSecond: rate, burst: last)
  }

  package var description: String { burst == perSecond ? "\(perSecond)" : "\(perSecond)/\(burst)" }

  /// Nanoseconds per request.
  var interval: Int64 { max(1, 1_000_000_000 / Int64(perSecond)) }
}

/// A bucket of tokens that fills at a rate; every request takes one.
///
/// Its whole state is one number: when the bucket will be full again, in nanoseconds (the generic cell rate algorithm).
/// So a bucket shared by many lanes is one atomic word without a lock, and nobody has to fill it as time passes. Pure:
/// time is passed in.
package struct TokenBucket: Hashable, Sendable {
  /// When it will be full again; if in the past, it is full.
  package var fullAt: Int64

  package init(fullAt: Int64 = .min / 4) { self.fullAt = fullAt }

  package enum Decision: Hashable, Sendable {
    /// Remaining tokens.
    case allowed(left: Int)
    /// Nanoseconds until there is a token.
    case refused(wait: Int64)
  }

  /// Takes a token if there is one; a refusal changes nothing.
  /// - Parameter now: nanoseconds of a monotonic clock.
  package mutating func take(at now: Int64, _ rate: CallerRate) -> Decision {
    let start = max(fullAt, now)
    let full = start &+ rate.interval
    let room = Int64(rate.burst) &* rate.interval
    // How far the bucket is from full after this request.
    let taken = full &- now
    guard taken <= room else { return .refused(wait: taken &- room) }
    fullAt = full
    return .allowed(left: Int((room &- taken) / rate.interval))
  }
}
