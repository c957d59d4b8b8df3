import Model
import PartitionCore
import Testing

@testable import Wire

/// Whatever the program can hold comes back from its bytes as it was.
@Suite struct RoundTripTests {
  @Test(arguments: 0..<8 as Range<UInt64>)
  func records(seed: UInt64) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<200 {
      let record = arbitrary.record()
      var bytes: [UInt8] = [0xAA]
      RecordCodec.encode(record, into: &bytes)
      #expect(bytes.first == 0xAA, "what stood in the buffer is kept")
      let decoded = try bytes.dropFirst().withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
      try #require(decoded == record, "seed \(seed)")
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func rows(seed: UInt64) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<200 {
      let (key, entity) = arbitrary.row()
      var bytes: [UInt8] = []
      EntityCodec.encode(entity, into: &bytes)
      let decoded = try bytes.withUnsafeBytes { bytes in try EntityCodec.decode(bytes, for: key) }
      try #require(decoded == entity, "seed \(seed)")
      let text = EntityCodec.text(of: key)
      try #require(try EntityCodec.key(kind: EntityCodec.kind(of: key), text: text) == key, "seed \(seed)")
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func headers(seed: UInt64) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<200 {
      let header = arbitrary.header()
      var bytes: [UInt8] = []
      CheckpointCodec.encode(header, into: &bytes)
      let decoded = try bytes.withUnsafeBytes { bytes in try CheckpointCodec.decode(bytes) }
      try #require(decoded == header, "seed \(seed)")
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>, [40, 200, 5_000, Int.max])
  func meshFrames(seed: UInt64, bytesMax: Int) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<100 {
      let messages = arbitrary.meshFrame()
      var decoded: [MeshMessage] = []
      for frame in MeshCodec.encode(messages, bytesMax: bytesMax) {
        let part = try frame.withUnsafeBytes { bytes in try MeshCodec.decode(bytes) }
        #expect(frame.count <= bytesMax || part.count == 1)
        decoded += part
      }
      try #require(decoded == messages, "seed \(seed)")
    }
  }

  @Test(arguments: ["LogRecord", "StreamMessage", "StoredReply"], 0..<4 as Range<UInt64>)
  func whatLogsWithOneWriterHold(message: String, seed: UInt64) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<200 {
      let value = Decoded.arbitrary(message, &arbitrary)
      try #require(try Decoded(message, value.bytes) == value, "seed \(seed)")
    }
  }

  @Test func anEmptyRecordIsNoBytes() throws {
    var bytes: [UInt8] = []
    RecordCodec.encode(Record(entries: []), into: &bytes)
    #expect(bytes.isEmpty)
    #expect(try RecordCodec.decode(UnsafeRawBufferPointer(start: nil, count: 0)) == Record(entries: []))
  }

  @Test func aLargeRecordGrowsTheBuffer() throws {
    var arbitrary = Arbitrary(seed: 1)
    var entries: [Entry] = []
    for _ in 0..<3_000 { entries.append(arbitrary.entry()) }
    let record = Record(entries: entries)
    var bytes: [UInt8] = []
    RecordCodec.encode(record, into: &bytes)
    let decoded = try bytes.withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
    #expect(decoded == record)
  }
}
