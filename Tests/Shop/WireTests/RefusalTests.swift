import Model
import PartitionCore
import Testing

@testable import Wire

/// What the layout allows and the meaning does not. Each row: a message in protoc's text format, and why it is refused.
@Suite struct RefusalTests {
  private static let request = "request { number: 1 }"
  private static let source = "source { service: SERVICE_STOCK }"
  private static let attempt = "attempt { order: 'o' number: 1 }"
  private static let stop = "stops { lines { item: 'a' quantity: 1 } }"
  private static let long = String(repeating: "x", count: 65)
  private static let longKey = String(repeating: "x", count: 256)
  private static func slip(_ stops: String, total: String = "1") -> String {
    "slip { \(attempt) user: 'u' total: \(total) \(stops) }"
  }
  private static func command(_ text: String) -> String { "entries { command { \(request) \(text) } }" }
  private static func message(_ text: String) -> String { "entries { message { \(source) \(text) } }" }

  private func check(_ message: String, _ rows: [(text: String, reason: String)]) throws {
    for (text, reason) in rows {
      let bytes = try Protoc.encode(message, text)
      #expect(throws: WireError(reason), "\(text)") { try Decoded(message, bytes) }
    }
  }

  @Test func entries() throws {
    try check(
      "Record",
      [
        ("entries { time_ms: 1 }", "an entry is of a kind that this version does not know"),
        ("entries { control { } }", "a control is of a kind that this version does not know"),
        ("entries { control { rules { } } }", "the rules' version is missing"),
        ("entries { control { owned { address: 'a' } } }", "the owner's epoch is missing"),
        (
          "entries { control { owned { epoch: 1 } } }",
          "the owner's address is not 1 to 255 visible ASCII characters"
        ),
        (
          "entries { control { owned { epoch: 1 address: 'a b' } } }",
          "the owner's address is not 1 to 255 visible ASCII characters"
        ),
        ("entries { control { released { } } }", "the owner's epoch is missing"),
        ("entries { control { tick { number: 1 } } }", "the owner's epoch is missing"),
        (
          "entries { control { limits { order_lines_max: 1 order_waiters_max: 1 item_parked_max: 1 } } }",
          "the limits: idempotencyExpiryMilliseconds (0) must be at least 1"
        ),
        (
          "entries { control { limits { order_lines_max: 16385 } } }",
          "the limits: orderLinesMax (16385) must not exceed 16384: records cannot hold more"
        ),
        (
          "entries { control { limits { order_lines_max: 1 order_waiters_max: 1 item_parked_max: 1 "
            + "idempotency_expiry_ms: 1 order_retention_ms: 1 } } }",
          "the limits: orderRetentionMilliseconds (1) must be at least 86400000, a day"
        ),
        (
          "entries { time_ms: 253402300800000 control { rules { version: 1 } } }",
          "the entry's time is too far in the future"
        ),
        ("entries { command { } }", "a command is of a kind that this version does not know"),
        ("entries { command { order_remove { order: 'o' } } }", "the command's request is missing"),
        (
          "entries { command { request { lane: 65536 } order_remove { order: 'o' } } }",
          "the request's lane is too large"
        ),
        (Self.command("order_remove { order: 'o' } idempotency { }"), "the idempotency key is missing"),
        (
          Self.command("order_remove { order: 'o' } idempotency { key: 'a b' }"),
          "the idempotency key is not 1 to 255 visible ASCII characters other than \" and \\"
        ),
        (
          Self.command("order_remove { order: 'o' } idempotency { key: '\(Self.longKey)' }"),
          "the idempotency key is not 1 to 255 visible ASCII characters other than \" and \\"
        ),
        (Self.command("order_remove { order: 'o' } trace { flags: 256 }"), "the trace's flags is too large"),
      ].map { ($0.0, "entry 0: \($0.1)") })
    try check(
      "Record",
      [
        (
          "entries { control { rules { version: 1 } } } entries { }",
          "entry 1: an entry is of a kind that this version does not know"
        )
      ])
  }

  @Test func commands() throws {
    let notAnID = "is not an id: 1 to 64 characters of A-Z a-z 0-9 _ -"
    try check(
      "Record",
      [
        ("order_remove { }", "the command's order is missing"),
        ("order_remove { order: 'a/b' }", "the command's order \(notAnID)"),
        ("order_remove { order: '\(Self.long)' }", "the command's order \(notAnID)"),
        ("order_remove { order: 'é' }", "the command's order \(notAnID)"),
        ("order_create { order: 'o' user: 'u' }", "the command's freshness is missing"),
        (
          "order_create { order: 'o' user: 'u' freshness: 3 }",
          "the command's freshness has a value that this version does not know"
        ),
        (
          "order_create { order: 'o' user: 'u' freshness: 257 }",
          "the command's freshness has a value that this version does not know"
        ),
        ("order_create { order: 'o' freshness: FRESHNESS_RANDOM }", "the command's user is missing"),
        ("order_add_item { order: 'o' quantity: 1 }", "the command's item is missing"),
        ("order_remove_item { order: 'o' }", "the command's item is missing"),
        (
          "order_add_item { order: 'o' item: 'a' quantity: 9007199254740992 }",
          "the command's quantity exceeds 2^53-1"
        ),
        (
          "order_add_item { order: 'o' item: 'a' price: 18446744073709551615 }",
          "the command's price exceeds 2^53-1"
        ),
        ("order_checkout { }", "the command's order is missing"),
        ("order_sweep { orders: 'a/b' }", "the sweep's order \(notAnID)"),
        ("order_batch_init { first: 2 end: 1 }", "the batch's numbers end before they begin"),
        ("order_batch_init { first: 1 end: 8194 }", "the batch's numbers are too many"),
        ("order_batch_init { end: 9223372036854775808 }", "the batch's end exceeds 2^53-1"),
        ("order_batch_init { item_count: 9007199254740992 }", "the batch's number of items exceeds 2^53-1"),
        ("item_create { item: 'a' }", "the command's freshness is missing"),
        ("item_add { quantity: 1 }", "the command's item is missing"),
        ("item_subtract { quantity: 1 }", "the command's item is missing"),
        ("item_batch_init { first: 2 end: 1 }", "the batch's numbers end before they begin"),
        ("user_create { user: 'u' }", "the command's freshness is missing"),
        ("user_add_funds { amount: 1 }", "the command's user is missing"),
        ("user_pay { user: 'u' order: '' }", "the command's order \(notAnID)"),
        ("user_cancel_payment { user: 'u' }", "the command's order is missing"),
        ("user_batch_init { end: 8193 }", "the batch's numbers are too many"),
      ].map { (Self.command($0.0), "entry 0: \($0.1)") })
  }

  @Test func messages() throws {
    try check(
      "Record",
      [
        ("entries { message { \(Self.source) } }", "a message is of a kind that this version does not know"),
        ("entries { message { paid { \(Self.attempt) } } }", "the message's source is missing"),
        (
          "entries { message { source { } paid { \(Self.attempt) } } }",
          "the partition's service is missing"
        ),
        (
          "entries { message { source { service: 4 } paid { \(Self.attempt) } } }",
          "the partition's service has a value that this version does not know"
        ),
        (
          "entries { message { source { service: 1 index: 4096 } paid { \(Self.attempt) } } }",
          "the partition's index is too large"
        ),
        (Self.message("offset: 9223372036854775808 paid { \(Self.attempt) }"), "the offset is too large"),
        (Self.message("paid { }"), "the message's attempt is missing"),
        (Self.message("commit { attempt { order: 'o' } }"), "the attempt's number is missing"),
        (Self.message("paid { attempt { number: 1 } }"), "the attempt's order is missing"),
        (Self.message("charge { }"), "the message's slip is missing"),
        (Self.message("reserve { stop: 0 }"), "the message's slip is missing"),
        (Self.message("reserve { \(Self.slip(Self.stop)) stop: 1 }"), "the message's stop is not in its slip"),
        (Self.message("reserve { \(Self.slip("")) }"), "the message's stop is not in its slip"),
        (Self.message("reserve { \(Self.slip(Self.stop)) stop: 65536 }"), "the message's stop is too large"),
        (
          Self.message("release { \(Self.slip(Self.stop)) stop: 1 failure { unknown_item: 'a' } }"),
          "the message's stop is not in its slip"
        ),
        (Self.message("release { \(Self.slip(Self.stop)) }"), "the message's failure is missing"),
        (Self.message("failed { \(Self.attempt) }"), "the message's failure is missing"),
        (Self.message("failed { \(Self.attempt) failure { } }"), "a failure has no reason that this version knows"),
        (Self.message("failed { failure { unknown_item: 'a' } }"), "the message's attempt is missing"),
        (Self.message("forget_payment { user: 'u' }"), "the removed order is missing"),
        (Self.message("forget_payment { order: 'o' }"), "the removed order's user is missing"),
        (
          Self.message("forget_payment { order: 'o' user: 'u' before_ms: 253402300800000 }"),
          "the removed order's time is too far in the future"
        ),
        (
          Self.message("forget_payment { order: 'o' user: 'u' paid { amount: 9007199254740992 } }"),
          "what the removed order cost exceeds 2^53-1"
        ),
      ].map { ($0.0, "entry 0: \($0.1)") })
  }

  @Test func slips() throws {
    func stop(_ partition: Int, _ items: String...) -> String {
      "stops { partition: \(partition) " + items.map { "lines { item: '\($0)' quantity: 1 } " }.joined() + "}"
    }
    try check(
      "Record",
      [
        ("slip { user: 'u' \(Self.stop) }", "the slip's attempt is missing"),
        ("slip { \(Self.attempt) \(Self.stop) }", "the slip's user is missing"),
        (Self.slip(Self.stop, total: "9007199254740992"), "the slip's total exceeds 2^53-1"),
        (Self.slip(stop(1)), "the stop's first line is missing"),
        (Self.slip(stop(4_096, "a")), "the partition's index is too large"),
        (Self.slip(stop(2, "a") + stop(1, "b")), "the slip's stops do not ascend"),
        (Self.slip(stop(1, "a") + stop(1, "b")), "the slip's stops do not ascend"),
        (Self.slip(stop(1, "b", "a")), "the stop's lines do not ascend"),
        (Self.slip(stop(1, "a", "a")), "the stop's lines do not ascend"),
        (Self.slip("stops { lines { item: 'a' } }"), "the line's quantity is missing"),
        (Self.slip("stops { lines { quantity: 1 } }"), "the line's item is missing"),
      ].map { (Self.message("charge { \($0.0) }"), "entry 0: \($0.1)") })
  }

  @Test func rows() throws {
    let many = (0..<17).map { "lines { item: 'a\($0)' quantity: 1 } " }.joined()
    let open = "user: 'u' status: ORDER_STATUS_OPEN"
    try check(
      "Entity",
      [
        ("", "a row is of a kind that this version does not know"),
        ("order { user: 'u' }", "the order's status is missing"),
        ("order { user: 'u' status: 4 }", "the order's status has a value that this version does not know"),
        ("order { status: ORDER_STATUS_OPEN }", "the order's user is missing"),
        ("order { \(open) lines { item: 'a' } }", "the line's quantity is missing"),
        (
          "order { \(open) lines { item: 'a' quantity: 1 } lines { item: 'a' quantity: 2 } }",
          "the order's lines name an item twice"
        ),
        ("order { \(open) \(many) lines { item: 'a0' quantity: 1 } }", "the order's lines name an item twice"),
        ("order { \(open) waiters { } }", "the waiter's request is missing"),
        ("order { \(open) changed_ms: 253402300800000 }", "the order's last change is too far in the future"),
        ("item { sold: 9007199254740992 }", "the item's sold units exceeds 2^53-1"),
        ("item { parked { order: 'o' } }", "the attempt's number is missing"),
        ("hold { \(Self.slip(Self.stop)) stop: 1 status: HOLD_STATUS_HELD }", "the hold's stop is not in its slip"),
        ("hold { \(Self.slip(Self.stop)) }", "the hold's status is missing"),
        ("hold { status: HOLD_STATUS_HELD }", "the hold's slip is missing"),
        ("user { credit: 9007199254740992 }", "the user's credit exceeds 2^53-1"),
        ("payment { amount: 1 }", "the payment's status is missing"),
        ("idempotency { outcome { } }", "an outcome is of a kind that this version does not know"),
        ("idempotency { outcome { refused { } } }", "a refusal has no reason that this version knows"),
        (
          "idempotency { outcome { refused { checkout_failed { order: 'o' } } } }",
          "the refusal's failure is missing"
        ),
        ("idempotency { outcome { refused { unknown_payment { user: 'u' } } } }", "the refusal's second id is missing"),
        ("idempotency { expiry_ms: 9007199254740992 }", "the record's expiry is too far in the future"),
      ])
  }

  @Test func headers() throws {
    let partition = "partition { service: SERVICE_ORDERS } rules_version: 1"
    func row(_ service: Int, _ index: Int) -> String { "dedup { source { service: \(service) index: \(index) } } " }
    try check(
      "CheckpointHeader",
      [
        ("rules_version: 1 ledger { }", "the checkpoint's partition is missing"),
        ("partition { service: SERVICE_ORDERS } ledger { }", "the rules' version is missing"),
        (partition, "the checkpoint's ledger is missing"),
        ("\(partition) ledger { } offset: -2", "the checkpoint's offset is out of range"),
        ("\(partition) ledger { } offset: 9223372036854775807", "the checkpoint's offset is out of range"),
        ("\(partition) ledger { } dedup { }", "the dedup row's source is missing"),
        ("\(partition) ledger { } \(row(2, 0)) \(row(1, 5))", "the dedup rows do not ascend"),
        ("\(partition) ledger { } \(row(1, 5)) \(row(1, 5))", "the dedup rows do not ascend"),
      ])
  }
}
