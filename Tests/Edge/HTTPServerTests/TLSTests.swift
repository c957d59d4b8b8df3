import Foundation
import HTTPServer
import Lanes
import TestSupport
import Testing

@Suite struct TLSTests {
  /// Runs a program of the system; its output, and whether it succeeded.
  private func run(_ arguments: [String]) throws -> (output: String, isSuccess: Bool) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.readAll()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus == 0)
  }

  private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

  @Test func handshakesAndAnswersOverTLS() throws {
    let folder = try TemporaryFolder()
    let made = try run([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
      "-keyout", "\(folder.path)/key.pem", "-out", "\(folder.path)/certificate.pem",
    ])
    try #require(made.isSuccess)
    let tls = TLSMaterial(
      certificate: try bytes("\(folder.path)/certificate.pem"), key: try bytes("\(folder.path)/key.pem"))
    let server = try TestServer(tls: tls)
    defer { server.end() }
    let url = "https://127.0.0.1:\(server.port)"
    let curl = ["curl", "-s", "-m", "10", "--cacert", "\(folder.path)/certificate.pem"]
    for version in ["1.2", "1.3"] {
      let flags = ["--tlsv\(version)", "--tls-max", version, "\(url)/now", "\(url)/later", "\(url)/none"]
      let answer = try run(curl + flags)
      #expect(answer.isSuccess)
      #expect(answer.output == "nowlater/none", "TLS \(version)")
    }
    let old = try run(curl + ["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0", "\(url)/now"])
    #expect(!old.isSuccess)
    let long = String(repeating: "x", count: 60_000)
    let echoed = try run(curl + ["-d", long, "\(url)/echo"])
    #expect(echoed.output.contains(" 60000 "))
    // Plain text on the port of TLS is refused, and the server goes on.
    let plain = try #require(RawClient(port: server.port))
    plain.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(plain.receiveUntilClosed())
    #expect(try run(curl + ["\(url)/now"]).output == "now")
    let smuggling = ["-H", "Transfer-Encoding : chunked", "-o", "/dev/null", "-w", "%{http_code}", "\(url)/now"]
    #expect(try run(curl + smuggling).output == "400")
  }

  /// Forward secrecy, and no suite that authenticates the plain text only.
  @Test func weakSuitesAreRefused() throws {
    let folder = try TemporaryFolder()
    let made = try run([
      "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
      "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder.path)/key.pem", "-out", "\(folder.path)/certificate.pem",
    ])
    try #require(made.isSuccess)
    let server = try TestServer(
      tls: TLSMaterial(
        certificate: try bytes("\(folder.path)/certificate.pem"), key: try bytes("\(folder.path)/key.pem")))
    defer { server.end() }
    let curl = ["curl", "-s", "-m", "10", "--cacert", "\(folder.path)/certificate.pem", "--tls-max", "1.2"]
    for (suite, isGood) in [
      ("ECDHE-RSA-AES128-GCM-SHA256", true), ("ECDHE-RSA-CHACHA20-POLY1305", true), ("AES128-GCM-SHA256", false),
      ("DHE-RSA-AES128-GCM-SHA256", false), ("ECDHE-RSA-AES128-SHA", false), ("ECDHE-RSA-AES256-SHA", false),
    ] {
      let answer = try run(curl + ["--ciphers", "\(suite):@SECLEVEL=0", "https://127.0.0.1:\(server.port)/now"])
      #expect(answer.isSuccess == isGood, "\(suite)")
    }
  }

  @Test func silentClientOfTLSIsClosedInTime() throws {
    let folder = try TemporaryFolder()
    let made = try run([
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-keyout", "\(folder.path)/key.pem", "-out", "\(folder.path)/certificate.pem",
    ])
    try #require(made.isSuccess)
    var limits = HTTPLimits()
    limits.requestMilliseconds = 200
    let tls = TLSMaterial(
      certificate: try bytes("\(folder.path)/certificate.pem"), key: try bytes("\(folder.path)/key.pem"))
    let server = try TestServer(limits, tls: tls)
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    client.send([0x16, 3, 1])
    #expect(client.receiveUntilClosed(milliseconds: 3_000))
  }

  /// A certificate that runs out is replaced while the server runs: open connections go on, new ones use the new one.
  @Test func aCertificateIsRenewedWhileItServes() throws {
    let folder = try TemporaryFolder()
    var materials: [TLSMaterial] = []
    for number in 0..<2 {
      let made = try run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", "\(folder.path)/key\(number)", "-out", "\(folder.path)/certificate\(number)",
      ])
      try #require(made.isSuccess)
      materials.append(
        TLSMaterial(
          certificate: try bytes("\(folder.path)/certificate\(number)"), key: try bytes("\(folder.path)/key\(number)")))
    }
    let server = try TestServer(tls: materials[0])
    defer { server.end() }
    func trusts(_ number: Int) throws -> Bool {
      try run([
        "curl", "-s", "-m", "10", "--cacert", "\(folder.path)/certificate\(number)",
        "https://127.0.0.1:\(server.port)/now",
      ]).output == "now"
    }
    #expect(try trusts(0) && !trusts(1))
    let renewed = try TLSCertificate(materials[1])
    server.onLane { $0.renew(renewed) }
    #expect(server.state.isIdle)
    #expect(try trusts(1) && !trusts(0))
    let crossed = TLSMaterial(certificate: materials[0].certificate, key: materials[1].key)
    #expect(throws: HTTPServerFailure.self) { try TLSCertificate(crossed) }
    #expect(throws: HTTPServerFailure.self) { try TLSCertificate(TLSMaterial(certificate: [], key: [])) }
  }

  @Test func badCertificateIsRefusedWithAReason() throws {
    let failure = #expect(throws: HTTPServerFailure.self) {
      _ = try TestServer(tls: TLSMaterial(certificate: Array("nonsense".utf8), key: Array("nonsense".utf8)))
    }
    #expect(failure?.code == .badCertificate)
    #expect(failure?.message.contains("certificate") == true)
  }
}
