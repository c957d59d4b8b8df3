import Model
import PartitionCore
import Streams
import Testing

@testable import Wire

/// What a log with one writer a partition must not say. Each row: a message in protoc's text format, and why it is
/// refused.
@Suite struct LogRecordRefusalTests {
  private static let skip = "skip { reason: SKIP_REASON_EXPIRED }"
  private static let partition = "partition { service: SERVICE_STOCK }"

  private func check(_ message: String, _ rows: [(text: String, reason: String)]) throws {
    for (text, reason) in rows {
      let bytes = try Protoc.encode(message, text)
      #expect(throws: WireError(reason), "\(text)") { try Decoded(message, bytes) }
    }
  }

  @Test func recordsOfOneFormatAreNotTakenForTheOther() throws {
    var arbitrary = Arbitrary(seed: 1)
    let before = Decoded.record(Record(entries: [arbitrary.entry()])).bytes
    #expect(throws: WireError("the record is in the format from before partitions had one writer")) {
      try Decoded("LogRecord", before)
    }
    #expect(throws: WireError("a record is of a kind that this version does not know")) { try Decoded("LogRecord", []) }
    for text in ["owned { epoch: 1 address: 'a' }", "turn { epoch: 1 number: 1 }"] {
      let bytes = try Protoc.encode("LogRecord", text)
      #expect(throws: WireError("the record is in the format in which partitions have one writer"), "\(text)") {
        try Decoded("Record", bytes)
      }
    }
  }

  @Test func turns() throws {
    try check(
      "LogRecord",
      [
        ("owned { address: 'a' }", "the owner's epoch is missing"),
        ("turn { number: 1 }", "the owner's epoch is missing"),
        ("turn { epoch: 1 }", "the record's number is missing"),
        ("turn { epoch: 1 number: 9223372036854775808 }", "the record's number is too large"),
        ("turn { epoch: 1 number: 1 time_ms: 253402300800000 }", "the record's time is too far in the future"),
        ("turn { epoch: 1 number: 1 controls { } }", "a control is of a kind that this version does not know"),
      ])
  }

  @Test func inputs() throws {
    try check(
      "LogRecord",
      [
        ("entries { }", "entry 0: an entry is of a kind that this version does not know"),
        ("entries { skip { } }", "entry 0: the reason to skip is missing"),
        (
          "entries { \(Self.skip) } entries { skip { reason: 9 } }",
          "entry 1: the reason to skip has a value that this version does not know"
        ),
        ("entries { \(Self.skip) \(Self.partition) }", "entry 0: the entry's number is missing"),
        ("entries { \(Self.skip) partition { } number: 1 }", "entry 0: the partition's service is missing"),
        (
          "entries { \(Self.skip) \(Self.partition) number: 9223372036854775808 }",
          "entry 0: the entry's number is too large"
        ),
        ("entries { \(Self.skip) session { lane: 65536 } number: 1 }", "entry 0: the session's lane is too large"),
        (
          "entries { \(Self.skip) ahead: 1 }",
          "entry 0: the entry continues the stream of the entry before it, and there is none"
        ),
        (
          "entries { \(Self.skip) } entries { \(Self.skip) ahead: 1 }",
          "entry 1: the entry continues the stream of the entry before it, and there is none"
        ),
        (
          "entries { \(Self.skip) \(Self.partition) number: 1 } entries { \(Self.skip) ahead: 0 }",
          "entry 1: the entry's number is out of range"
        ),
        (
          "entries { \(Self.skip) \(Self.partition) number: 1 } entries { \(Self.skip) ahead: 9223372036854775807 }",
          "entry 1: the entry's number is out of range"
        ),
        (
          "entries { \(Self.skip) \(Self.partition) number: 1 } entries { \(Self.skip) ahead: 18446744073709551615 }",
          "entry 1: the entry's number is out of range"
        ),
        ("entries { command { order_remove { order: 'o' } } }", "entry 0: the command's request is missing"),
        ("entries { paid { } }", "entry 0: the message's attempt is missing"),
      ].map { ("turn { epoch: 1 number: 1 \($0) }", $1) })
  }

  @Test func messagesAndReplies() throws {
    try check("StreamMessage", [("", "a message is of a kind that this version does not know")])
    try check(
      "StoredReply",
      [
        ("request { }", "a reply is of a kind that this version does not know"),
        ("skipped: SKIP_REASON_EXPIRED", "the reply's request is missing"),
        ("request { } outcome { }", "the outcome is missing"),
        ("request { } skipped: 9", "the reason to skip has a value that this version does not know"),
      ])
  }

  @Test func headers() throws {
    let start = "partition { service: SERVICE_ORDERS } rules_version: 1 ledger { }"
    let received = "received { \(Self.partition) number: 1 }"
    let session = "received { session { run: 1 number: 1 } number: 1 at_ms: 5 }"
    let caused = "caused { destination { service: SERVICE_STOCK } number: 1 }"
    try check(
      "CheckpointHeader",
      [
        ("received { number: 1 }", "the received row's source is missing"),
        ("\(received) \(received)", "the received rows do not ascend"),
        ("\(session) \(session)", "the received rows do not ascend"),
        ("\(session) \(received)", "the received rows do not ascend"),
        ("received { ingest { } number: 1 } \(session)", "the received rows do not ascend"),
        ("received { ingest { } number: 1 } received { ingest { } number: 2 }", "the received rows do not ascend"),
        ("received { \(Self.partition) number: 9223372036854775808 }", "the received row's number is too large"),
        (
          "received { \(Self.partition) at_ms: 253402300800000 }",
          "the received row's time is too far in the future"
        ),
        ("caused { number: 1 }", "the caused row's destination is missing"),
        ("\(caused) \(caused)", "the caused rows do not ascend"),
        ("number: 9223372036854775808", "the checkpoint's number is too large"),
      ].map { ("\(start) \($0)", $1) })
  }

  /// A checkpoint of a log that any pod appends to has neither owner nor number, and is what it was.
  @Test func aHeaderOfTheFormatBeforeHasNoStreams() throws {
    let text = "partition { service: SERVICE_ORDERS } rules_version: 1 ledger { }"
    let bytes = try Protoc.encode("CheckpointHeader", text)
    guard case .header(let header) = try Decoded("CheckpointHeader", bytes) else { return }
    #expect(header.owner == nil && header.number == 0 && header.received.isEmpty && header.caused.isEmpty)
  }

  /// Of one stream's inputs only the first tells its source.
  @Test func inputsOfOneStreamAreShort() {
    func size(_ count: UInt64) -> Int {
      var value: [LoggedInput] = []
      for number in 1...count {
        value.append(
          LoggedInput(
            origin: .init(source: .partition(PartitionID(.stock, 63)), number: number), body: .skip(nil, .expired)))
      }
      let turn = TurnRecord(
        owner: .init(epoch: 1, run: 1), number: 1, time: Timestamp(milliseconds: 1), entries: value)
      return Decoded.logRecord(.turn(turn)).bytes.count
    }
    // Two bytes around the entry, two for the stream, four for the skip.
    #expect(size(3) - size(2) == 8)
  }
}
