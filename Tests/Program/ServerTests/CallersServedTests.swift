import Server
import Callers
import Foundation
import HTTPServer
import Runtime
import Ports
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

/// Real connections to a front whose callers need keys.
@Suite struct CallersServedTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/keys" }

  init() throws { folder = try TemporaryFolder() }

  private func add(_ id: String, _ scopes: CallerScopes, rate: KeyFile.Rate = .unlimited) throws -> String {
    var generator = SystemRandomNumberGenerator()
    let id = try #require(CallerID(id))
    return try KeyFileAccess.add(id, scopes: scopes, rate: rate, to: path, using: &generator)
  }

  private func front(
    asksOperators: Bool = false, _ change: (inout ServeSettings) -> Void = { _ in }
  ) throws -> ServerFront {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.lanes = FakeRuntime.laneCount
    settings.apiKeysFile = path
    change(&settings)
    var options = try ServingOptions(settings)
    #expect(!options.operatorAsksForKeys, "it is on loopback here")
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

  private func status(_ front: ServerFront, _ key: String?, _ line: String = "GET /stock/find/i1") throws -> String {
    let headers = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    let answer = try exchange(line, front.httpEndpoint, headers: headers)
    return String(answer.dropFirst("HTTP/1.1 ".count).prefix(3))
  }

  private func journal(_ lines: Lines) -> Log { Log(level: .info, clock: { 0 }, write: { lines.add($0) }) }

  private final class Lines: Sendable {
    private let text = Mutex("")
    func add(_ bytes: some Sequence<UInt8>) { text.withLock { $0 += String(decoding: Array(bytes), as: UTF8.self) } }
    var all: String { text.withLock { $0 } }
  }

  @Test func onEveryLaneKeysDecide() throws {
    let reader = try add("reader", .stockRead)
    let front = try front()
    defer { front.close() }
    for _ in 0..<16 {
      #expect(try status(front, nil) == "401")
      #expect(try status(front, reader) == "404", "let in, and there is no such item")
      #expect(try status(front, reader + "x") == "401")
      #expect(try status(front, reader, "POST /stock/add/i1/1") == "403")
    }
    #expect(try status(front, nil, "GET /openapi.json") == "200")
    let challenge = try exchange("GET /stock/find/i1", front.httpEndpoint)
    #expect(challenge.contains("WWW-Authenticate: Bearer realm=\"kassa\"\r\n"))
    #expect(challenge.contains("Content-Type: application/problem+json"))
  }

  @Test(arguments: [("0.0.0.0", true, true), ("0.0.0.0", false, false), ("127.0.0.1", true, false)])
  func anOperatorPortOffLoopbackAsksForKeys(_ host: String, _ hasKeys: Bool, _ asks: Bool) throws {
    var settings = ServeSettings()
    settings.operatorPort.host = host
    settings.apiKeysFile = hasKeys ? path : nil
    #expect(try ServingOptions(settings).operatorAsksForKeys == asks)
  }

  @Test func theOperatorPortTellsMoreThanItsProbesToItsOwnKeysOnly() throws {
    let (operators, shop) = (try add("prometheus", .operatorRead), try add("shop", .ordersRead))
    let front = try front(asksOperators: true)
    defer { front.close() }
    func ask(_ path: String, _ header: String = "") throws -> String {
      try exchange("GET \(path)", front.operatorEndpoint, headers: header)
    }
    for path in ["/livez", "/readyz", "/startupz"] { #expect(try ask(path).hasPrefix("HTTP/1.1 200")) }
    for path in ["/", "/metrics", "/partitions"] {
      let refusal = try ask(path)
      #expect(refusal.hasPrefix("HTTP/1.1 401") && refusal.contains("WWW-Authenticate: Bearer realm=\"kassa\"\r\n"))
      #expect(try ask(path, "Authorization: Bearer \(operators)x\r\n").contains("error=\"invalid_token\""))
      let other = try ask(path, "X-API-Key: \(shop)\r\n")
      #expect(other.hasPrefix("HTTP/1.1 403") && other.contains("scope=\"operator:read\""))
      #expect(try ask(path, "Authorization: Bearer \(operators)\r\n").hasPrefix("HTTP/1.1 200"))
    }
    let act = try exchange("POST /reload", front.operatorEndpoint, headers: "X-API-Key: \(operators)\r\n")
    #expect(act.hasPrefix("HTTP/1.1 403") && act.contains("scope=\"operator:write\""))
    // One that is revoked looks no longer.
    try KeyFileAccess.revoke(try #require(CallerID("prometheus")), in: path)
    front.reload(journal(Lines()))
    #expect(eventually { (try? ask("/metrics", "X-API-Key: \(operators)\r\n"))?.hasPrefix("HTTP/1.1 401") == true })
  }

  @Test func keysAreReadAgainWhileItServes() throws {
    let first = try add("first", .stockRead)
    let front = try front()
    defer { front.close() }
    let lines = Lines()
    let second = try add("second", .stockRead)
    #expect(try status(front, second) == "401")
    front.reload(journal(lines))
    #expect(eventually { (try? status(front, second)) == "404" })
    try KeyFileAccess.revoke(try #require(CallerID("first")), in: path)
    front.reload(journal(lines))
    // Each lane comes to it by itself.
    #expect(eventually { (0..<16).allSatisfy { _ in (try? status(front, first)) == "401" } })
    #expect(lines.all.contains("API keys reloaded"))
    // A file that cannot be used changes nothing.
    try "nonsense".write(toFile: path, atomically: false, encoding: .utf8)
    front.reload(journal(lines))
    #expect(lines.all.contains("API keys could not be reloaded") && lines.all.contains("line 1"), "\(lines.all)")
    for _ in 0..<16 { #expect(try status(front, second) == "404") }
  }

  /// The operator port does what SIGHUP does, and says what became of it.
  @Test func thePortReadsKeysAgain() throws {
    let operators = try add("deploy", .operatorWrite)
    let front = try front(asksOperators: true)
    defer { front.close() }
    func reload() throws -> String {
      try exchange("POST /reload", front.operatorEndpoint, headers: "Authorization: Bearer \(operators)\r\n")
    }
    let second = try add("second", .stockRead)
    #expect(try status(front, second) == "401")
    let answer = try reload()
    #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("{\"read\":[\"api-keys\"]}"), "\(answer)")
    #expect(eventually { (try? status(front, second)) == "404" })
    try "nonsense".write(toFile: path, atomically: false, encoding: .utf8)
    let refusal = try reload()
    #expect(refusal.hasPrefix("HTTP/1.1 500") && refusal.contains("\"reload_failed\""), "\(refusal)")
    #expect(refusal.contains("api-keys could not be reloaded and stays as it was: \(path): line 1: "), "\(refusal)")
    #expect(try status(front, second) == "404")
  }

  @Test func theCertificateIsReadAgainWhileItServes() throws {
    let (certificate, key) = (folder.path + "/certificate", folder.path + "/key")
    func make() throws {
      let made = try run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
      ])
      try #require(made == "0")
    }
    try make()
    _ = try add("reader", .stockRead)
    try #require(chmod(key, 0o600) == 0)
    let front = try front {
      $0.tlsCertificateFile = certificate
      $0.tlsKeyFile = key
    }
    defer { front.close() }
    func trusts() throws -> Bool {
      try run(["curl", "-s", "-m", "10", "--cacert", certificate, "https://\(front.httpEndpoint)/openapi.json"]) == "0"
    }
    #expect(try trusts())
    try make()
    #expect(try !trusts(), "the server still uses the other one")
    let lines = Lines()
    front.reload(journal(lines))
    #expect(eventually { (0..<8).allSatisfy { _ in (try? trusts()) == true } })
    #expect(lines.all.contains("certificate reloaded") && lines.all.contains("API keys reloaded"))
    try "nonsense".write(toFile: key, atomically: false, encoding: .utf8)
    front.reload(journal(lines))
    #expect(lines.all.contains("certificate could not be reloaded"), "\(lines.all)")
    #expect(try trusts(), "the old one stays in force")
  }

  /// Runs a program of the system; its exit status.
  private func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return String(process.terminationStatus)
  }

  @Test func lanesShareTheBucketAndReadingAgainFillsNone() throws {
    let rate = try #require(CallerRate(perSecond: 1, burst: 8))
    let slow = try add("slow", .stockRead, rate: .own(rate))
    let front = try front()
    defer { front.close() }
    let lines = Lines()
    let statuses = try (0..<20).map { number in
      if number == 12 { front.reload(journal(lines)) }
      return try status(front, slow)
    }
    // A token comes back each second that the machine takes.
    let letIn = statuses.count { $0 == "404" }
    #expect((8...14).contains(letIn) && statuses.prefix(8).allSatisfy { $0 == "404" }, "\(statuses)")
    #expect(statuses.allSatisfy { $0 == "404" || $0 == "429" })
    let other = try exchange(
      "GET /stock/find/i1", front.httpEndpoint, headers: "X-API-Key: \(slow)\r\n")
    #expect(other.contains("429") ? other.contains("RateLimit-Policy: \"caller\";q=8;w=8\r\n") : other.contains("404"))
  }

  @Test func aFileThatCannotBeUsedIsAFailureOfTheStart() throws {
    #expect(throws: KeyFileFailure.self) { _ = try front() }
    _ = try add("a", .admin)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    let failure = #expect(throws: KeyFileFailure.self) { _ = try front() }
    #expect(failure?.description.contains("chmod 600") == true)
  }

  @Test func bothPortsKeepStrangePagesOut() throws {
    let front = try front { settings in
      settings.apiKeysFile = nil
      settings.hosts = ["shop.example"]
      settings.corsOrigins = ["https://desk.example"]
    }
    defer { front.close() }
    for (endpoint, path) in [(front.httpEndpoint, "/"), (front.operatorEndpoint, "/livez")] {
      func status(_ headers: String) throws -> String {
        String(try exchange("GET \(path)", endpoint, headers: headers).dropFirst("HTTP/1.1 ".count).prefix(3))
      }
      #expect(try status("") == "200")
      #expect(try status("Host: shop.example\r\n") == "200")
      #expect(try status("Host: evil.example\r\n") == "421")
      #expect(try status("Sec-Fetch-Site: cross-site\r\n") == "403")
      #expect(try status("Origin: http://evil.example\r\n") == "403")
    }
    let page = try exchange("GET /", front.httpEndpoint, headers: "Origin: https://desk.example\r\n")
    #expect(page.contains("Access-Control-Allow-Origin: https://desk.example\r\n"))
    let preflight = try exchange(
      "OPTIONS /payment/create_user", front.httpEndpoint,
      headers: "Origin: https://desk.example\r\nAccess-Control-Request-Method: POST\r\n")
    #expect(preflight.hasPrefix("HTTP/1.1 204") && preflight.contains("Access-Control-Allow-Methods: POST\r\n"))
    let operators = try exchange("GET /livez", front.operatorEndpoint, headers: "Origin: https://desk.example\r\n")
    #expect(operators.hasPrefix("HTTP/1.1 403"))
  }
}
