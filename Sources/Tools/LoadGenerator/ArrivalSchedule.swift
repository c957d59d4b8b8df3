import Glibc
import Model

/// When the requests of an open loop should start, whatever the server does.
///
/// Latency counts from these moments. A closed loop sends less while the server stalls, and so omits exactly the
/// requests that would have suffered (coordinated omission); this schedule continues.
struct ArrivalSchedule {
  private let meanGap: Double
  private let isPoisson: Bool
  private var random: SplitMix64
  /// The next arrival, in nanoseconds after the start; a fraction is kept so that the rate is met exactly.
  private var nextOffset: Double

  /// - Parameters:
  ///   - ratePerSecond: more than 0.
  ///   - isPoisson: gaps are drawn from the exponential distribution, like those of independent buyers; otherwise all
  ///     are equal.
  init(ratePerSecond: Double, isPoisson: Bool, seed: UInt64) {
    meanGap = 1e9 / max(ratePerSecond, 1e-6)
    self.isPoisson = isPoisson
    random = SplitMix64(seed: seed)
    nextOffset = 0
    advance()
  }

  /// The next arrival, in nanoseconds after the start.
  var next: Int64 { Int64(min(nextOffset, 9e18)) }

  mutating func advance() {
    nextOffset += isPoisson ? -log(1 - random.fraction()) * meanGap : meanGap
  }
}
