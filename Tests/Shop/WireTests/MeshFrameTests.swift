import Model
import PartitionCore
import Streams
import Testing

@testable import Wire

/// How the words of pods are parted among frames, and what is said of frames that another version wrote.
@Suite struct MeshFrameTests {
  private let owner = OwnerID(epoch: 3, run: 7)
  private let partition = PartitionID(.orders, 2)

  /// Bytes that a message adds to a frame.
  private func size(_ message: MeshMessage) -> Int { MeshCodec.encode([message], bytesMax: .max)[0].count }

  private func decode(_ bytes: [UInt8]) throws -> [MeshMessage] {
    try bytes.withUnsafeBytes { bytes in try MeshCodec.decode(bytes) }
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
      let messages = arbitrary.list(max: 40) { $0.meshMessage() }
      let bytesMax = arbitrary.pick([1, 64, 200, 1_000, 4_000])
      let frames = MeshCodec.encode(messages, bytesMax: bytesMax)
      let sizes = messages.map(size)
      try #require(frames.count == fewest(sizes, bytesMax: bytesMax), "seed \(seed): \(sizes), \(bytesMax)")
      let decoded = try frames.map(decode)
      try #require(decoded.flatMap(\.self) == messages, "seed \(seed)")
      for (frame, part) in zip(frames, decoded) {
        #expect(frame.count <= bytesMax || part.count == 1, "seed \(seed)")
      }
    }
  }

  @Test func onlyWhatIsWantedIsWritten() throws {
    var arbitrary = Arbitrary(seed: 3)
    let messages = (0..<200).map { _ in arbitrary.meshMessage() }
    let asking = MeshCodec.encode(messages, bytesMax: 1_000) { $0.asksForWork }
    #expect(try asking.flatMap(decode) == messages.filter(\.asksForWork))
    let others = MeshCodec.encode(messages, bytesMax: 1_000) { !$0.asksForWork }
    #expect(try others.flatMap(decode) == messages.filter { !$0.asksForWork })
    #expect(!asking.isEmpty && !others.isEmpty)
    #expect(MeshCodec.encode(messages, bytesMax: 1_000) { _ in false }.isEmpty)
  }

  @Test func noFrameHasTooManyMessages() throws {
    let messages = Array(repeating: MeshMessage.owns(owner, partition), count: WireLimits.meshMessagesMax + 1)
    let frames = MeshCodec.encode(messages, bytesMax: .max)
    #expect(try frames.map { try decode($0).count }.sorted() == [1, WireLimits.meshMessagesMax])
    #expect(throws: WireError("the frame has too many messages")) { try decode(frames.flatMap(\.self)) }
    #expect(MeshCodec.encode([], bytesMax: 1_000).isEmpty)
    #expect(try decode([]).isEmpty)
  }

  // MARK: Long lists

  private func commands(_ count: Int, first: UInt64 = 300) -> StreamFrame<StreamInput> {
    let inputs = (0..<count).map { number in
      StreamInput.command(
        ClientCommand(
          request: RequestID(incarnation: 1, lane: 0, number: UInt64(number)), idempotency: nil, trace: nil,
          command: .orders(.checkout(OrderID(unchecked: "o")))), deadline: 5)
    }
    return StreamFrame(
      source: .session(Session(run: 1, lane: 0, number: 1)), destination: partition, owner: owner, first: first,
      inputs: inputs)
  }

  /// A writer divides what no reader takes as one message.
  @Test func listsThatAreTooLongAreDivided() throws {
    let count = 2 * WireLimits.meshListMax + 3
    let whole = commands(count)
    let requests = (0..<count).map { RequestID(incarnation: 1, lane: 0, number: UInt64($0)) }
    let messages: [MeshMessage] = [
      .owns(owner, partition), .commands(whole), .repliesReceived(requests, partition, owner),
      .replies(requests.map { .skipped($0, .expired) }, partition, owner), .notMine(partition, owner),
    ]
    let decoded = try MeshCodec.encode(messages, bytesMax: 1 << 20).flatMap(decode)
    try #require(decoded.count == 2 + 3 * 3)
    #expect(decoded.first == messages.first && decoded.last == messages.last)
    var expected = whole.first
    var inputs: [StreamInput] = []
    var receipts: [RequestID] = []
    var replies: [CommandReply] = []
    for message in decoded {
      switch message {
      case .commands(let frame):
        #expect(frame.first == expected && frame.owner == owner && frame.source == whole.source)
        expected += UInt64(frame.inputs.count)
        inputs += frame.inputs
      case .repliesReceived(let part, _, _): receipts += part
      case .replies(let part, _, _): replies += part
      default: break
      }
    }
    #expect(inputs == whole.inputs && receipts == requests && replies.map(\.request) == requests)
  }

  @Test func listsThatAreTooLongAreRefused() throws {
    func lists(_ count: Int) -> [(MeshMessage, String)] {
      let paid = Message.paid(AttemptID(order: OrderID(unchecked: "o"), number: 1))
      let messages = StreamFrame(
        source: .partition(partition), destination: partition, owner: owner, first: 1,
        inputs: Array(repeating: paid, count: count))
      let request = RequestID(incarnation: 1, lane: 0, number: 1)
      return [
        (.commands(commands(count)), "there are too many inputs"), (.messages(messages), "there are too many inputs"),
        (.repliesReceived(Array(repeating: request, count: count), partition, owner), "there are too many receipts"),
        (
          .replies(Array(repeating: .skipped(request, .expired), count: count), partition, owner),
          "there are too many replies"
        ),
      ]
    }
    func undivided(_ message: MeshMessage) -> [UInt8] {
      var writer = Writer(capacity: 1_024)
      writer.message(1) { message.write(to: &$0, list: 0..<message.listCount) }
      return writer.withBytes { [UInt8]($0) }
    }
    for (message, _) in lists(WireLimits.meshListMax) { #expect(try decode(undivided(message)) == [message]) }
    for (message, reason) in lists(WireLimits.meshListMax + 1) {
      #expect(throws: WireError("message 0: \(reason)")) { try decode(undivided(message)) }
    }
  }

  @Test func aDeadlineIsEncodedAsFarAsItCanBe() throws {
    let command = ClientCommand(
      request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: nil, trace: nil,
      command: .orders(.checkout(OrderID(unchecked: "o"))))
    let farthest = WireLimits.deadlineMillisecondsMax
    for (deadline, told) in [(Int64.max, farthest), (.min, -farthest), (farthest, farthest), (-1, -1), (0, 0)] {
      let frame = StreamFrame(
        source: .session(Session(run: 1, lane: 0, number: 1)), destination: partition, owner: owner, first: 1,
        inputs: [StreamInput.command(command, deadline: deadline)])
      let decoded = try MeshCodec.encode([.commands(frame)], bytesMax: .max).flatMap(decode)
      guard case .commands(let frame) = decoded.first else {
        Issue.record("no commands")
        return
      }
      #expect(frame.inputs == [.command(command, deadline: told)])
    }
  }

  // MARK: Other versions

  private static let known = "messages { read_forwarded { number: 1 } }"
  private static let unknown = "messages { }"
  private static let newer = "the frame is of format 2, and this version reads formats up to 1"

  @Test(arguments: [known, unknown]) func aNewerFormatIsNamed(message: String) throws {
    let bytes = try Protoc.encode("MeshFrame", "\(message) format: 2")
    #expect(throws: WireError(Self.newer)) { try decode(bytes) }
    // In front of the messages as well.
    let format = try Protoc.encode("MeshFrame", "format: 2")
    #expect(throws: WireError(Self.newer)) { try decode(format + Protoc.encode("MeshFrame", message)) }
  }

  @Test func thisFormatMayBeStated() throws {
    let bytes = try Protoc.encode("MeshFrame", Self.known)
    #expect(try decode(Protoc.encode("MeshFrame", "\(Self.known) format: 1")) == decode(bytes))
  }

  @Test func whatIsWrongWithRubbishIsReported() throws {
    let reason = "message 1: a message is of a kind that this version does not know"
    let bytes = try Protoc.encode("MeshFrame", Self.known + Self.unknown)
    #expect(throws: WireError(reason)) { try decode(bytes) }
    // A kind of a later version.
    #expect(throws: WireError(reason)) { try decode(Array(bytes.dropLast(2)) + [0x0A, 0x03, 0x82, 0x01, 0x00]) }
    // Neither a format that is no number nor a field without an end hides it.
    #expect(throws: WireError(reason)) { try decode(bytes + [0x7A, 0x00]) }
    #expect(throws: WireError(reason)) { try decode(bytes + [0x0A, 0xFF]) }
  }
}
