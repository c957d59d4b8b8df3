/// Austin Appleby's MurmurHash3_x64_128 with seed 0: well spread, and the same on every machine and in every release.
/// Not for secrets: anyone can find collisions.
///
/// Source: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain)
public struct MurmurHash3: Hashable, Sendable {
  /// The first of the reference's two words.
  public let first: UInt64
  public let second: UInt64

  private static let c1: UInt64 = 0x87c3_7b91_1142_53d5
  private static let c2: UInt64 = 0x4cf5_ad43_2745_937f

  public init(_ bytes: [UInt8]) { self = bytes.withUnsafeBytes(MurmurHash3.init) }

  public init(_ bytes: UnsafeRawBufferPointer) {
    var h1: UInt64 = 0
    var h2: UInt64 = 0
    let blocks = bytes.count / 16
    for block in 0..<blocks {
      h1 ^= Self.mix1(Self.word(bytes, at: block * 16))
      h1 = (Self.rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
      h2 ^= Self.mix2(Self.word(bytes, at: block * 16 + 8))
      h2 = (Self.rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
    }
    h1 ^= Self.mix1(Self.tail(bytes, from: blocks * 16))
    h2 ^= Self.mix2(Self.tail(bytes, from: blocks * 16 + 8))
    h1 ^= UInt64(bytes.count)
    h2 ^= UInt64(bytes.count)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    h1 = Self.finish(h1)
    h2 = Self.finish(h2)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    first = h1
    second = h2
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Up to eight bytes after the last block, little-endian; 0 if there are none, which mixes to 0.
  private static func tail(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
    guard start < bytes.count else { return 0 }
    var value: UInt64 = 0
    let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 8, bytes.count)])
    withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: rest) }
    return UInt64(littleEndian: value)
  }

  private static func mix1(_ k: UInt64) -> UInt64 { rotate(k &* c1, 31) &* c2 }
  private static func mix2(_ k: UInt64) -> UInt64 { rotate(k &* c2, 33) &* c1 }
  private static func rotate(_ x: UInt64, _ bits: UInt64) -> UInt64 { x << bits | x >> (64 - bits) }

  private static func finish(_ x: UInt64) -> UInt64 {
    var k = x
    k ^= k >> 33
    k = k &* 0xff51_afd7_ed55_8ccd
    k ^= k >> 33
    k = k &* 0xc4ce_b9fe_1a85_ec53
    return k ^ (k >> 33)
  }
}
