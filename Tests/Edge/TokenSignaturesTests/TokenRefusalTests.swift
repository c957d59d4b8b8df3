import Callers
import Testing
import TokenMint

/// Tokens with one thing wrong each, and those that are good.
@Suite struct TokenRefusalTests {
  private let shop: Shop

  init() throws { shop = try Shop() }

  @Test(arguments: [
    "..", ".e30.AA", "!.e30.AA", "e30=.e30.AA", "e30.e30.AA", "W10.e30.AA",
    "bnVsbA.e30.AA",
    "a.b.c", "e30.e30.A", " . . ",
  ])
  func shapes(_ token: String) {
    #expect(["malformed", "unknownKey"].contains(shop.told(token)), "\(token)")
    #expect(shop.checks.value == 0)
  }

  @Test func onlyTwoDotsMakeAToken() throws {
    let token = try shop.rsa.token(Shop.claims())
    #expect(shop.told(token) == "jwt:alice orders:read,stock:read")
    #expect(shop.told("\(token)  \t") == "jwt:alice orders:read,stock:read", "blanks at the end")
    for value in ["\(token).", "\(token).a.b", String(token.prefix { $0 != "." })] {
      #expect(shop.told(value) == "malformed")
    }
    // Both kinds beside each other.
    #expect(shop.told("web.\(Shop.secret)") == "web orders:read,orders:write")
    #expect(shop.told("web.\(Shop.secret)x") == "unknown")
    #expect(throws: CallerGate.Refusal.malformed, "an API key's header takes no token") {
      try Array(token.utf8).withUnsafeBufferPointer { try shop.gate.caller(key: $0) }
    }
  }

  @Test func aServerWithoutKeysOfTokensTakesNone() throws {
    let token = try shop.rsa.token(Shop.claims())
    let gate = CallerGate(CallerTable(.none, defaultRate: nil))
    #expect(throws: CallerGate.Refusal.malformed) { try shop.caller(token, at: gate) }
  }

  /// The key says how it is used, never the token (RFC 8725, section 3.1).
  @Test(arguments: [
    ("{\"alg\":\"none\"}", "algorithm"), ("{\"alg\":\"None\",\"kid\":\"rsa\"}", "algorithm"),
    ("{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "algorithm"), ("{\"alg\":\"HS256\",\"kid\":\"curve\"}", "algorithm"),
    ("{\"alg\":\"RS384\",\"kid\":\"rsa\"}", "algorithm"), ("{\"alg\":\"PS256\",\"kid\":\"rsa\"}", "algorithm"),
    ("{\"alg\":\"rs256\",\"kid\":\"rsa\"}", "algorithm"), ("{\"alg\":\"ES256K\",\"kid\":\"curve\"}", "algorithm"),
    ("{\"alg\":\"RS256\",\"kid\":\"curve\"}", "unknownKey"), ("{\"alg\":\"ES256\",\"kid\":\"rsa\"}", "unknownKey"),
    ("{\"alg\":\"ES256\"}", "signature"), ("{\"kid\":\"rsa\"}", "malformed"),
    ("{\"alg\":1,\"kid\":\"rsa\"}", "malformed"),
    ("{\"alg\":\"RS256\",\"kid\":\"other\"}", "unknownKey"), ("{\"alg\":\"RS256\",\"kid\":\"\"}", "unknownKey"),
    ("{\"alg\":\"RS256\",\"kid\":7}", "malformed"), ("{\"alg\":\"RS256\",\"kid\":null}", "malformed"),
    ("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"b64\"],\"b64\":false}", "critical"),
    ("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}", "critical"), ("{\"alg\":\"none\",\"crit\":1}", "critical"),
    ("{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"rsa\"}", "malformed"),
    ("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}", "type"),
    ("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":1}", "malformed"), ("[]", "malformed"), ("", "malformed"),
    ("{\"alg\":\"RS256\",\"kid\":\"rsa\"} x", "malformed"),
    (String(repeating: "[", count: 500), "malformed"),
  ])
  func headers(_ header: String, _ refusal: String) throws {
    #expect(shop.told(try shop.rsa.token(Shop.claims(), header: header)) == refusal)
    #expect(shop.checks.value == (refusal == "signature" ? 1 : 0))
  }

  @Test(arguments: [
    "{\"alg\":\"RS256\"}", "{\"kid\":\"rsa\",\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
    "{\"alg\":\"RS256\",\"typ\":\"application/AT+JWT\",\"kid\":\"rsa\"}",
    // Keys that a token brings along are nobody's.
    "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://evil.example/\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
  ])
  func goodHeaders(_ header: String) throws {
    #expect(shop.told(try shop.rsa.token(Shop.claims(), header: header)) == "jwt:alice orders:read,stock:read")
  }

  /// The public key as the secret of an HMAC is no key at all: nothing here computes one.
  @Test func anUnsignedTokenIsNotBelieved() throws {
    let parts = try shop.rsa.token(Shop.claims()).split(separator: ".")
    let none = TokenMint.base64(Array("{\"alg\":\"none\"}".utf8))
    #expect(shop.told("\(none).\(parts[1]).") == "algorithm")
    #expect(shop.told("\(parts[0]).\(parts[1]).") == "signature")
    let other = TokenMint.base64(Array(Shop.claims(["sub": "\"root\""]).utf8))
    #expect(shop.told("\(parts[0]).\(other).\(parts[2])") == "signature")
    #expect(shop.told("\(parts[0]).\(parts[1]).\(parts[2])") == "jwt:alice orders:read,stock:read")
  }

  @Test func withoutAKidOnlyOneKeyMayBeMeant() throws {
    let (first, second) = (try TokenMint(.p256, id: "1"), try TokenMint(.p256, id: "2"))
    let header = "{\"alg\":\"ES256\"}"
    try shop.accept([first, shop.rsa])
    #expect(shop.told(try first.token(Shop.claims(), header: header)) == "jwt:alice orders:read,stock:read")
    try shop.accept([first, second])
    #expect(shop.told(try first.token(Shop.claims(), header: header)) == "unknownKey")
    #expect(shop.told(try second.token(Shop.claims())) == "jwt:alice orders:read,stock:read")
  }

  private static let now = Shop.now

  @Test(
    arguments: [
      (["iss": nil], "issuer"), (["iss": "\"https://id.example\""], "issuer"), (["iss": "1"], "issuer"),
      (["iss": "[\"https://id.example/\"]"], "issuer"), (["aud": nil], "audience"), (["aud": "\"other\""], "audience"),
      (["aud": "[]"], "audience"), (["aud": "[\"other\",1]"], "audience"), (["aud": "{\"kassa\":1}"], "audience"),
      // U+212A, which Swift takes for a K, and which lies in none of the names.
      (["aud": "\"\u{212A}assa\""], "audience"), (["aud": "\"Kassa\""], "audience"),
      (["aud": "[\"other\",\"kassa\"]"], "good"), (["exp": nil], "malformed"), (["exp": "\"1800000000\""], "malformed"),
      (["exp": "null"], "malformed"), (["exp": "-1"], "malformed"), (["exp": "1e300"], "malformed"),
      (["exp": "9223372036854775807"], "malformed"), (["exp": "18446744073709551616"], "malformed"),
      (["exp": "\(now - 60)"], "expired"), (["exp": "\(now - 59)"], "good"), (["exp": "\(now - 60).999"], "expired"),
      (["exp": "\(now - 58).5"], "good"), (["exp": "1.8e9"], "good"), (["exp": "0"], "expired"),
      (["nbf": "\(now + 60)"], "good"), (["nbf": "\(now + 61)"], "notYetValid"), (["nbf": "\"1\""], "malformed"),
      (["iat": "\(now + 60)"], "good"), (["iat": "\(now + 61)"], "notYetValid"), (["iat": "true"], "malformed"),
      (["nbf": "0", "iat": "\(now)"], "good"), (["nbf": "\(now + 1000)", "iat": "\(now)"], "notYetValid"),
      (["sub": nil], "subject"), (["sub": "\"\""], "subject"), (["sub": "7"], "subject"),
      (["sub": "\"a b\""], "subject"),
      (["sub": "\"é\""], "subject"), (["sub": "\"a\\u0000\""], "subject"), (["sub": "\"a\\n\""], "subject"),
      (["sub": "\"\(String(repeating: "s", count: 129))\""], "subject"),
      (["scope": "7"], "malformed"), (["scope": "[\"orders\",7]"], "malformed"), (["scope": "{}"], "malformed"),
      (["scope": "null"], "malformed"),
    ] as [([String: String?], String)])
  func claims(_ changes: [String: String?], _ expected: String) throws {
    let told = shop.told(try shop.curve.token(Shop.claims(changes)))
    #expect(told == (expected == "good" ? "jwt:alice orders:read,stock:read" : expected), "\(changes)")
  }

  @Test(arguments: ["[]", "7", "null", "", "{", "{\"iss\":1}x", "{\"iss\":1,\"iss\":2}"])
  func payloadsThatAreNoClaims(_ payload: String) throws {
    #expect(shop.told(try shop.rsa.token(payload)) == "malformed")
  }

  @Test(
    arguments: [
      (nil, ""), ("\"\"", ""), ("\"admin\"", "admin"),
      ("\"  orders   payment:read \"", "orders:read,orders:write,payment:read"),
      ("\"openid profile stock:write\"", "stock:write"), ("\"orders:read,admin\"", ""), ("\"ORDERS\"", ""),
      ("\"orders:\"", ""), ("\":read\"", ""),
      ("[\"stock:read\",\"operator\",\"x\"]", "stock:read,operator:read,operator:write"),
      ("[\"orders admin\"]", ""), ("[]", ""),
    ] as [(String?, String)])
  func scopes(_ claim: String?, _ scopes: String) throws {
    #expect(shop.told(try shop.rsa.token(Shop.claims(["scope": claim]))) == "jwt:alice \(scopes)")
  }

  @Test func anotherClaimMayHaveTheScopes() throws {
    try shop.accept([shop.rsa], scopeClaim: "https://kassa/roles")
    let claims = Shop.claims(["https://kassa/roles": "[\"admin\"]"])
    #expect(shop.told(try shop.rsa.token(claims)) == "jwt:alice admin")
  }

  @Test func lengthsAreBounded() throws {
    let subject = String(repeating: "~", count: 128)
    #expect(shop.told(try shop.rsa.token(Shop.claims(["sub": "\"\(subject)\""]))).hasPrefix("jwt:\(subject) "))
    let short = try shop.rsa.token(Shop.claims(["x": "\"\(String(repeating: "x", count: 5_000))\""]))
    #expect(short.utf8.count < 8_192 && shop.told(short) == "jwt:alice orders:read,stock:read")
    let checks = shop.checks.value
    let long = try shop.rsa.token(Shop.claims(["x": "\"\(String(repeating: "x", count: 7_000))\""]))
    #expect(long.utf8.count > 8_192 && shop.told(long) == "tooLong")
    #expect(shop.checks.value == checks)
  }

  /// No id of an API key is one of a subject, so their idempotency keys never meet.
  @Test func aSubjectIsNobodyElse() throws {
    let key = try shop.caller("web.\(Shop.secret)")
    let subject = try shop.caller(try shop.rsa.token(Shop.claims(["sub": "\"web\""])))
    #expect(key.id == "web" && subject.id == "jwt:web" && CallerID(subject.id) == nil)
    #expect(key.own(idempotencyKey: "1") != subject.own(idempotencyKey: "1"))
    let again = try shop.caller(try shop.curve.token(Shop.claims(["sub": "\"web\"", "exp": "\(Shop.now + 1)"])))
    #expect(again.own(idempotencyKey: "1") == subject.own(idempotencyKey: "1"), "of whichever token")
  }

  @Test func everyReasonFitsIntoAHeader() {
    for refusal in TokenRefusal.allCases {
      let challenge = CallerGate.Refusal.token(refusal).challenge
      let expected = "Bearer realm=\"kassa\", error=\"invalid_token\", error_description=\"\(refusal.text)\""
      #expect(challenge == expected && challenge.utf8.allSatisfy { (0x20...0x7e).contains($0) })
      let text = refusal.text.description
      #expect(!text.contains("\"") && !text.contains("\\") && !text.isEmpty)
    }
  }
}
