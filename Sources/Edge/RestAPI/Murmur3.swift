/// Austin Appleby's MurmurHash3, the 128-bit variant for 64-bit machines.
///
/// Well spread and the same on every machine and in every release, as ids derived from idempotency keys must be;
/// not meant to stop anyone looking for collisions, who could only hit their own ids. Source:
/// https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain)
struct Murmur3: Hashable {
  let high: UInt64
  let low: UInt64

  private static let c1: UInt64 = 0x87c3_7b91_1142_53d5
  private static let c2: UInt64 = 0x4cf5_ad43_2745_937f

  /// `low` is the first of the reference's two words, `high` the second.
  init(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) {
    var h1 = UInt64(seed)
    var h2 = UInt64(seed)
    let blocks = bytes.count / 16
    for block in 0..<blocks {
      let k1 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: block * 16, as: UInt64.self))
      let k2 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: block * 16 + 8, as: UInt64.self))
      h1 ^= Self.mix1(k1)
      h1 = (Self.rotate(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
      h2 ^= Self.mix2(k2)
      h2 = (Self.rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
    }
    var k1: UInt64 = 0
    var k2: UInt64 = 0
    for (place, byte) in bytes[(blocks * 16)...].enumerated() {
      if place < 8 { k1 |= UInt64(byte) << UInt64(place * 8) } else { k2 |= UInt64(byte) << UInt64(place * 8 - 64) }
    }
    h2 ^= Self.mix2(k2)
    h1 ^= Self.mix1(k1)
    h1 ^= UInt64(bytes.count)
    h2 ^= UInt64(bytes.count)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    h1 = Self.finish(h1)
    h2 = Self.finish(h2)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    low = h1
    high = h2
  }

  init(_ bytes: [UInt8], seed: UInt32 = 0) {
    self = bytes.withUnsafeBytes { Murmur3($0, seed: seed) }
  }

  private static func mix1(_ k: UInt64) -> UInt64 { rotate(k &* c1, 31) &* c2 }
  private static func mix2(_ k: UInt64) -> UInt64 { rotate(k &* c2, 33) &* c1 }
  private static func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 { x << by | x >> (64 - by) }

  private static func finish(_ h: UInt64) -> UInt64 {
    var h = h
    h ^= h >> 33
    h = h &* 0xff51_afd7_ed55_8ccd
    h ^= h >> 33
    h = h &* 0xc4ce_b9fe_1a85_ec53
    h ^= h >> 33
    return h
  }
}
