import Model
import PartitionCore
import Testing

@testable import Wire

/// Bytes that nobody wrote on purpose: decoding never traps, and what it accepts is a value that has bytes of its own.
@Suite struct FuzzTests {
  static let messages = [
    "Record", "Entity", "CheckpointHeader", "MeshFrame", "LogRecord", "StreamMessage", "StoredReply",
  ]

  /// How often decoding accepted and refused; a test that sees only one of both proves nothing.
  private struct Tally {
    var accepted = 0
    var refused = 0

    mutating func feed(_ message: String, _ bytes: [UInt8], _ seed: UInt64) throws {
      guard let decoded = try? Decoded(message, bytes) else {
        refused += 1
        return
      }
      accepted += 1
      try #require(try Decoded(message, decoded.bytes) == decoded, "seed \(seed): \(bytes)")
    }
  }

  @Test(arguments: messages) func truncations(message: String) throws {
    var tally = Tally()
    for seed in 0..<12 as Range<UInt64> {
      var arbitrary = Arbitrary(seed: seed)
      let bytes = Decoded.arbitrary(message, &arbitrary).bytes
      for length in 0...bytes.count { try tally.feed(message, Array(bytes[..<length]), seed) }
    }
    #expect(tally.accepted >= 10)
    #expect(tally.refused >= 100)
  }

  @Test(arguments: messages) func flippedBits(message: String) throws {
    var tally = Tally()
    for seed in 0..<4 as Range<UInt64> {
      var arbitrary = Arbitrary(seed: seed)
      var bytes = Decoded.arbitrary(message, &arbitrary).bytes
      for bit in 0..<bytes.count * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        try tally.feed(message, bytes, seed)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
    #expect(tally.accepted >= 100)
    #expect(tally.refused >= 100)
  }

  @Test(arguments: messages) func splices(message: String) throws {
    var tally = Tally()
    for seed in 0..<1_000 as Range<UInt64> {
      var arbitrary = Arbitrary(seed: seed)
      let first = Decoded.arbitrary(message, &arbitrary).bytes
      let second = Decoded.arbitrary(message, &arbitrary).bytes
      let cut = arbitrary.below(first.count + 1)
      let from = arbitrary.below(second.count + 1)
      try tally.feed(message, Array(first[..<cut] + second[from...]), seed)
      try tally.feed(message, Array(first[..<cut] + second + first[cut...]), seed)
    }
    #expect(tally.accepted >= 20)
    #expect(tally.refused >= 500)
  }

  @Test(arguments: messages) func overwrittenBytes(message: String) throws {
    // Values at which lengths, tags and numbers change their meaning.
    let liked: [UInt8] = [0x00, 0x01, 0x08, 0x0A, 0x12, 0x1A, 0x22, 0x7F, 0x80, 0xFF]
    var tally = Tally()
    for seed in 0..<1_000 as Range<UInt64> {
      var arbitrary = Arbitrary(seed: seed)
      var bytes = Decoded.arbitrary(message, &arbitrary).bytes
      guard !bytes.isEmpty else { continue }
      for _ in 0...arbitrary.below(4) { bytes[arbitrary.below(bytes.count)] = arbitrary.pick(liked) }
      try tally.feed(message, bytes, seed)
    }
    #expect(tally.accepted >= 10)
    #expect(tally.refused >= 200)
  }

  @Test(arguments: messages) func randomBytes(message: String) throws {
    var tally = Tally()
    for seed in 0..<6_000 as Range<UInt64> {
      var arbitrary = Arbitrary(seed: seed)
      try tally.feed(message, arbitrary.list(max: 40) { UInt8(truncatingIfNeeded: $0.bits()) }, seed)
    }
    #expect(tally.refused >= 3_000)
  }
}
