import CGnuTLS

/// TLS on a connection to Redis: the server must prove its name with a trusted certificate. Never blocks.
final class TLSSession {
  enum Progress: Hashable {
    case bytes(Int)
    case again
    case ended
  }

  private let session: gnutls_session_t
  private let credentials: gnutls_certificate_credentials_t
  /// GnuTLS keeps the pointer.
  private let host: UnsafeMutablePointer<CChar>
  private(set) var isReady = false

  /// - Parameters:
  ///   - host: the name or address that the certificate must have.
  ///   - authorities: a PEM file of certificates to trust; nil trusts the system's.
  /// - Returns: nil if nothing can be trusted: the file cannot be read, or there is no memory.
  init?(descriptor: Int32, host: String, authorities: String?) {
    var (made, trust): (gnutls_session_t?, gnutls_certificate_credentials_t?) = (nil, nil)
    guard kassa_tls_client(&made) == 0, let session = made else { return nil }
    guard gnutls_certificate_allocate_credentials(&trust) == 0, let credentials = trust else {
      gnutls_deinit(session)
      return nil
    }
    self.session = session
    self.credentials = credentials
    let bytes = Array(host.utf8CString)
    self.host = .allocate(capacity: bytes.count)
    self.host.initialize(from: bytes, count: bytes.count)
    guard kassa_tls_trust(credentials, authorities) > 0, gnutls_set_default_priority(session) == 0,
      kassa_tls_use(session, credentials) == 0
    else { return nil }
    // An address cannot be sent as the server's name; it is checked anyway.
    if host.utf8.contains(where: { $0 | 0x20 > UInt8(ascii: "f") }) {
      _ = kassa_tls_name(session, self.host, UInt(host.utf8.count))
    }
    gnutls_session_set_verify_cert(session, self.host, 0)
    gnutls_transport_set_int2(session, descriptor, descriptor)
  }

  deinit {
    gnutls_deinit(session)
    gnutls_certificate_free_credentials(credentials)
    host.deallocate()
  }

  /// Continues the handshake; `again` until the server has answered, `ended` if it cannot be trusted.
  func shakeHands() -> Progress {
    let status = gnutls_handshake(session)
    if status == 0 { isReady = true }
    return status == 0 ? .bytes(0) : progress(Int(status))
  }

  /// Whether the handshake waits for the socket to accept more, not for the server.
  var wantsToWrite: Bool { gnutls_record_get_direction(session) == 1 }

  func send(_ bytes: UnsafeRawBufferPointer) -> Progress {
    progress(gnutls_record_send(session, bytes.baseAddress, bytes.count))
  }

  func receive(_ buffer: UnsafeMutableRawBufferPointer) -> Progress {
    progress(gnutls_record_recv(session, buffer.baseAddress, buffer.count))
  }

  /// Whether there are decrypted bytes that nobody has taken yet.
  var hasPending: Bool { gnutls_record_check_pending(session) > 0 }

  private func progress(_ status: Int) -> Progress {
    if status > 0 { return .bytes(status) }
    return kassa_tls_is_again(status) != 0 ? .again : .ended
  }
}
