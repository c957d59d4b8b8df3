import Model
import PartitionCore

/// Turns messages between pods' runs into frames of bytes, and back. The format is `MeshFrame` of `records.proto`.
package enum MeshCodec {
  /// The newest format that this version reads.
  static let format: UInt64 = 1
  private static let messagesField = 1
  private static let formatField = 15

  /// The frames of some messages, in order: as few as `bytesMax` allows. A message that is larger on its own gets its
  /// own, larger frame. A list that is too long for one message becomes several.
  ///
  /// Everything is written once, the last message first; a frame ends where one more message would not fit. A frame is
  /// just the concatenation of its messages, so each frame is a piece of what was written.
  ///
  /// - Parameter isWanted: whether a message is written; called more than once per message.
  package static func encode(
    _ messages: [MeshMessage], bytesMax: Int, where isWanted: (MeshMessage) -> Bool = { _ in true }
  ) -> [[UInt8]] {
    var items = 0
    for message in messages where isWanted(message) { items += 1 + message.listCount }
    guard items > 0 else { return [] }
    var writer = Writer(capacity: 128 + 96 * min(items, 4_096))
    // Counted from the end of the bytes.
    var cuts: [Int] = []
    var (end, messagesInFrame) = (0, 0)
    for message in messages.reversed() where isWanted(message) {
      var listEnd = message.listCount
      repeat {
        let start = writer.count
        let list = max(0, listEnd - WireLimits.meshListMax)..<listEnd
        writer.message(messagesField) { message.write(to: &$0, list: list) }
        if messagesInFrame > 0, writer.count - end > bytesMax || messagesInFrame == WireLimits.meshMessagesMax {
          cuts.append(start)
          (end, messagesInFrame) = (start, 0)
        }
        messagesInFrame += 1
        listEnd = list.lowerBound
      } while listEnd > 0
    }
    return writer.pieces(cutAt: cuts)
  }

  /// Decodes a frame that anybody may have written. Never traps.
  /// - Throws: `WireError` that names the message and what is wrong with it, or the format if it is a newer one.
  package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [MeshMessage] {
    do throws(WireError) {
      return try messages(bytes)
    } catch {
      // A frame of a newer format may contain messages that are invalid here, and states its format after them.
      try expectKnownFormat(bytes)
      throw error
    }
  }

  private static func messages(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [MeshMessage] {
    var reader = Reader(bytes)
    var messages: [MeshMessage] = []
    messages.reserveCapacity(reader.count(of: messagesField, max: WireLimits.meshMessagesMax))
    while let field = try reader.next() {
      switch field.number {
      case messagesField:
        guard messages.count < WireLimits.meshMessagesMax else {
          throw .invalid("the frame", "has too many messages")
        }
        do throws(WireError) {
          messages.append(try MeshMessage(wire: reader.message(field)))
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
      guard let stated = try? reader.number(field) else { return }
      try expectKnown(format: stated)
    }
  }

  private static func expectKnown(format stated: UInt64) throws(WireError) {
    guard stated <= format else {
      throw WireError("the frame is of format \(stated), and this version reads formats up to \(format)")
    }
  }
}

extension Writer {
  /// What was written, in pieces.
  /// - Parameter cuts: where a piece ends and the previous one begins, counted from the end of the bytes, ascending.
  fileprivate func pieces(cutAt cuts: [Int]) -> [[UInt8]] {
    withBytes { bytes in
      guard !cuts.isEmpty else { return [[UInt8](bytes)] }
      var pieces: [[UInt8]] = []
      pieces.reserveCapacity(cuts.count + 1)
      var position = 0
      for cut in cuts.reversed() {
        pieces.append([UInt8](bytes[position..<bytes.count - cut]))
        position = bytes.count - cut
      }
      pieces.append([UInt8](bytes[position...]))
      return pieces
    }
  }
}
