import Foundation
import Redis
import TestSupport
import Testing

/// `rediss://`, with certificates made for the test.
@Suite struct TLSTests {
  /// A folder with `cert.pem` and `key.pem` for a name, signed by itself.
  private func certificate(_ name: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", folder.path + "/key.pem", "-out",
      folder.path + "/cert.pem",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return folder
  }

  private func server(_ folder: TemporaryFolder, _ port: UInt16) throws -> RedisServer {
    try RedisServer([
      "--tls-port", String(port), "--tls-cert-file", folder.path + "/cert.pem", "--tls-key-file",
      folder.path + "/key.pem", "--tls-auth-clients", "no",
    ])
  }

  @Test func pricesTravelEncrypted() throws {
    let folder = try certificate("localhost")
    let port = try freePort()
    let server = try server(folder, port)
    let lane = try CacheOnLane("rediss://localhost:\(port)", authorities: folder.path + "/cert.pem")
    #expect(lane.isConnected)
    let ticket = lane.ticket
    for number in 0..<500 { lane.remember(Int64(number), "i\(number)", asked: ticket) }
    #expect(lane.prices((0..<500).map { "i\($0)" }) == (0..<500).map { Int64($0) })
    server.end()
    #expect(lane.price("i1") == nil)
    lane.end()
  }

  @Test func serversThatProveNothingAreRefused() throws {
    let (folder, other) = (try certificate("localhost"), try certificate("elsewhere"))
    let (port, otherPort) = (try freePort(), try freePort())
    let (right, wrong) = (try server(folder, port), try server(other, otherPort))
    for (url, authorities) in [
      // Another authority, another name, the system's authorities, no file, no TLS.
      ("rediss://localhost:\(port)", other.path + "/cert.pem"),
      ("rediss://localhost:\(otherPort)", other.path + "/cert.pem"), ("rediss://localhost:\(port)", nil),
      ("rediss://localhost:\(port)", folder.path + "/none"),
      ("rediss://localhost:\(right.port)", folder.path + "/cert.pem"),
    ] as [(String, String?)] {
      let lane = try CacheOnLane(url, authorities: authorities) { $0.connectMilliseconds = 300 }
      #expect(eventually { lane[.losses] >= 2 }, "\(url)")
      #expect(lane[.connects] == 0 && lane.price("a") == nil)
      lane.end()
    }
    for server in [right, wrong] { server.end() }
  }
}
