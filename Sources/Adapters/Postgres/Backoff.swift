/// The waits between attempts to connect: doubling up to a bound, each randomly shortened, so that pods that lost the
/// same server do not return at the same moment.
struct Backoff {
  private let first: Int
  private let longest: Int
  private var next: Int

  init(_ options: PostgresOptions) {
    first = options.backoffMillisecondsMin
    longest = options.backoffMillisecondsMax
    next = first
  }

  /// The next wait, in milliseconds: between half of the current bound and all of it.
  mutating func wait(using generator: inout some RandomNumberGenerator) -> Int {
    let bound = next
    next = min(longest, next * 2)
    return Int.random(in: (bound + 1) / 2...bound, using: &generator)
  }

  mutating func reset() { next = first }
}
