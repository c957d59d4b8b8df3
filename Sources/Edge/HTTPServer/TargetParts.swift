/// The parts of a request's target (RFC 9112 §3.2), as ranges in it.
struct TargetParts {
  /// Host and port of an absolute target, as also given in `Host`; otherwise empty.
  private(set) var authority = 0..<0
  /// Up to the query. Empty if an absolute target has no path, which means `/`.
  private(set) var path: Range<Int>

  /// All of an invalid target, as its path.
  init(ofMeaningless target: UnsafeBufferPointer<UInt8>) {
    path = 0..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.count)
  }

  /// `/path?query`, `http://host:port/path?query` or `*`; nil for anything else.
  init?(_ target: UnsafeBufferPointer<UInt8>) {
    guard target.allSatisfy(ASCII.isTarget) else { return nil }
    self.init(ofMeaningless: target)
    if target.first == UInt8(ascii: "/") || Self.isAsterisk(target) { return }
    guard let start = Self.authorityStart(of: target) else { return nil }
    let end = target[start..<path.upperBound].firstIndex(of: UInt8(ascii: "/")) ?? path.upperBound
    // User names are not allowed: a `Host` has none.
    guard start < end, target[start..<end].allSatisfy(ASCII.isHost) else { return nil }
    authority = start..<end
    path = end..<path.upperBound
  }

  static func isAsterisk(_ target: UnsafeBufferPointer<UInt8>) -> Bool {
    target.count == 1 && target[0] == UInt8(ascii: "*")
  }

  private static func authorityStart(of target: UnsafeBufferPointer<UInt8>) -> Int? {
    for scheme in ["http://", "https://"] as [StaticString] {
      let prefix = UnsafeBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount)
      if target.starts(with: prefix, by: { ASCII.lower($0) == $1 }) { return prefix.count }
    }
    return nil
  }

  /// The path of an absolute target without one.
  static let root: StaticString = "/"
}
