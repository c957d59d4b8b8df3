import Testing

@testable import Wire

/// What pods must not say to each other. Each row: a `MeshMessage` in protoc's text format, and why it is refused.
@Suite struct MeshRefusalTests {
  private static let partition = "partition { service: SERVICE_STOCK }"
  private static let tenure = "tenure { \(partition) epoch: 1 }"
  private static let command = "command { request { } order_remove { order: 'o' } }"
  private static let paid = "paid { attempt { order: 'o' number: 1 } }"

  private func check(_ rows: [(text: String, reason: String)]) throws {
    for (text, reason) in rows {
      let bytes = try Protoc.encode("MeshFrame", "messages { \(text) }")
      #expect(throws: WireError("message 0: \(reason)"), "\(text)") { try Decoded("MeshFrame", bytes) }
    }
  }

  @Test func tenures() throws {
    try check([
      ("owns { epoch: 1 }", "the tenure's partition is missing"),
      ("owns { \(Self.partition) }", "the owner's epoch is missing"),
      ("owns { partition { } epoch: 1 }", "the partition's service is missing"),
      ("owns { partition { service: SERVICE_STOCK index: 4096 } epoch: 1 }", "the partition's index is too large"),
      ("not_mine { }", "the owner's epoch is missing"),
      ("released { to_epoch: 1 }", "the tenure is missing"),
      ("released { \(Self.tenure) }", "the next owner's epoch is missing"),
      ("replies { replies { request { } skipped: 1 } }", "the tenure is missing"),
      ("replies { \(Self.tenure) replies { request { } } }", "a reply is of a kind that this version does not know"),
      ("replies_received { requests { } }", "the tenure is missing"),
      ("replies_received { \(Self.tenure) requests { lane: 65536 } }", "the request's lane is too large"),
    ])
  }

  @Test func words() throws {
    try check([
      ("hello { \(Self.tenure) }", "the stream's source is missing"),
      ("hello { \(Self.partition) }", "the tenure is missing"),
      ("hello { session { lane: 65536 } \(Self.tenure) }", "the session's lane is too large"),
      (
        "gap { \(Self.partition) \(Self.tenure) number: 9223372036854775808 }", "the stream's number is too large"
      ),
      (
        "greeting { \(Self.partition) \(Self.tenure) now_ms: 253402300800000 }",
        "the stream's time is too far in the future"
      ),
      (
        "acknowledgement { \(Self.partition) \(Self.tenure) as_of_ms: 253402300800000 }",
        "the time of the stream's last use is too far in the future"
      ),
    ])
  }

  @Test func frames() throws {
    func frame(_ number: String, _ inputs: String) -> String {
      "stream { session { run: 1 } \(Self.tenure) number: \(number) } \(inputs)"
    }
    let two = "inputs { \(Self.command) } inputs { \(Self.command) }"
    try check(
      [
        ("inputs { \(Self.command) }", "the stream is missing"),
        (frame("1", ""), "the stream's first input is missing"),
        (frame("0", two), "the stream's number is missing"),
        (frame("9223372036854775807", two), "the stream's number is too large"),
        (frame("9223372036854775808", two), "the stream's number is too large"),
        (
          frame("1", "inputs { \(Self.command) } inputs { }"),
          "input 1: an input is of a kind that this version does not know"
        ),
        (frame("1", "inputs { deadline_ms: 1 }"), "input 0: an input is of a kind that this version does not know"),
        (frame("1", "inputs { command { } }"), "input 0: a command is of a kind that this version does not know"),
        (
          frame("1", "inputs { \(Self.command) deadline_ms: 253402300800000 }"),
          "input 0: the command's deadline is out of range"
        ),
        (
          frame("1", "inputs { \(Self.command) deadline_ms: -253402300800000 }"),
          "input 0: the command's deadline is out of range"
        ),
        (
          frame("1", "inputs { \(Self.command) deadline_ms: -9223372036854775808 }"),
          "input 0: the command's deadline is out of range"
        ),
      ].map { ("commands { \($0) }", $1) })
    try check(
      [
        (frame("1", "inputs { \(Self.paid) } inputs { \(Self.command) }"), "input 1: there is a command among messages")
      ].map { ("messages { \($0) }", $1) })
  }

  @Test func reads() throws {
    try check([
      ("read { request { } }", "the query is missing"),
      ("read { query { item: 'i' } }", "the read's request is missing"),
      ("read { request { } query { } }", "a query is of a kind that this version does not know"),
      ("answer { request { } }", "the view is missing"),
      ("answer { view { item { } } }", "the read's request is missing"),
      ("read_refused { request { } }", "the refusal is missing"),
      ("read_refused { request { } refusal { } }", "the refusal's reason is missing"),
      ("read_forwarded { lane: 65536 }", "the request's lane is too large"),
    ])
  }
}
