/// The waits between attempts that fail: doubling from the first up to the longest, in any unit of time.
public struct Backoff: Hashable, Sendable {
  public let first: Int64
  public let longest: Int64

  public init(first: Int64, longest: Int64) {
    self.first = first
    self.longest = longest
  }

  /// The wait after this many failures in a row, counted from 1.
  public func wait(after failures: Int) -> Int64 {
    let doublings = min(max(failures, 1) - 1, first > 0 ? first.leadingZeroBitCount - 1 : 0)
    return min(longest, first << Int64(doublings))
  }

  /// Between half of it and all of it, so that those who lost the same server do not come back at the same moment.
  public func wait(after failures: Int, using generator: inout some RandomNumberGenerator) -> Int64 {
    let whole = max(wait(after: failures), 0)
    return Int64.random(in: (whole + 1) / 2...whole, using: &generator)
  }
}
