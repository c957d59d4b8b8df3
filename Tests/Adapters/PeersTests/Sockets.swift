import Foundation
import Lanes
import Synchronization
import TestSupport

@testable import Peers

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

/// A socket that listens on a free port; who connects is not read from.
func listener() -> (descriptor: Int32, port: UInt16) {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  _ = withLoopback(0) { bind(descriptor, $0, $1) }
  listen(descriptor, 16)
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  _ = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// A plain TCP connection; -1 when nobody listens.
func connection(to port: UInt16) -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else {
    close(descriptor)
    return -1
  }
  return descriptor
}

func write(_ bytes: [UInt8], to descriptor: Int32) {
  _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
}

/// Carries connections to another port, on a thread, and cuts them when told.
final class Proxy: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let target: UInt16
  private let isEnding = Atomic<Bool>(false)
  private let isCutting = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  init(to target: UInt16) {
    (descriptor, port) = listener()
    self.target = target
    Thread { [self] in
      run()
      ended.signal()
    }.start()
  }

  /// Cuts all connections that are there.
  func cut() { isCutting.store(true, ordering: .relaxed) }

  func end() {
    isEnding.store(true, ordering: .relaxed)
    ended.wait()
  }

  private func run() {
    var pairs: [(Int32, Int32)] = []
    while !isEnding.load(ordering: .relaxed) {
      var polls = ([descriptor] + pairs.flatMap { [$0.0, $0.1] }).map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      poll(&polls, nfds_t(polls.count), 1)
      if isCutting.exchange(false, ordering: .relaxed) {
        for pair in pairs { for one in [pair.0, pair.1] { close(one) } }
        pairs = []
        continue
      }
      var alive: [(Int32, Int32)] = []
      for (index, pair) in pairs.enumerated() {
        let isAlive =
          (polls[2 * index + 1].revents == 0 || Self.carry(pair.0, pair.1))
          && (polls[2 * index + 2].revents == 0 || Self.carry(pair.1, pair.0))
        if isAlive { alive.append(pair) } else { for one in [pair.0, pair.1] { close(one) } }
      }
      pairs = alive
      if polls[0].revents != 0 {
        let client = accept(descriptor, nil, nil)
        let server = connection(to: target)
        if server >= 0 { pairs.append((client, server)) } else { close(client) }
      }
    }
    for pair in pairs { for one in [pair.0, pair.1] { close(one) } }
    close(descriptor)
  }

  private static func carry(_ from: Int32, _ to: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(from, &bytes, bytes.count, 0)
    guard count > 0 else { return false }
    var sent = 0
    while sent < count {
      let more = bytes.withUnsafeBytes {
        send(to, $0.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
      }
      guard more > 0 else { return false }
      sent += more
    }
    return true
  }
}

/// A plain TCP connection to a pod that says whatever a test wants.
final class RawLink {
  let descriptor: Int32
  private var reader = PacketReader()
  /// Whether the pod has ended the connection.
  private(set) var isEnded = false

  init(_ port: UInt16) { descriptor = connection(to: port) }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) { write(bytes, to: descriptor) }

  /// The next packet, behind its length; nil when there is none yet.
  func receive() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    if count > 0 { bytes.withUnsafeBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) } }
    if count == 0 || (count < 0 && errno != EAGAIN) { isEnded = true }
    guard case .packet(let range) = reader.next(bytesMax: 1 << 20) else { return nil }
    return reader.withBytes(range) { Array($0) }
  }

  /// Waits for a packet of a kind; others are passed over.
  func awaits(_ kind: Packet.Kind) -> [UInt8]? {
    var answer: [UInt8]?
    _ = eventually {
      if let packet = receive(), packet.count > 3, packet[3] == kind.rawValue { answer = packet }
      return answer != nil || isEnded
    }
    return answer
  }

  var isEndedEventually: Bool {
    eventually {
      while receive() != nil {}
      return isEnded
    }
  }
}
