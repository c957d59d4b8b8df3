import Glibc

/// A request path cut into its segments, in memory that is allocated once per lane.
///
/// A path means something only as `/segment/segment…` with characters of the ids' alphabet in every segment, so that is
/// all that is kept: an escape (`%41`) is decoded when it stands for such a character and refused otherwise — there is
/// no legal path that needs another one, and an escaped slash or a NUL has surprised enough programs.
struct PathSegments: ~Copyable {
  /// The most segments of a path that means something: `/orders/batch_init/a/b/c/d`.
  static let countMax = 6

  private let bytes: UnsafeMutableBufferPointer<UInt8>
  /// Where each segment ends in `bytes`; the next one begins after a slash.
  private let ends: UnsafeMutableBufferPointer<Int>
  private(set) var count = 0

  /// What the path is.
  enum Shape: Hashable {
    case segments
    /// Exactly `/`.
    case root
    /// An empty segment, too many of them, or no leading slash: nothing is there.
    case nothing
    case badEscape
    case tooLong
  }

  init(bytesMax: Int) {
    bytes = .allocate(capacity: max(bytesMax, 1))
    ends = .allocate(capacity: Self.countMax)
  }

  deinit {
    bytes.deallocate()
    ends.deallocate()
  }

  /// Takes a path as it was sent.
  mutating func parse(_ path: UnsafeBufferPointer<UInt8>) -> Shape {
    count = 0
    guard path.count <= bytes.count else { return .tooLong }
    bytes[0] = UInt8(ascii: "/")
    var length = 1
    var start = 1
    var isNothing = path.first != UInt8(ascii: "/")
    var place = 1
    while place < path.count {
      var byte = path[place]
      place += 1
      if byte == UInt8(ascii: "/") {
        isNothing = isNothing || length == start || !close(at: length)
        start = length + 1
      } else if byte == UInt8(ascii: "%") {
        guard let decoded = Self.decode(path, at: place) else { return .badEscape }
        byte = decoded
        place += 2
      }
      bytes[length] = byte
      length += 1
    }
    if path.count == 1, !isNothing { return .root }
    return isNothing || length == start || !close(at: length) ? .nothing : .segments
  }

  private mutating func close(at end: Int) -> Bool {
    guard count < Self.countMax else { return false }
    ends[count] = end
    count += 1
    return true
  }

  /// The legal character that the two hexadecimal digits at `place` stand for.
  private static func decode(_ path: UnsafeBufferPointer<UInt8>, at place: Int) -> UInt8? {
    guard place + 1 < path.count, let high = hexDigit(path[place]), let low = hexDigit(path[place + 1]) else {
      return nil
    }
    let byte = high << 4 | low
    return IDAlphabet.contains(byte) ? byte : nil
  }

  /// A segment; empty if there is none at that index. Valid until the next `parse`.
  subscript(index: Int) -> UnsafeBufferPointer<UInt8> {
    guard (0..<count).contains(index) else { return UnsafeBufferPointer(start: nil, count: 0) }
    let start = index == 0 ? 1 : ends[index - 1] + 1
    return UnsafeBufferPointer(rebasing: UnsafeBufferPointer(bytes)[start..<ends[index]])
  }

  /// The whole path with its escapes decoded: two spellings of a path are the same here. Valid until the next `parse`.
  var canonical: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: UnsafeBufferPointer(bytes)[..<(count == 0 ? 0 : ends[count - 1])])
  }

  /// Whether its first segments are these bytes, slashes included.
  func begins(with text: UnsafePointer<UInt8>, _ segmentCount: Int, byteCount: Int) -> Bool {
    // Hardly any other path has as many bytes before the same slash, so that this is compared first.
    guard ends[segmentCount &- 1] == byteCount, let own = UnsafeRawPointer(bytes.baseAddress) else { return false }
    return memcmp(own, text, byteCount) == 0
  }
}

/// The value of a hexadecimal digit in either case.
func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// The characters of ids, one at a time.
enum IDAlphabet {
  static func contains(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
