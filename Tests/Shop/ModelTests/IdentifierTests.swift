import Model
import Testing

@Suite struct IdentifierTests {
  @Test func theAlphabet() {
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)
    #expect(allowed.count == 64)
    for byte in 0...UInt8.max {
      #expect(IdentifierText.isValid([byte]) == allowed.contains(byte), "\(byte)")
      #expect(IdentifierText.isValid([0x61, byte, 0x61]) == allowed.contains(byte), "\(byte) inside")
    }
  }

  @Test func theLength() {
    #expect(OrderID(validating: "") == nil)
    #expect(OrderID(validating: "a")?.text == "a")
    #expect(ItemID(validating: String(repeating: "a", count: 64)) != nil)
    #expect(ItemID(validating: String(repeating: "a", count: 65)) == nil)
    #expect(UserID.lengthMax == 64)
  }

  @Test(arguments: ["é", "a b", "a/b", "a\0", "%41", "ａ", "a\n", "日本", "a.b", "\u{301}"])
  func otherTextsAreNoIDs(text: String) {
    #expect(UserID(validating: text) == nil)
  }

  @Test func idsAscendByTheirBytes() {
    let ascending = ["-", "0", "10", "9", "A", "Z", "_", "a", "aa", "b"].map { ItemID(unchecked: $0) }
    #expect(ascending.reversed().sorted() == ascending)
  }

  @Test func attemptsAscendByOrderThenNumber() {
    let (a, b) = (OrderID(unchecked: "a"), OrderID(unchecked: "b"))
    let ascending = [
      AttemptID(order: a, number: 2), AttemptID(order: a, number: 10), AttemptID(order: b, number: 1),
    ]
    #expect(ascending.reversed().sorted() == ascending)
    #expect(ascending[1].description == "a/10")
  }

  @Test func idempotencyKeysAreVisibleASCII() {
    for byte in 0...UInt8.max {
      let text = String(UnicodeScalar(byte))
      let isAllowed = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
      #expect((IdempotencyKey(validating: text) != nil) == isAllowed, "\(byte)")
      #expect((IdempotencyKey(validating: "k\(text)k") != nil) == isAllowed, "\(byte) inside")
    }
    #expect(IdempotencyKey(validating: "") == nil)
    #expect(IdempotencyKey(validating: String(repeating: "k", count: 255)) != nil)
    #expect(IdempotencyKey(validating: String(repeating: "k", count: 256)) == nil)
    #expect(IdempotencyKey(validating: "日本") == nil)
  }

  @Test func requestsAreNamedInHexadecimal() {
    #expect(RequestID(incarnation: 0xAB, lane: 16, number: 255).description == "ab-10-ff")
  }

  @Test(arguments: ["ab-10-ff", "00000000000000ab-10-ff", "AB-0010-FF"])
  func namesOfRequestsAreRead(_ text: String) {
    #expect(RequestID(text) == RequestID(incarnation: 0xAB, lane: 16, number: 255))
  }

  @Test(arguments: [
    "", "ab", "ab-1", "ab-1-", "-1-2", "ab-1-2-3", "ab-1-+2", "g-1-2", "ab-10000-1", "1ffffffffffffffff-1-1",
    "ab 1-1-1",
    "é-1-1", "gateway-0a1b2c3d-0",
  ])
  func otherTextsAreNoRequests(_ text: String) { #expect(RequestID(text) == nil) }

  /// An answer's id leads to its command, or to all commands of its `batch_init`, and to no others.
  @Test func numbersOfRequests() {
    let number = RequestNumber.of(exchange: 7, step: 2)
    #expect(RequestNumber.isOf(number, command: number))
    #expect(!RequestNumber.isOf(number, command: RequestNumber.of(exchange: 7, step: 0)))
    for command: UInt64 in [0, 1, 1 << 20 - 1, 1 << 20, .max] {
      let part = RequestNumber.of(exchange: 7, batchCommand: command)
      #expect(part & RequestNumber.batchBit != 0 && RequestNumber.isOf(number, command: part))
      #expect(!RequestNumber.isOf(RequestNumber.of(exchange: 6, step: 2), command: part))
      #expect(!RequestNumber.isOf(RequestNumber.of(exchange: 8, step: 2), command: part))
      #expect(!RequestNumber.isOf(RequestNumber.of(exchange: 7, step: 3), command: part))
      #expect(RequestNumber.isOf(part, command: part))
    }
    #expect(RequestNumber.of(exchange: .max, batchCommand: .max) == .max)
  }
}
