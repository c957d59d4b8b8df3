import CGnuTLS

/// The result of a GnuTLS certificate step, as an error.
private func expect(_ status: Int32, _ what: String) throws(PeerFailure) {
  guard status >= 0 else { throw PeerFailure(code: .certificates, message: "\(what): \(GnuTLS.reason(status))") }
}

/// Takes a text that GnuTLS allocated.
private func text(
  _ what: String, _ export: (UnsafeMutablePointer<gnutls_datum_t>) -> Int32
) throws(PeerFailure) -> [UInt8] {
  var datum = gnutls_datum_t(data: nil, size: 0)
  try expect(export(&datum), what)
  defer { kassa_tls_free(&datum) }
  return Array(UnsafeBufferPointer(start: datum.data, count: Int(datum.size)))
}

/// A GnuTLS private key.
final class X509Key {
  let pointer: gnutls_x509_privkey_t

  private init() throws(PeerFailure) {
    var made: gnutls_x509_privkey_t?
    guard gnutls_x509_privkey_init(&made) == 0, let pointer = made else {
      throw PeerFailure(code: .system, message: "no memory for a key")
    }
    self.pointer = pointer
  }

  convenience init(pem: [UInt8]) throws(PeerFailure) {
    try self.init()
    try expect(GnuTLS.withDatum(pem) { kassa_x509_import_key(pointer, $0) }, "the authority's key")
  }

  deinit { gnutls_x509_privkey_deinit(pointer) }

  static func make() throws(PeerFailure) -> X509Key {
    let key = try X509Key()
    try expect(kassa_x509_make_key(key.pointer), "a new key")
    return key
  }

  func pem() throws(PeerFailure) -> [UInt8] { try text("a key's text") { kassa_x509_export_key(pointer, $0) } }
}

/// A GnuTLS certificate.
final class X509Certificate {
  let pointer: gnutls_x509_crt_t

  private init() throws(PeerFailure) {
    var made: gnutls_x509_crt_t?
    guard gnutls_x509_crt_init(&made) == 0, let pointer = made else {
      throw PeerFailure(code: .system, message: "no memory for a certificate")
    }
    self.pointer = pointer
  }

  convenience init(pem: [UInt8]) throws(PeerFailure) {
    try self.init()
    try expect(GnuTLS.withDatum(pem) { kassa_x509_import(pointer, $0) }, "the authority's certificate")
  }

  deinit { gnutls_x509_crt_deinit(pointer) }

  /// Until when it is valid, in seconds since 1970.
  ///
  /// - Throws: `PeerFailure` if it is unreadable.
  func end() throws(PeerFailure) -> Int {
    let end = gnutls_x509_crt_get_expiration_time(pointer)
    guard end >= 0 else { throw PeerFailure(code: .certificates, message: "the certificate has no end") }
    return end
  }

  /// Not signed yet. Begins an hour ago, for pods whose clocks are behind.
  static func make(
    _ name: String, _ key: X509Key, days: Int, from now: Int, isAuthority: Bool
  ) throws(PeerFailure) -> X509Certificate {
    let certificate = try X509Certificate()
    let pointer = certificate.pointer
    var serial = [UInt8](repeating: 0, count: 16)
    try expect(kassa_x509_random(&serial, UInt(serial.count)), "a random number")
    // Positive, and never with a leading zero.
    serial[0] = serial[0] & 0x7f | 0x40
    var identifier = [UInt8](repeating: 0, count: 64)
    var identifierBytes = identifier.count
    try expect(gnutls_x509_crt_set_version(pointer, 3), "the version")
    try expect(gnutls_x509_crt_set_serial(pointer, serial, serial.count), "the serial number")
    try expect(gnutls_x509_crt_set_activation_time(pointer, now - 3_600), "the begin")
    try expect(gnutls_x509_crt_set_expiration_time(pointer, now + days * 86_400), "the end")
    try expect(gnutls_x509_crt_set_dn(pointer, "CN=\(name)", nil), "the name")
    try expect(gnutls_x509_crt_set_key(pointer, key.pointer), "the key")
    try expect(gnutls_x509_crt_set_basic_constraints(pointer, isAuthority ? 1 : 0, isAuthority ? 0 : -1), "the kind")
    try expect(kassa_x509_set_usage(pointer, isAuthority ? 1 : 0), "the usage")
    try expect(gnutls_x509_crt_get_key_id(pointer, 0, &identifier, &identifierBytes), "the key's number")
    try expect(gnutls_x509_crt_set_subject_key_id(pointer, identifier, identifierBytes), "the key's number")
    return certificate
  }

  func sign(by issuer: X509Certificate, _ key: X509Key) throws(PeerFailure) {
    var identifier = [UInt8](repeating: 0, count: 64)
    var count = identifier.count
    try expect(gnutls_x509_crt_get_key_id(issuer.pointer, 0, &identifier, &count), "the authority's number")
    try expect(gnutls_x509_crt_set_authority_key_id(pointer, identifier, count), "the authority's number")
    try expect(kassa_x509_sign(pointer, issuer.pointer, key.pointer), "the signature")
  }

  func pem() throws(PeerFailure) -> [UInt8] { try text("a certificate's text") { kassa_x509_export(pointer, $0) } }
}
