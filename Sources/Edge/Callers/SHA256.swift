/// The hash of FIPS 180-4. Implemented here so that the edge needs no library for it: it hashes secrets of a few dozen
/// bytes, each only once per lane (`CallerGate`).
package struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
  /// The first word first.
  private var words: SIMD8<UInt32>

  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]

  package init(of bytes: some Collection<UInt8>) {
    words = [
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    let blocks = (bytes.count + 8) / 64 + 1
    withUnsafeTemporaryAllocation(byteCount: blocks * 64, alignment: 8) { message in
      message.initializeMemory(as: UInt8.self, repeating: 0)
      message.copyBytes(from: bytes)
      message[bytes.count] = 0x80
      message.storeBytes(
        of: (UInt64(bytes.count) * 8).bigEndian, toByteOffset: blocks * 64 - 8, as: UInt64.self)
      Self.constants.withUnsafeBufferPointer { constants in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
          for block in 0..<blocks {
            Self.fill(schedule, UnsafeRawBufferPointer(rebasing: message[(block * 64)..<(block * 64 + 64)]))
            words &+= Self.mixed(words, schedule, constants)
          }
        }
      }
    }
  }

  /// The schedule of a block of 64 bytes.
  private static func fill(_ schedule: UnsafeMutableBufferPointer<UInt32>, _ block: UnsafeRawBufferPointer) {
    for place in 0..<16 {
      schedule[place] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self))
    }
    for place in 16..<64 {
      let (early, late) = (schedule[place - 15], schedule[place - 2])
      let first = rotate(early, 7) ^ rotate(early, 18) ^ early >> 3
      let second = rotate(late, 17) ^ rotate(late, 19) ^ late >> 10
      schedule[place] = schedule[place - 16] &+ first &+ schedule[place - 7] &+ second
    }
  }

  /// The words mixed with a block, to be added to them.
  private static func mixed(
    _ words: SIMD8<UInt32>, _ schedule: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>
  ) -> SIMD8<UInt32> {
    var (a, b, c, d) = (words[0], words[1], words[2], words[3])
    var (e, f, g, h) = (words[4], words[5], words[6], words[7])
    for place in 0..<64 {
      let high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      let first = h &+ high &+ (e & f ^ ~e & g) &+ constants[place] &+ schedule[place]
      let low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      let second = low &+ (a & b ^ a & c ^ b & c)
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
    }
    return [a, b, c, d, e, f, g, h]
  }

  private static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }

  /// Reads 64 hexadecimal digits; nil for anything else.
  package init?(hex: Substring) {
    let digits = Array(hex.utf8)
    guard digits.count == 64, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
    words = .zero
    for place in 0..<8 {
      let part = String(decoding: digits[(place * 8)..<(place * 8 + 8)], as: UTF8.self)
      guard let word = UInt32(part, radix: 16) else { return nil }
      words[place] = word
    }
  }

  /// In hexadecimal digits, as `sha256sum` writes it.
  package var description: String { text(words: 8) }

  /// The first 160 bits in 40 hexadecimal digits.
  package var shortText: String { text(words: 5) }

  private func text(words count: Int) -> String {
    String(unsafeUninitializedCapacity: count * 8) { buffer in
      for place in 0..<(count * 8) {
        let nibble = UInt8(truncatingIfNeeded: words[place / 8] >> UInt32(28 - place % 8 * 4) & 15)
        buffer[place] = nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
      }
      return count * 8
    }
  }

  /// Equality, in a time that does not reveal where they differ.
  package func isSame(as other: SHA256Digest) -> Bool {
    let difference = words ^ other.words
    var bits: UInt32 = 0
    for place in 0..<8 { bits |= difference[place] }
    return bits == 0
  }
}
