import Testing

@testable import Callers

@Suite struct KeyFileTests {
  private static let digest = String(repeating: "0f", count: 32)

  private func failure(_ text: String) -> String? {
    do {
      _ = try KeyFile(text)
      return nil
    } catch { return error.description }
  }

  @Test func readsWhatItWrites() throws {
    let text = "# made by hand\r\n\r\n  a-1 \(Self.digest) orders,stock:read  5/9\nb \(Self.digest) admin unlimited\n"
    let file = try KeyFile(text + "c \(Self.digest) payment:write")
    #expect(
      file.keys.map(\.description) == [
        "a-1 \(Self.digest) orders:read,orders:write,stock:read 5/9", "b \(Self.digest) admin unlimited",
        "c \(Self.digest) payment:write default",
      ])
    #expect(try KeyFile(file.keys.map { "\($0)\n" }.joined()) == file)
    #expect(try KeyFile("").keys.isEmpty)
  }

  @Test func changesOneLineOnly() throws {
    let text = "# mine\na \(Self.digest) admin"
    let key = try #require(try KeyFile("b \(Self.digest) stock 7").keys.first)
    let longer = KeyFile.adding(key, to: text)
    #expect(longer == "\(text)\nb \(Self.digest) stock:read,stock:write 7\n")
    #expect(KeyFile.removing(key.id, from: longer) == text + "\n")
    #expect(KeyFile.removing(key.id, from: text) == nil)
  }

  /// No line's words are told: one may be a secret that was written in place of its digest.
  @Test(arguments: [
    ("a SECRET admin", "line 1: the second word is the SHA-256 of the secret, 64 hexadecimal digits"),
    ("\n#\na.b D admin", "line 3: an id is 1 to 32 characters of A-Z a-z 0-9 _ -"),
    ("a D", "line 1: a key is ID SHA256 SCOPES [RATE], three or four words"),
    ("a D admin 1 2", "line 1: a key is ID SHA256 SCOPES [RATE], three or four words"),
    ("a D admin 0", "line 1: a rate is RATE or RATE/BURST of 1…1000000, 'unlimited' or 'default'"),
    ("a D admin\na D stock", "line 2: the id a is already at line 1"),
  ])
  func refusals(_ text: String, _ reason: String) {
    #expect(failure(text.replacing("D", with: Self.digest)) == reason)
  }

  @Test(arguments: ["", "order", "orders:", "orders:all", "ORDERS", "orders,", "admin:write", ":read"])
  func noScopes(_ names: String) { #expect(CallerScopes(names: names[...]) == nil) }

  /// A name without a colon means both: files of before the operator's scope was divided go on to work.
  @Test(arguments: [
    ("operator", "operator:read,operator:write"), ("operator:read", "operator:read"),
    ("operator:write,admin", "admin,operator:write"), ("orders", "orders:read,orders:write"), ("admin", "admin"),
    ("payment:read,payment", "payment:read,payment:write"),
  ])
  func scopes(_ names: String, _ meant: String) {
    #expect(CallerScopes(names: names[...])?.description == meant)
  }

  @Test func idsOfAnyLengthAreKeptApart() {
    let long = String(repeating: "x", count: 32)
    #expect(CallerID(long)?.description == long && CallerID(long + "x") == nil && CallerID("") == nil)
    #expect(CallerID("a") != CallerID("aa") && CallerID("a") == CallerID("a") && CallerID("a\0") == nil)
  }
}
