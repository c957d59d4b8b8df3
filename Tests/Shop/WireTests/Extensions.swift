/// Makes, of a message's bytes, what a later version with one more field might write.
enum Extensions {
  /// Field 2000 with the value 1. As part of a text it makes the text invalid.
  private static let field: [UInt8] = [0x80, 0x7D, 0x01]

  /// The bytes with one more field, once for each message among them, and also for each text: from the bytes alone
  /// the two cannot be told apart.
  static func of(_ bytes: [UInt8]) -> [[UInt8]] {
    var extended = [bytes + field]
    var position = 0
    while position < bytes.count {
      let start = position
      guard let tag = varint(bytes, &position) else { break }
      switch tag & 7 {
      case 0: guard varint(bytes, &position) != nil else { return extended }
      case 1: position += 8
      case 2:
        let head = position
        guard let length = varint(bytes, &position), length <= bytes.count - position else { return extended }
        let end = position + length
        for content in of(Array(bytes[position..<end])) {
          extended.append(bytes[..<start] + bytes[start..<head] + varint(content.count) + content + bytes[end...])
        }
        position = end
      default: return extended
      }
    }
    return extended
  }

  private static func varint(_ bytes: [UInt8], _ position: inout Int) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 70, by: 7) where position < bytes.count {
      let byte = bytes[position]
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value >= 0 ? value : nil }
    }
    return nil
  }

  private static func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
  }
}
