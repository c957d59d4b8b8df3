/// Where the reading of one partition stands: each offset once, in order, without gaps.
struct PartitionCursor: Hashable, Sendable {
  enum Verdict: Hashable, Sendable {
    case deliver
    /// Came before.
    case drop
    case gap(expected: Int64)
  }

  /// The offset of the next record.
  private(set) var next: Int64
  /// Nothing is handed over any more.
  private(set) var isBroken = false
  /// What comes now comes again.
  var isPaused = false

  init(next: Int64) { self.next = next }

  mutating func admit(_ offset: Int64) -> Verdict {
    if isBroken || isPaused || offset < next { return .drop }
    guard offset == next else {
      isBroken = true
      return .gap(expected: next)
    }
    next += 1
    return .deliver
  }

  mutating func breakOff() { isBroken = true }
}
