import Glibc
import Lanes

/// One end of a TCP connection that carries frames behind their length in four bytes, and nothing else: no numbers, no
/// acknowledgements, no credits, no keys. What the mesh is compared with. Lane-confined.
final class PlainEnd {
  private let descriptor: Int32
  private var watch: FileWatch?
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private let handler: (UnsafeRawBufferPointer, PlainEnd) -> Void

  init(_ lane: Lane, _ descriptor: Int32, _ handler: @escaping (UnsafeRawBufferPointer, PlainEnd) -> Void) throws {
    self.descriptor = descriptor
    self.handler = handler
    watch = try lane.watch(descriptor, for: .readable) { _ in self.receive() }
  }

  func send(_ frame: UnsafeRawBufferPointer) {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: frame.count).littleEndian) { output.append(contentsOf: $0) }
    output.append(contentsOf: frame)
  }

  /// Few enough bytes are under way for the socket to take them at once.
  func flush() {
    guard !output.isEmpty else { return }
    let count = Glibc.send(descriptor, output, output.count, Int32(MSG_NOSIGNAL))
    precondition(count == output.count, "the socket takes what one round sends")
    output.removeAll(keepingCapacity: true)
  }

  private func receive() {
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return close() }
      input.append(contentsOf: buffer[..<count])
    }
    var start = 0
    input.withUnsafeBytes { bytes in
      while bytes.count - start >= 4 {
        let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
        guard bytes.count - start - 4 >= length else { return }
        handler(UnsafeRawBufferPointer(rebasing: bytes[start + 4..<start + 4 + length]), self)
        start += 4 + length
      }
    }
    input.removeFirst(start)
    flush()
  }

  func close() {
    guard let watch else { return }
    watch.close()
    self.watch = nil
    Glibc.close(descriptor)
  }
}

/// Two connected sockets over 127.0.0.1.
func connectedPair() -> (Int32, Int32) {
  let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
      precondition(bind(listener, address, length) == 0 && listen(listener, 1) == 0)
      getsockname(listener, address, &length)
      precondition(connect(client, address, length) == 0)
    }
  }
  let server = accept(listener, nil, nil)
  close(listener)
  var one: Int32 = 1
  for descriptor in [client, server] {
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }
  return (client, server)
}
