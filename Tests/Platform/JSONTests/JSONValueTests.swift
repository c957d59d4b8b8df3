import JSON
import Testing

@Suite struct JSONValueTests {
  private func read(_ text: String) -> JSONValue? { JSONValue(Array(text.utf8)) }

  @Test(arguments: [
    "", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
    "\"\\ud800\\u0041\"", "\"\n\"", "nul", "tru", "1 2", "x", "[\"\\udc00\"]",
    "01", "+1", "1.", ".5", "1e", "-", "1e999", "\"\\u+123\"", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
    String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
  ])
  func noJSON(_ text: String) { #expect(read(text) == nil) }

  @Test(
    arguments: [
      ("null", .null), (" true ", .bool(true)), ("false", .bool(false)), ("-12", .number(-12)), ("1.5", .real(1.5)),
      ("99999999999999999999", .real(1e20)), ("-0.5E+1", .real(-5)), ("0", .number(0)),
      ("\"a\\\"\\\\\\n\\u00e9\\ud83d\\ude00\"", .string("a\"\\\né😀")),
      ("[]", .array([])), ("{}", .object([:])), ("{\"a\":[1, 2]}", .object(["a": .array([.number(1), .number(2)])])),
    ] as [(String, JSONValue)])
  func values(_ text: String, _ value: JSONValue) { #expect(read(text) == value) }

  @Test func everyPrefixAndEveryOtherByteIsRead() {
    let text = Array("{\"a\":[1,-2,\"x\\u0041\",null,true],\"b\":{\"c\":\"\\n\"}}".utf8)
    for end in text.indices { #expect(JSONValue(Array(text[..<end])) == nil) }
    for place in text.indices {
      for byte in UInt8.min...UInt8.max {
        var other = text
        other[place] = byte
        _ = JSONValue(other)
      }
    }
  }

  @Test func wideNumbersAreStrings() {
    let value = read("{\"a\":\"18446744073709551615\",\"b\":-1,\"c\":1}")
    #expect(value?["a"]?.wide == .max && value?["b"]?.count == nil && value?["c"]?.count == 1)
    #expect(value?["d"] == nil && read("[]")?["a"] == nil)
  }
}
