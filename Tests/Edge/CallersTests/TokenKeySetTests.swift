import Testing

@testable import Callers

@Suite struct TokenKeySetTests {
  /// 256 bytes, the first bit set.
  private static let modulus = String(repeating: "q", count: 341) + "g"
  private static let coordinate = String(repeating: "A", count: 42) + "E"
  private static let rsa = "\"kty\":\"RSA\",\"n\":\"\(modulus)\",\"e\":\"AQAB\""
  private static let curve = "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(coordinate)\",\"y\":\"\(coordinate)\""

  private static func read(_ keys: [String]) throws(TokenKeySet.Failure) -> TokenKeySet {
    try TokenKeySet(Array("{\"keys\":[\(keys.map { "{\($0)}" }.joined(separator: ","))]}".utf8)) { _ in true }
  }

  @Test func usableKeysAreTaken() throws {
    let set = try Self.read([
      Self.rsa + ",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\",\"key_ops\":[\"verify\"],\"x5c\":[\"x\"]",
      Self.curve + ",\"kid\":\"a\"", Self.curve,
    ])
    #expect(set.keys.map(\.id) == ["a", "a", nil] && set.keys.map(\.algorithm) == [.rs256, .es256, .es256])
    #expect(set.ignored.isEmpty)
    guard case .rsa(let modulus, let exponent) = set.keys[0].material else { return #expect(Bool(false)) }
    #expect(modulus.count == 256 && exponent == [1, 0, 1])
  }

  /// A key that cannot be used beside a good one: what is told about it.
  @Test(arguments: [
    ("\"kty\":\"oct\",\"k\":\"AAAA\"", "secret key"), ("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"A\"", "kty"),
    ("\"kid\":\"x\"", "kty"), (curve + ",\"d\":\"AA\"", "secret key"), (rsa + ",\"d\":\"AA\"", "secret key"),
    (rsa + ",\"use\":\"enc\"", "its use is not sig"), (rsa + ",\"key_ops\":[\"encrypt\"]", "lack verify"),
    (rsa + ",\"key_ops\":1", "lack verify"), (rsa + ",\"alg\":\"RS512\"", "its alg is not RS256"),
    (curve + ",\"alg\":\"RS256\"", "its alg is not ES256"), (rsa + ",\"kid\":1", "its kid"),
    (rsa + ",\"kid\":\"\"", "its kid"),
    (rsa + ",\"kid\":\"\(String(repeating: "k", count: 257))\"", "its kid"),
    (curve.replacing("P-256", with: "P-384"), "its crv"), (curve.replacing("AAE", with: "AAF"), "its x or y"),
    (curve.replacing("AAE", with: "AAE="), "its x or y"), (curve.replacing("AAE", with: "AE"), "its x or y"),
    (rsa.replacing("AQAB", with: "AQ"), "its e"), (rsa.replacing("AQAB", with: "AQAA"), "its e"),
    (rsa.replacing("AQAB", with: "AAAA"), "n or e"), (rsa.replacing("AQAB", with: "AQAAAAE"), "its e"),
    (rsa.replacing("AQAB", with: "A+A/"), "n or e"), (rsa.replacing("qqqqqqqq", with: ""), "bits"),
    ("\"kty\":\"RSA\",\"e\":\"AQAB\"", "n or e"), (rsa.replacing("\"n\":\"q", with: "\"n\":\"Q"), "it has 2047 bits"),
    ("\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"\(String(repeating: "q", count: 1_368))\"", "bits"),
  ])
  func unusableKeysAreNamed(_ key: String, _ reason: String) throws {
    let set = try Self.read([key, Self.rsa])
    #expect(set.keys.count == 1 && set.ignored.count == 1)
    #expect(set.ignored.first?.reason.contains(reason) == true, "\(set.ignored)")
    let failure = #expect(throws: TokenKeySet.Failure.self) { try Self.read([key]) }
    #expect(failure?.description.contains("no usable key") == true)
    #expect(failure?.description.contains(reason) == true, "it says why")
  }

  @Test func theNameOfAnIgnoredKeyIsTold() throws {
    let long = String(repeating: "k", count: 1_000)
    let set = try Self.read(["\"kid\":\"enc-1\"", "\"kty\":1", "\"kid\":\"\(long)\"", Self.rsa])
    #expect(set.ignored.map(\.id) == ["enc-1", nil, String(long.prefix(256))])
  }

  @Test(arguments: [
    "", "{}", "[]", "null", "{\"keys\":{}}", "{\"keys\":[}", "{\"keys\":[],\"keys\":[]}", "-----BEGIN PUBLIC KEY-----",
  ])
  func noKeySet(_ text: String) {
    let failure = #expect(throws: TokenKeySet.Failure.self) { try TokenKeySet(Array(text.utf8)) { _ in true } }
    #expect(failure?.description.contains("not a JWK Set") == true)
  }

  @Test func refusals() {
    let empty = #expect(throws: TokenKeySet.Failure.self) { try Self.read([]) }
    #expect(empty?.description.contains("it has no keys at all") == true)
    let twice = #expect(throws: TokenKeySet.Failure.self) {
      try Self.read([Self.rsa + ",\"kid\":\"a\"", Self.rsa + ",\"kid\":\"a\""])
    }
    #expect(twice?.description == "two keys for RS256 with the kid 'a'")
    let nameless = #expect(throws: TokenKeySet.Failure.self) { try Self.read([Self.curve, Self.curve]) }
    #expect(nameless?.description == "two keys for ES256 without a kid")
    let many = #expect(throws: TokenKeySet.Failure.self) {
      try Self.read((0...TokenKeySet.keysMax).map { Self.rsa + ",\"kid\":\"\($0)\"" })
    }
    #expect(many?.description.contains("more than 64 keys") == true)
    #expect(throws: TokenKeySet.Failure.self) {
      try TokenKeySet(Array("{\"keys\":[{\(Self.rsa)}]}".utf8)) { _ in false }
    }
  }

  @Test func base64IsStrict() {
    func read(_ text: String) -> [UInt8]? { Base64URL.bytes(text.utf8) }
    #expect(read("") == [] && read("AA") == [0] && read("_-8") == [255, 239] && read("AQAB") == [1, 0, 1])
    for text in ["A", "AAAAA", "AB", "AAB", "AA=", "AA==", "A A", "+/AA", "AA\n", "é", "AAAA="] {
      #expect(read(text) == nil, "\(text)")
    }
    // Each text is that of its bytes alone.
    for first in UInt8.min...UInt8.max {
      let texts = (0..<128).map { UInt8($0) }.filter { Base64URL.bytes([first, $0]) != nil }
      #expect([0, 4].contains(texts.count))
    }
  }
}
