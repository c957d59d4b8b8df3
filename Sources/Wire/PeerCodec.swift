import Model

/// Turns what pods tell each other into frames of bytes, and back. The format is that of `records.proto`.
public enum PeerCodec {
  /// The newest format that this version reads.
  static let format: UInt64 = 1
  private static let formatField = 15

  /// The frames of some messages, in their order: as few as `bytesMax` allows. A message that is larger by itself has a
  /// frame of its own, which is larger, too.
  ///
  /// Everything is written once, the last message first; a frame ends where one more message would not fit. A frame is
  /// nothing but its messages one after the other, so each is a piece of what was written.
  public static func encode(_ messages: ArraySlice<PeerMessage>, bytesMax: Int) -> [[UInt8]] {
    guard !messages.isEmpty else { return [] }
    var writer = Writer(capacity: 256 + 64 * min(messages.count, 4_096))
    /// Where a frame ends and the one before it begins, counted from the end of the bytes.
    var cuts: [Int] = []
    var (end, messagesInFrame) = (0, 0)
    for message in messages.reversed() {
      let start = writer.count
      writer.message(1) { message.write(to: &$0) }
      if messagesInFrame > 0, writer.count - end > bytesMax || messagesInFrame == WireLimits.peerMessagesMax {
        cuts.append(start)
        (end, messagesInFrame) = (start, 0)
      }
      messagesInFrame += 1
    }
    return writer.withBytes { bytes in
      guard !cuts.isEmpty else { return [[UInt8](bytes)] }
      var frames: [[UInt8]] = []
      frames.reserveCapacity(cuts.count + 1)
      var position = 0
      for cut in cuts.reversed() {
        frames.append([UInt8](bytes[position..<bytes.count - cut]))
        position = bytes.count - cut
      }
      frames.append([UInt8](bytes[position...]))
      return frames
    }
  }

  /// Reads a frame that anybody may have written. Never traps.
  /// - Throws: `WireError` that names the message and what is wrong with it, or the format when it is a newer one.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [PeerMessage] {
    do throws(WireError) {
      return try messages(bytes)
    } catch {
      // A frame of a newer format may well have messages that make no sense here, and tells its format behind them.
      try expectKnownFormat(bytes)
      throw error
    }
  }

  private static func messages(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [PeerMessage] {
    var reader = Reader(bytes)
    var messages: [PeerMessage] = []
    while let field = try reader.next() {
      switch field.number {
      case 1:
        guard messages.count < WireLimits.peerMessagesMax else {
          throw .invalid("the frame", "has too many messages")
        }
        do throws(WireError) {
          messages.append(try PeerMessage(wire: reader.message(field)))
        } catch {
          throw WireError("message \(messages.count): \(error.reason)")
        }
      case formatField: try expectKnown(format: reader.number(field))
      default: try reader.skip(field)
      }
    }
    return messages
  }

  private static func expectKnownFormat(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
    var reader = Reader(bytes)
    while let field = try? reader.next() {
      guard field.number == formatField else {
        guard (try? reader.skip(field)) != nil else { return }
        continue
      }
      guard let told = try? reader.number(field) else { return }
      try expectKnown(format: told)
    }
  }

  private static func expectKnown(format told: UInt64) throws(WireError) {
    guard told <= format else {
      throw WireError("the frame is of format \(told), and this version reads formats up to \(format)")
    }
  }
}

extension PeerMessage {
  private enum Body {
    case outcome(Outcome, isReplayed: Bool)
    case view(View)
    case ask(Query)
    case notMine(UInt64)
    case refused(PeerRefusal)
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var request: RequestID?
    var body: Body?
    while let field = try reader.next() {
      switch field.number {
      case 1: request = try RequestID(wire: reader.message(field))
      case 2:
        let (outcome, isReplayed) = try Outcome.replayed(wire: reader.message(field))
        body = .outcome(outcome, isReplayed: isReplayed)
      case 3: body = .view(try View(wire: reader.message(field)))
      case 4: body = .ask(try Query(wire: reader.message(field)))
      case 5: body = .notMine(try reader.number(field))
      case 6: body = .refused(try PeerRefusal(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    let known = try required(request, "the request")
    switch body {
    case .outcome(let outcome, let isReplayed): self = .outcome(known, outcome, isReplayed: isReplayed)
    case .view(let view): self = .view(known, view)
    case .ask(let query): self = .ask(known, query)
    case .notMine(let epoch): self = .notMine(known, epoch: epoch)
    case .refused(let refusal): self = .refused(known, refusal)
    case nil: throw WireError("a message is of a kind that this version does not know")
    }
  }

  func write(to writer: inout Writer) {
    let request: RequestID
    switch self {
    case .outcome(let asked, let outcome, let isReplayed):
      request = asked
      writer.message(2) { outcome.write(to: &$0, isReplayed: isReplayed) }
    case .view(let asked, let view):
      request = asked
      writer.message(3) { view.write(to: &$0) }
    case .ask(let asked, let query):
      request = asked
      writer.message(4) { query.write(to: &$0) }
    case .notMine(let asked, let epoch):
      request = asked
      writer.present(5, epoch)
    case .refused(let asked, let refusal):
      request = asked
      writer.message(6) { refusal.write(to: &$0) }
    }
    writer.message(1) { request.write(to: &$0) }
  }
}
