import Foundation
import Synchronization

/// A server that answers whatever a test wants: one connection after another, on a thread of its own.
final class FakeRedis: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let isEnding = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)
  /// Connections accepted.
  let connections = Atomic<Int>(0)

  /// - Parameter answer: the reply to each chunk of commands that came on a connection, counted from 0; nil hangs up.
  init(answer: @escaping @Sendable (_ chunk: Int) -> [UInt8]?) throws {
    (descriptor, port) = try listener()
    let thread = Thread { [self] in
      serve(answer)
      ended.signal()
    }
    thread.start()
  }

  var url: String { "redis://127.0.0.1:\(port)" }

  private func serve(_ answer: (Int) -> [UInt8]?) {
    while !isEnding.load(ordering: .relaxed) {
      let client = accept(descriptor, nil, nil)
      guard client >= 0 else { return }
      connections.add(1, ordering: .relaxed)
      var input = [UInt8](repeating: 0, count: 65_536)
      var chunk = 0
      while !isEnding.load(ordering: .relaxed), recv(client, &input, input.count, 0) > 0, let bytes = answer(chunk) {
        chunk += 1
        var sent = 0
        while sent < bytes.count {
          let count = bytes.withUnsafeBytes {
            send(client, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
          }
          guard count > 0 else { break }
          sent += count
        }
      }
      close(client)
    }
  }

  /// Ends the thread; the client must have hung up, or do so.
  func end() {
    isEnding.store(true, ordering: .relaxed)
    shutdown(descriptor, Int32(SHUT_RDWR))
    ended.wait()
    close(descriptor)
  }
}
