/// Identifies a caller: 1 to 32 characters of `A–Z a–z 0–9 _ -`, stored inline so that looking one up allocates
/// nothing.
package struct CallerID: Hashable, Sendable, CustomStringConvertible {
  private var words: SIMD4<UInt64> = .zero

  package static let lengthMax = 32

  /// nil for anything that is not an id.
  package init?(_ bytes: some Collection<UInt8>) {
    guard (1...Self.lengthMax).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  /// Bytes that need not be a valid id, for finding an equal one. nil if none can be equal.
  init?(unchecked bytes: UnsafeRawBufferPointer) {
    guard (1...Self.lengthMax).contains(bytes.count), bytes[bytes.count - 1] != 0 else { return nil }
    withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
  }

  package init?(_ text: some StringProtocol) { self.init(text.utf8) }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  package var description: String {
    withUnsafeBytes(of: words) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  package func hash(into hasher: inout Hasher) {
    for place in 0..<4 { hasher.combine(words[place]) }
  }
}
