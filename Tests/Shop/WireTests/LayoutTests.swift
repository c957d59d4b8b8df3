import Model
import PartitionCore
import Testing

@testable import Wire

/// What other writers of the format may produce, and what none does.
@Suite struct LayoutTests {
  /// `control { rules { version: 1 } }` at time 5, as an entry's content.
  private static let control: [UInt8] = [0x08, 0x05, 0x22, 0x04, 0x0A, 0x02, 0x08, 0x01]
  private static let expected = Record(entries: [
    Entry(time: Timestamp(milliseconds: 5), body: .control(.rules(version: 1)))
  ])

  private func decode(entry bytes: [UInt8]) throws -> Record {
    let content: [UInt8] = [0x0A, UInt8(bytes.count)] + bytes
    return try content.withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
  }

  @Test func fieldsComeInAnyOrder() throws {
    #expect(try decode(entry: [0x22, 0x04, 0x0A, 0x02, 0x08, 0x01, 0x08, 0x05]) == Self.expected)
  }

  @Test func numbersMayBeLongerThanTheyNeed() throws {
    #expect(try decode(entry: [0x88, 0x00, 0x85, 0x80, 0x00] + Self.control.dropFirst(2)) == Self.expected)
    let tenBytes: [UInt8] = [0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]
    #expect(try decode(entry: [0x08] + tenBytes + Self.control.dropFirst(2)) == Self.expected)
    #expect(try decode(entry: [0x08, 0x05, 0xA2, 0x00, 0x84, 0x00, 0x0A, 0x02, 0x08, 0x01]) == Self.expected)
  }

  @Test func theLastOfAFieldCounts() throws {
    #expect(try decode(entry: [0x08, 0x09] + Self.control) == Self.expected)
    // A message of order "o", then the control: one oneof.
    let paid: [UInt8] = [0x1A, 0x0D, 0x0A, 0x02, 0x08, 0x01, 0x62, 0x07, 0x0A, 0x05, 0x0A, 0x01, 0x6F, 0x10, 0x01]
    #expect(try decode(entry: paid + Self.control) == Self.expected)
    let last = try decode(entry: Self.control + paid).entries.first?.body
    #expect(
      last
        == .message(
          PartitionMessage(
            source: PartitionID(.orders, 0), position: SourcePosition(offset: 0, index: 0),
            message: .paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)))))
  }

  @Test(
    arguments: [
      [0xF8, 0x01, 0x96, 0x01], [0xF9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8], [0xFD, 0x01, 1, 2, 3, 4],
      [0xFA, 0x01, 0x03, 0xFF, 0xFF, 0xFF],
    ] as [[UInt8]])
  func unknownFieldsAreSkipped(unknown: [UInt8]) throws {
    #expect(try decode(entry: unknown + Self.control) == Self.expected)
    #expect(try decode(entry: Self.control + unknown) == Self.expected)
    // Inside of the control and inside of its rules.
    let size = UInt8(unknown.count)
    #expect(try decode(entry: [0x08, 0x05, 0x22, 4 + size] + unknown + [0x0A, 0x02, 0x08, 0x01]) == Self.expected)
    #expect(try decode(entry: [0x08, 0x05, 0x22, 4 + size, 0x0A, 2 + size, 0x08, 0x01] + unknown) == Self.expected)
  }

  /// A number that another kind of message uses for something else is free in this one.
  @Test func kindsOfMessagesDoNotShareTheirFields() throws {
    func decoded(kind: UInt8, _ content: [UInt8], _ unknown: [UInt8]) throws -> Record {
      let message = content + unknown
      let body = [0x0A, 0x02, 0x08, 0x01, kind << 3 | 2, UInt8(message.count)] + message
      return try decode(entry: [0x1A, UInt8(body.count)] + body)
    }
    let attempt: [UInt8] = [0x0A, 0x05, 0x0A, 0x01, 0x6F, 0x10, 0x01]
    let slip: [UInt8] = [0x0A, 0x0A] + attempt + [0x12, 0x01, 0x75]
    let (second, third): ([UInt8], [UInt8]) = ([0x12, 0x01, 0x78], [0x18, 0x07])
    #expect(try decoded(kind: 11, slip, second + third) == decoded(kind: 11, slip, []))
    #expect(try decoded(kind: 12, attempt, second) == decoded(kind: 12, attempt, []))
    #expect(try decoded(kind: 13, attempt, second) == decoded(kind: 13, attempt, []))
    let stop: [UInt8] = [0x22, 0x07, 0x12, 0x05, 0x0A, 0x01, 0x61, 0x10, 0x01]
    let full = [0x0A, UInt8(10 + stop.count)] + slip.dropFirst(2) + stop
    #expect(try decoded(kind: 10, full, third) == decoded(kind: 10, full, []))
  }

  @Test func fieldsOfALaterVersionAreSkippedInEveryMessage() throws {
    for row in try GoldenTable.rows() {
      let value = try Decoded(row.message, row.bytes)
      let unchanged = Extensions.of(row.bytes).filter { (try? Decoded(row.message, $0)) == value }
      // protoc's text has one such line for each message inside of the outermost one.
      let nested = row.text.split(separator: "\n").count { $0.hasSuffix(" {") }
      #expect(unchanged.count == nested + 1, "\(row.name)")
    }
  }

  @Test(arguments: [
    ("ends in the tag", [0x88] as [UInt8], "the bytes end in the middle of a field"),
    ("ends in a number", [0x08, 0x85], "the bytes end in the middle of a field"),
    ("ends in eight bytes", [0xF9, 0x01, 1, 2, 3, 4, 5, 6, 7], "the bytes end in the middle of a field"),
    ("ends in four bytes", [0xFD, 0x01, 1, 2, 3], "the bytes end in the middle of a field"),
    ("ends in a message", [0x22, 0x05, 0x0A, 0x02, 0x08, 0x01], "the bytes end in the middle of a field"),
    (
      "length of 2^64-1", [0x22, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      "the bytes end in the middle of a field"
    ),
    (
      "length of 2^63", [0x22, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      "the bytes end in the middle of a field"
    ),
    (
      "number of eleven bytes", [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
      "a number has more than 64 bits"
    ),
    (
      "number of 65 bits", [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
      "a number has more than 64 bits"
    ),
    ("field 0", [0x00, 0x01], "a field has an impossible number"),
    ("tag of 33 bits", [0x80, 0x80, 0x80, 0x80, 0x10, 0x01], "a field has an impossible number"),
    ("a group", [0xFB, 0x01, 0xFC, 0x01], "a field has wire type 3, which is not used"),
    ("wire type 7", [0x0F, 0x01], "a field has wire type 7, which is not used"),
    ("time as text", [0x0A, 0x01, 0x31], "field 1 has wire type 2 instead of 0"),
    ("control as number", [0x20, 0x01], "field 4 has wire type 0 instead of 2"),
  ])
  func brokenLayoutsAreRefused(name: String, bytes: [UInt8], reason: String) {
    #expect(throws: WireError("entry 0: \(reason)"), "\(name)") { try decode(entry: bytes) }
  }
}
