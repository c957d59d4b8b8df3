import Callers
import Foundation
import HTTPServer
import Ports
import Runtime
import Server
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing
import TokenMint

@testable import Server

/// Real connections to a front that accepts tokens.
@Suite struct TokensServedTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/jwks.json" }
  private static let issuer = "https://id.example/"

  init() throws { folder = try TemporaryFolder() }

  private func write(_ keys: [String]) throws {
    try "{\"keys\":[\(keys.joined(separator: ","))]}".write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func settings(_ change: (inout ServeSettings) -> Void = { _ in }) -> ServeSettings {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.lanes = FakeRuntime.laneCount
    settings.jwtKeysFile = path
    settings.jwtIssuer = Self.issuer
    settings.jwtAudience = "kassa"
    settings.jwtRate = nil
    change(&settings)
    return settings
  }

  private func front(asksOperators: Bool = false, _ settings: ServeSettings) throws -> ServerFront {
    var options = try ServingOptions(settings)
    options.operatorAsksForKeys = asksOperators
    let lanes = try ServerLanes(servingCount: options.runtime.laneCount)
    let prices = MemoryPriceCache(entriesMax: 1, lifetimeMilliseconds: 1, now: { 0 })
    let front = try ServerFront(
      options, lanes: lanes,
      ServerFront.Parts(
        runtime: FakeRuntime(), prices: lanes.serving.map { _ in prices }, incarnation: 7, version: "1.2.3"),
      sources: { _ in })
    try front.start()
    return front
  }

  private func token(_ mint: TokenMint, _ scope: String, subject: String = "alice", after: Int = 300) throws -> String {
    let expiry = Int(Date().timeIntervalSince1970) + after
    return try mint.token(
      "{\"iss\":\"\(Self.issuer)\",\"aud\":[\"kassa\"],\"sub\":\"\(subject)\",\"exp\":\(expiry),\"scope\":\"\(scope)\"}"
    )
  }

  private func ask(_ front: ServerFront, _ token: String, _ line: String = "GET /stock/find/i1") throws -> String {
    try exchange(line, front.httpEndpoint, headers: "Authorization: Bearer \(token)\r\n")
  }

  private func status(_ front: ServerFront, _ token: String, _ line: String = "GET /stock/find/i1") -> String? {
    (try? ask(front, token, line)).map { String($0.dropFirst("HTTP/1.1 ".count).prefix(3)) }
  }

  private final class Lines: Sendable {
    private let text = Mutex("")
    func add(_ bytes: some Sequence<UInt8>) { text.withLock { $0 += String(decoding: Array(bytes), as: UTF8.self) } }
    var all: String { text.withLock { $0 } }
  }

  private func journal(_ lines: Lines) -> Log { Log(level: .info, clock: { 0 }, write: { lines.add($0) }) }

  @Test(arguments: TokenMint.Kind.allCases) func onEveryLaneTokensDecide(_ kind: TokenMint.Kind) throws {
    let mint = try TokenMint(kind)
    try write([try mint.jwk()])
    let front = try front(settings())
    defer { front.close() }
    let reader = try token(mint, "openid stock:read")
    for _ in 0..<16 {
      #expect(status(front, reader) == "404", "let in, and there is no such item")
      #expect(status(front, reader, "POST /stock/add/i1/1") == "403")
      #expect(status(front, reader + "x") == "401")
    }
    let missing = try ask(front, reader, "POST /stock/add/i1/1")
    #expect(missing.contains("error=\"insufficient_scope\", scope=\"stock:write\"") && missing.contains("jwt:alice"))
    let expired = try ask(front, try token(mint, "stock:read", after: -61))
    #expect(
      expired.contains(
        "WWW-Authenticate: Bearer realm=\"kassa\", error=\"invalid_token\", "
          + "error_description=\"the token has expired\"\r\n"))
    #expect(expired.contains("\"code\":\"unauthenticated\"") && expired.contains("the token has expired"))
    let nobody = try exchange("GET /stock/find/i1", front.httpEndpoint)
    #expect(nobody.hasPrefix("HTTP/1.1 401") && nobody.contains("WWW-Authenticate: Bearer realm=\"kassa\"\r\n"))
    #expect(try exchange("GET /openapi.json", front.httpEndpoint).hasPrefix("HTTP/1.1 200"))
  }

  @Test func theOperatorPortTakesTokensToo() throws {
    let mint = try TokenMint(.p256)
    try write([try mint.jwk()])
    let front = try front(asksOperators: true, settings())
    defer { front.close() }
    func ask(_ scope: String) throws -> String {
      try exchange(
        "GET /metrics", front.operatorEndpoint, headers: "Authorization: Bearer \(try token(mint, scope))\r\n")
    }
    #expect(try ask("operator").hasPrefix("HTTP/1.1 200") && ask("orders").hasPrefix("HTTP/1.1 403"))
    #expect(try exchange("GET /metrics", front.operatorEndpoint).hasPrefix("HTTP/1.1 401"))
    #expect(try exchange("GET /livez", front.operatorEndpoint).hasPrefix("HTTP/1.1 200"))
  }

  @Test func keysAreReadAgainWhileItServes() throws {
    let (old, new) = (try TokenMint(.rsa, id: "old"), try TokenMint(.p256, id: "new"))
    try write([try old.jwk()])
    let front = try front(settings())
    defer { front.close() }
    let lines = Lines()
    let (first, second) = (try token(old, "stock"), try token(new, "stock"))
    #expect(status(front, first) == "404" && status(front, second) == "401")
    try write([try new.jwk(), "{\"kty\":\"oct\",\"kid\":\"odd one\",\"k\":\"AA\"}"])
    front.reload(journal(lines))
    // Each lane comes to it by itself, and has forgotten what it knew.
    #expect(eventually { (0..<16).allSatisfy { _ in status(front, first) == "401" && status(front, second) == "404" } })
    #expect(lines.all.contains("token keys reloaded") && lines.all.contains("odd one"), "\(lines.all)")
    #expect(!lines.all.contains("API keys"), "there are none")
    try write([])
    front.reload(journal(lines))
    #expect(lines.all.contains("token keys could not be reloaded") && lines.all.contains("no usable key"))
    for _ in 0..<16 { #expect(status(front, second) == "404") }
  }

  @Test func oneBucketForAllTokensOfASubject() throws {
    let mint = try TokenMint(.p256)
    try write([try mint.jwk()])
    let front = try front(settings { $0.jwtRate = 5 })
    defer { front.close() }
    let lines = Lines()
    let started = ContinuousClock.now
    let statuses = try (0..<40).map { number in
      if number == 20 { front.reload(journal(lines)) }
      return status(front, try token(mint, "stock", after: 300 + number))
    }
    // Five at once, and five more each second that the machine takes.
    let seconds = Int((ContinuousClock.now - started) / .seconds(1)) + 1
    let letIn = statuses.count { $0 == "404" }
    #expect(
      (5...(5 + 5 * seconds)).contains(letIn) && statuses.allSatisfy { $0 == "404" || $0 == "429" }, "\(statuses)")
    #expect(status(front, try token(mint, "stock", subject: "bob")) == "404", "another subject's bucket")
  }

  @Test func aFileThatCannotBeUsedIsAFailureOfTheStart() throws {
    func failure() -> String {
      let failure = #expect(throws: KeyFileFailure.self) { _ = try front(settings()) }
      return failure?.description ?? ""
    }
    #expect(failure() == "\(path): No such file or directory")
    try write([])
    #expect(failure().contains("no usable key"))
    let small = try TokenMint(.rsa, bits: 1_024)
    try write([try small.jwk()])
    #expect(failure().contains("it has 1024 bits, not 2048 to 8192"))
    try String(repeating: " ", count: TokenKeySet.bytesMax + 1).write(toFile: path, atomically: false, encoding: .utf8)
    #expect(failure().contains("longer than 262144 bytes"))
    try write([try TokenMint(.p256).jwk()])
    for mode in [0o666, 0o664, 0o646] {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      #expect(failure().contains("users other than its owner can write it: chmod 644 \(path)"))
    }
    // Whoever likes may read a public key.
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    try front(settings()).close()
  }

  @Test func anOperatorPortOffLoopbackAsksForTokens() throws {
    var settings = settings()
    #expect(try !ServingOptions(settings).operatorAsksForKeys)
    settings.operatorPort.host = "0.0.0.0"
    #expect(try ServingOptions(settings).operatorAsksForKeys)
  }
}
