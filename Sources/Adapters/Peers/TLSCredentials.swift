import CGnuTLS

/// A certificate with its key and the authorities that others' certificates must come from, as GnuTLS holds them.
final class TLSCredentials {
  let pointer: gnutls_certificate_credentials_t

  /// - Throws: `PeerFailure` if one of the texts is not PEM of its kind, or the key is not the certificate's.
  init(_ texts: PeerCertificates.Texts) throws(PeerFailure) {
    var made: gnutls_certificate_credentials_t?
    guard gnutls_certificate_allocate_credentials(&made) == 0, let pointer = made else {
      throw PeerFailure(code: .system, message: "no memory for certificates")
    }
    self.pointer = pointer
    let trusted = GnuTLS.withDatum(texts.authorities) { kassa_tls_trust_memory(pointer, $0) }
    guard trusted > 0 else {
      throw PeerFailure(
        code: .certificates, message: "the authorities are not PEM certificates: \(GnuTLS.reason(trusted))")
    }
    let proved = GnuTLS.withDatum(texts.certificate) { certificate in
      GnuTLS.withDatum(texts.key) { kassa_tls_prove_memory(pointer, certificate, $0) }
    }
    guard proved >= 0 else {
      throw PeerFailure(
        code: .certificates, message: "the certificate and its key do not match: \(GnuTLS.reason(proved))")
    }
  }

  deinit { gnutls_certificate_free_credentials(pointer) }
}

/// What all uses of GnuTLS here share.
enum GnuTLS {
  static func reason(_ status: Int32) -> String {
    // Nothing was read, and nothing failed.
    if status == 0 { return "there is none" }
    return gnutls_strerror(status).map { String(cString: $0) } ?? "error \(status)"
  }

  /// Passes bytes to a function that reads them.
  static func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
    var bytes = bytes
    let count = UInt32(truncatingIfNeeded: bytes.count)
    return bytes.withUnsafeMutableBufferPointer { buffer in
      var datum = gnutls_datum_t(data: buffer.baseAddress, size: count)
      return body(&datum)
    }
  }
}
