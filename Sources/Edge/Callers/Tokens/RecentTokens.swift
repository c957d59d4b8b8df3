/// The tokens that a lane has seen lately, in two generations: when the younger one is full, the older one is
/// forgotten. So nothing has to be kept in order, and a token in use is never forgotten.
///
/// A token is found by the end of its signature and then compared as a whole: a SHA-256 of it would take nearly as long
/// as the check of its signature.
struct RecentTokens {
  final class Entry {
    let token: [UInt8]
    let grant: TokenRules.Grant
    /// Replaced when its bucket was displaced.
    var caller: Caller

    init(_ token: UnsafeBufferPointer<UInt8>, _ grant: TokenRules.Grant, _ caller: Caller) {
      self.token = Array(token)
      self.grant = grant
      self.caller = caller
    }
  }

  /// The last 16 characters: 96 bits of a signature. Of two good tokens with the same ones, the later is remembered.
  private struct Tail: Hashable {
    private let low: UInt64
    private let high: UInt64

    /// nil for what is too short to be a signed token.
    init?(_ token: UnsafeBufferPointer<UInt8>) {
      guard token.count >= 16 else { return nil }
      let bytes = UnsafeRawBufferPointer(token)
      low = bytes.loadUnaligned(fromByteOffset: bytes.count - 16, as: UInt64.self)
      high = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
    }
  }

  /// In both generations.
  static let tokensMax = 4_096
  /// Of all tokens in both generations.
  static let bytesMax = 4 << 20

  private struct Generation {
    var entries: [Tail: Entry] = [:]
    var bytes = 0
  }

  private var young = Generation()
  private var old = Generation()

  var count: Int { young.entries.count + old.entries.count }
  var bytes: Int { young.bytes + old.bytes }

  mutating func find(_ token: UnsafeBufferPointer<UInt8>) -> Entry? {
    guard let tail = Tail(token) else { return nil }
    if let entry = young.entries[tail] { return Self.isSame(entry.token, token) ? entry : nil }
    guard let entry = old.entries[tail], Self.isSame(entry.token, token) else { return nil }
    add(entry)
    return entry
  }

  mutating func add(_ entry: Entry) {
    guard let tail = entry.token.withUnsafeBufferPointer({ Tail($0) }) else { return }
    if young.entries.count >= Self.tokensMax / 2 || young.bytes + entry.token.count > Self.bytesMax / 2 {
      old = young
      young = Generation()
    }
    if let other = old.entries.removeValue(forKey: tail) { old.bytes -= other.token.count }
    if let other = young.entries.updateValue(entry, forKey: tail) { young.bytes -= other.token.count }
    young.bytes += entry.token.count
  }

  /// In a time that does not reveal where they differ.
  private static func isSame(_ known: [UInt8], _ presented: UnsafeBufferPointer<UInt8>) -> Bool {
    known.withUnsafeBufferPointer { known in
      guard known.count == presented.count else { return false }
      var difference: UInt8 = 0
      for place in 0..<presented.count { difference |= known[place] ^ presented[place] }
      return difference == 0
    }
  }
}
