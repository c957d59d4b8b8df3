import Model
import Testing

@testable import Wire

/// How messages are parted among frames, and what is said of frames that another version wrote.
@Suite struct PeerFrameTests {
  /// Bytes that a message adds to a frame.
  private func size(_ message: PeerMessage) -> Int { PeerCodec.encode([message], bytesMax: .max)[0].count }

  private func decode(_ bytes: [UInt8]) throws -> [PeerMessage] {
    try bytes.withUnsafeBytes { bytes in try PeerCodec.decode(bytes) }
  }

  /// The fewest frames that hold messages of these sizes in their order: each as full as it can be.
  private func fewest(_ sizes: [Int], bytesMax: Int) -> Int {
    var (frames, room) = (0, 0)
    for size in sizes {
      if frames == 0 || size > room { (frames, room) = (frames + 1, bytesMax) }
      room -= size
    }
    return frames
  }

  @Test(arguments: 0..<8 as Range<UInt64>) func framesAreAsFewAsFit(seed: UInt64) throws {
    var arbitrary = Arbitrary(seed: seed)
    for _ in 0..<100 {
      let messages = arbitrary.list(max: 40) { $0.peerMessage() }
      let bytesMax = arbitrary.pick([1, 64, 200, 1_000, 4_000])
      let frames = PeerCodec.encode(messages[...], bytesMax: bytesMax)
      let sizes = messages.map(size)
      try #require(frames.count == fewest(sizes, bytesMax: bytesMax), "seed \(seed): \(sizes), \(bytesMax)")
      let decoded = try frames.map(decode)
      try #require(decoded.flatMap(\.self) == messages, "seed \(seed)")
      for (frame, part) in zip(frames, decoded) {
        #expect(frame.count <= bytesMax || part.count == 1, "seed \(seed)")
      }
    }
  }

  @Test func noFrameHasTooManyMessages() throws {
    let request = RequestID(incarnation: 1, lane: 0, number: 1)
    let messages = Array(repeating: PeerMessage.notMine(request, epoch: 7), count: WireLimits.peerMessagesMax + 1)
    let frames = PeerCodec.encode(messages[...], bytesMax: .max)
    #expect(try frames.map { try decode($0).count }.sorted() == [1, WireLimits.peerMessagesMax])
    #expect(throws: WireError("the frame has too many messages")) { try decode(frames.flatMap(\.self)) }
    #expect(PeerCodec.encode([], bytesMax: 1_000).isEmpty)
    #expect(try decode([]).isEmpty)
  }

  private static let known = "messages { request { number: 1 } not_mine: 3 }"
  private static let unknown = "messages { request { number: 1 } }"
  private static let newer = "the frame is of format 2, and this version reads formats up to 1"

  @Test(arguments: [known, unknown]) func aNewerFormatIsNamed(message: String) throws {
    let bytes = try Protoc.encode("PeerFrame", "\(message) format: 2")
    #expect(throws: WireError(Self.newer)) { try decode(bytes) }
    // In front of the messages as well.
    let format = try Protoc.encode("PeerFrame", "format: 2")
    #expect(throws: WireError(Self.newer)) { try decode(format + Protoc.encode("PeerFrame", message)) }
  }

  @Test func thisFormatMayBeTold() throws {
    let bytes = try Protoc.encode("PeerFrame", Self.known)
    #expect(try decode(Protoc.encode("PeerFrame", "\(Self.known) format: 1")) == decode(bytes))
  }

  @Test func whatIsWrongIsToldOfRubbish() throws {
    let reason = "message 1: a message is of a kind that this version does not know"
    let bytes = try Protoc.encode("PeerFrame", Self.known + Self.unknown)
    #expect(throws: WireError(reason)) { try decode(bytes) }
    // Neither a format that is no number nor a field without an end hides it.
    #expect(throws: WireError(reason)) { try decode(bytes + [0x7A, 0x00]) }
    #expect(throws: WireError(reason)) { try decode(bytes + [0x0A, 0xFF]) }
  }
}
