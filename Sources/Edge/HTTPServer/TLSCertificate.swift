import CGnuTLS
import CMicroHTTPD

/// A certificate and its key as GnuTLS holds them, so that new connections can use them instead of those that the
/// server was started with. `@unchecked Sendable` is safe: once made, they are only read.
public final class TLSCertificate: @unchecked Sendable {
  private let pointer: gnutls_certificate_credentials_t

  /// - Throws: `HTTPServerFailure` if they are not PEM, or the key is not the certificate's.
  public init(_ material: TLSMaterial) throws(HTTPServerFailure) {
    var made: gnutls_certificate_credentials_t?
    guard gnutls_certificate_allocate_credentials(&made) == 0, let pointer = made else {
      throw HTTPServerFailure(.system, "no memory for a certificate")
    }
    self.pointer = pointer
    let status = Self.withDatum(material.certificate) { certificate in
      Self.withDatum(material.key) { kassa_tls_prove_memory(pointer, certificate, $0) }
    }
    guard status >= 0 else {
      let reason = gnutls_strerror(status).map { String(cString: $0) } ?? "error \(status)"
      throw HTTPServerFailure(.badCertificate, "cannot use the certificate and its key: \(reason)")
    }
  }

  deinit { gnutls_certificate_free_credentials(pointer) }

  /// Makes a connection use this certificate, which has to live as long as it. Before its handshake. Returns whether
  /// the connection does.
  func apply(to connection: OpaquePointer) -> Bool {
    guard let session = kassa_connection_tls(connection) else { return false }
    return kassa_tls_use(OpaquePointer(session), pointer) == 0
  }

  private static func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
    var bytes = bytes
    let count = UInt32(clamping: bytes.count)
    return bytes.withUnsafeMutableBufferPointer { buffer in
      var datum = gnutls_datum_t(data: buffer.baseAddress, size: count)
      return body(&datum)
    }
  }
}
