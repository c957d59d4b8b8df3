import Foundation
import TestSupport

/// A real redis-server on a free port, without persistence, ended with the last reference.
final class RedisServer {
  let port: UInt16
  let folder: TemporaryFolder
  private let process = Process()

  /// - Parameter arguments: further settings, as `redis-server` takes them.
  init(port: UInt16? = nil, _ arguments: [String] = []) throws {
    self.port = try port ?? freePort()
    folder = try TemporaryFolder()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [
        "redis-server", "--port", String(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", folder.path, "--unixsocket", folder.path + "/redis.sock",
      ] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    guard eventually({ connection(to: self.port).map { close($0) } != nil }) else { throw Failure.notThere }
  }

  enum Failure: Error { case notThere }

  deinit { end() }

  var url: String { "redis://127.0.0.1:\(port)" }

  func end() {
    guard process.isRunning else { return }
    signal(SIGKILL)
    process.waitUntilExit()
  }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// What Redis answers to a line; "" when it does not.
  @discardableResult
  func ask(_ line: String) -> String {
    guard let descriptor = connection(to: port) else { return "" }
    defer { close(descriptor) }
    let bytes = Array("\(line)\r\n".utf8)
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    var answer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &answer, answer.count, 0)
    return String(decoding: answer.prefix(max(count, 0)), as: UTF8.self)
  }
}

/// Gives `body` the address of 127.0.0.1 with a port.
private func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

/// A socket that listens on a free port.
func listener() throws -> (descriptor: Int32, port: UInt16) {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard withLoopback(0, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
    throw RedisServer.Failure.notThere
  }
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  _ = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  return (descriptor, UInt16(bigEndian: address.sin_port))
}

func freePort() throws -> UInt16 {
  let (descriptor, port) = try listener()
  close(descriptor)
  return port
}

/// A connection, nil when nobody listens.
func connection(to port: UInt16) -> Int32? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else {
    close(descriptor)
    return nil
  }
  return descriptor
}
