/// Counts durations in buckets that grow with the value, so that every percentile is accurate to within 1 %, from a
/// microsecond to half a day, in 30 KB.
///
/// Log-linear: values below 256 µs have a bucket each; above, every doubling is split into 128 buckets, so a bucket is
/// never wider than 1/128 of the values in it. Recording is a shift and an addition. A larger value counts as
/// `valueMicrosecondsMax`. Exact: `count`, `sum`, `min` and `max`. Source of the idea: Gil Tene, HdrHistogram,
/// http://hdrhistogram.org
public struct HDRHistogram: Sendable, Hashable {
  /// 2^36 − 1 µs, 19 hours.
  public static let valueMicrosecondsMax: Int64 = (1 << 36) - 1
  /// Buckets per doubling.
  private static let half = 128
  private static let bucketCount = index(of: valueMicrosecondsMax) + 1

  private var counts: [UInt64]
  public private(set) var count: UInt64 = 0
  /// The sum of all values in microseconds; wraps at 64 bits.
  public private(set) var sumMicroseconds: UInt64 = 0
  /// 0 if nothing was recorded.
  public private(set) var maxMicroseconds: Int64 = 0
  private var least: Int64 = .max

  public init() { counts = Array(repeating: 0, count: Self.bucketCount) }

  /// 0 if nothing was recorded.
  public var minMicroseconds: Int64 { count == 0 ? 0 : least }

  /// 0 if nothing was recorded.
  public var meanMicroseconds: Double { count == 0 ? 0 : Double(sumMicroseconds) / Double(count) }

  /// Counts one value; a negative one counts as 0.
  public mutating func record(_ microseconds: Int64) {
    let value = min(max(microseconds, 0), Self.valueMicrosecondsMax)
    counts[Self.index(of: value)] &+= 1
    count &+= 1
    sumMicroseconds &+= UInt64(value)
    maxMicroseconds = max(maxMicroseconds, value)
    least = min(least, value)
  }

  /// Adds what another one counted.
  public mutating func merge(_ other: HDRHistogram) {
    for index in counts.indices { counts[index] &+= other.counts[index] }
    count &+= other.count
    sumMicroseconds &+= other.sumMicroseconds
    maxMicroseconds = max(maxMicroseconds, other.maxMicroseconds)
    least = min(least, other.least)
  }

  /// The value that `percentile` percent of the recorded values do not exceed, rounded up by less than 1 %; never more
  /// than the largest value, 0 if nothing was recorded. `percentile` is clamped to 0…100.
  public func percentile(_ percentile: Double) -> Int64 {
    guard count > 0 else { return 0 }
    let share = min(max(percentile.isNaN ? 100 : percentile, 0), 100) / 100
    // Slightly less than the product, so that 99.9 % of 1000 is the 999th value and not, by a rounding error, the
    // 1000th.
    let rank = max((share * Double(count) - 1e-9).rounded(.up), 1)
    var seen: UInt64 = 0
    for index in counts.indices where counts[index] > 0 {
      seen &+= counts[index]
      if Double(seen) >= rank { return min(Self.highest(in: index), maxMicroseconds) }
    }
    return maxMicroseconds
  }

  /// For 0…`valueMicrosecondsMax`.
  private static func index(of value: Int64) -> Int {
    let exponent = max(Int64.bitWidth - value.leadingZeroBitCount - 8, 0)
    return exponent * half + Int(value >> Int64(exponent))
  }

  /// The largest value of a bucket.
  private static func highest(in index: Int) -> Int64 {
    guard index >= 2 * half else { return Int64(index) }
    let exponent = index / half - 1
    return (Int64(index - exponent * half) + 1) << Int64(exponent) - 1
  }
}
