/// Makes the ids of orders, items and users: 15 characters of `A–Z a–z 0–9`, which Swift's `String` stores inline.
enum EntityIDs {
  static let length = 15
  private static let alphabet: StaticString = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

  /// From 128 well-mixed bits: eight characters of one half and seven of the other, 89 bits in all.
  static func id(high: UInt64, low: UInt64) -> String {
    String(unsafeUninitializedCapacity: length) { buffer in
      var rest = high
      for place in 0..<length {
        if place == 8 { rest = low }
        buffer[place] = alphabet.utf8Start[Int(rest % 62)]
        rest /= 62
      }
      return length
    }
  }

  static func random(using generator: inout any RandomNumberGenerator) -> String {
    id(high: generator.next(), low: generator.next())
  }
}
