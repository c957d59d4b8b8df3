import Model

/// A price as stored in Redis: `1 <generation> <minor units>`, in text that an operator can read.
///
/// The first number is the format's version. `removeAll` changes the generation: a price of another one no longer
/// counts, whoever wrote it.
enum StoredPrice {
  static let version: Substring = "1"

  static func bytes(_ price: Money, generation: UInt64) -> [UInt8] {
    Array("\(version) \(generation) \(price.value)".utf8)
  }

  enum Reading: Hashable {
    case price(Money)
    case otherGeneration
    case rubbish
  }

  static func read(_ bytes: UnsafeRawBufferPointer, generation: UInt64) -> Reading {
    let parts = String(decoding: bytes, as: UTF8.self)
      .split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == version, let written = UInt64(parts[1]), let value = Int64(parts[2]),
      let price = Money(value)
    else { return .rubbish }
    return written == generation ? .price(price) : .otherGeneration
  }

  static func generation(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
    UInt64(String(decoding: bytes, as: UTF8.self))
  }
}
