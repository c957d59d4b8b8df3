import CGnuTLS
import Glibc

/// One end of TLS 1.3 between two byte streams: bytes from the network go in, bytes for the network come out. Both
/// ends must show a certificate that the authorities signed and that is now valid; no name is checked. Touches no
/// descriptor and never blocks.
final class TLSSession {
  enum Progress: Hashable {
    case bytes(Int)
    /// More must come from the network first.
    case again
    case ended
    /// The other end has no certificate that can be trusted.
    case distrusted
  }

  /// The network's side. GnuTLS keeps a pointer to it, so it lives as long as the session.
  private final class Wire {
    var input: [UInt8] = []
    var head = 0
    var output: [UInt8] = []

    func pull(into memory: UnsafeMutableRawBufferPointer) -> Int {
      let count = min(memory.count, input.count - head)
      input.withUnsafeBytes { memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[head..<head + count])) }
      head += count
      if head == input.count {
        input.removeAll(keepingCapacity: true)
        head = 0
      }
      return count
    }

    static func of(_ pointer: gnutls_transport_ptr_t?) -> Wire? {
      pointer.map { Unmanaged<Wire>.fromOpaque($0).takeUnretainedValue() }
    }
  }

  /// The most one record holds.
  static let recordBytes = 16_384

  private let session: gnutls_session_t
  private let credentials: TLSCredentials
  private let wire = Wire()
  private(set) var isReady = false

  /// - Returns: nil if there is no memory.
  init?(isClient: Bool, _ credentials: TLSCredentials) {
    var made: gnutls_session_t?
    guard kassa_tls_peer(&made, isClient ? 1 : 0, credentials.pointer) == 0, let session = made else { return nil }
    self.session = session
    self.credentials = credentials
    gnutls_transport_set_ptr(session, Unmanaged.passUnretained(wire).toOpaque())
    gnutls_transport_set_push_function(session) { pointer, bytes, count in
      guard let wire = Wire.of(pointer), let bytes else { return -1 }
      wire.output.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
      return count
    }
    gnutls_transport_set_pull_function(session) { pointer, bytes, count in
      guard let wire = Wire.of(pointer), let bytes else { return -1 }
      let taken = wire.pull(into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
      if taken == 0 {
        errno = EAGAIN
        return -1
      }
      return taken
    }
    gnutls_transport_set_pull_timeout_function(session) { pointer, _ in
      guard let wire = Wire.of(pointer) else { return -1 }
      return wire.head < wire.input.count ? 1 : 0
    }
  }

  deinit { gnutls_deinit(session) }

  /// Takes bytes from the network.
  func feed(_ bytes: UnsafeRawBufferPointer) { wire.input.append(contentsOf: bytes) }

  /// Moves out the bytes for the network.
  func takeOutput(into bytes: inout [UInt8]) {
    guard !wire.output.isEmpty else { return }
    if bytes.isEmpty { swap(&bytes, &wire.output) } else { bytes.append(contentsOf: wire.output) }
    wire.output.removeAll(keepingCapacity: true)
  }

  /// Continues the handshake. What it says, and why it failed, is in the output.
  func shakeHands() -> Progress {
    while true {
      let status = gnutls_handshake(session)
      if status == 0 {
        isReady = true
        return .bytes(0)
      }
      if kassa_tls_is_again(Int(status)) != 0 { return .again }
      // A warning, such as an unknown name: the handshake continues.
      if gnutls_error_is_fatal(status) == 0 { continue }
      gnutls_alert_send_appropriate(session, status)
      return kassa_tls_is_distrust(Int(status)) != 0 ? .distrusted : .ended
    }
  }

  /// Encrypts all the bytes into the output. Returns false if the session is over.
  func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = gnutls_record_send(session, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// Decrypts one record, at most.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Progress {
    let count = gnutls_record_recv(session, buffer.baseAddress, buffer.count)
    if count > 0 { return .bytes(count) }
    return kassa_tls_is_again(count) != 0 ? .again : .ended
  }
}
