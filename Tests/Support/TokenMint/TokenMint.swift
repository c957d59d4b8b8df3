import CGnuTLS

/// Issues tokens in tests, as an identity provider does: makes a key, shows its public half as JWK, and signs.
public final class TokenMint {
  public enum Kind: Sendable, CaseIterable { case rsa, p256 }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let kind: Kind
  public let id: String?
  private let key: gnutls_privkey_t

  /// - Parameter bits: of RSA.
  public init(_ kind: Kind, id: String? = "key-1", bits: UInt32 = 2_048) throws {
    self.kind = kind
    self.id = id
    var made: gnutls_privkey_t?
    try Self.check(gnutls_privkey_init(&made), "a private key")
    guard let made else { throw Failure(description: "no private key") }
    key = made
    switch kind {
    case .rsa: try Self.check(gnutls_privkey_generate(made, GNUTLS_PK_RSA, bits, 0), "RSA")
    // GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), which is a macro.
    case .p256:
      let curve = 1 << 31 | GNUTLS_ECC_CURVE_SECP256R1.rawValue
      try Self.check(gnutls_privkey_generate(made, GNUTLS_PK_ECDSA, UInt32(curve), 0), "P-256")
    }
  }

  deinit { gnutls_privkey_deinit(key) }

  public var algorithm: String { kind == .rsa ? "RS256" : "ES256" }

  /// The public key as a JWK.
  /// - Parameter more: members to add, as JSON: `,"use":"sig"`.
  public func jwk(_ more: String = "") throws -> String {
    let name = id.map { ",\"kid\":\"\($0)\"" } ?? ""
    var (first, second, secret) = (gnutls_datum_t(), gnutls_datum_t(), gnutls_datum_t())
    defer { Self.free(&first, &second, &secret) }
    switch kind {
    case .rsa:
      try Self.check(
        gnutls_privkey_export_rsa_raw(key, &first, &second, nil, nil, nil, nil, nil, nil), "an RSA key's numbers")
      return "{\"kty\":\"RSA\"\(name),\"n\":\"\(Self.text(first))\",\"e\":\"\(Self.text(second))\"\(more)}"
    case .p256:
      var curve = GNUTLS_ECC_CURVE_SECP256R1
      try Self.check(gnutls_privkey_export_ecc_raw(key, &curve, &first, &second, &secret), "a curve's point")
      let (x, y) = (Self.padded(first), Self.padded(second))
      return "{\"kty\":\"EC\",\"crv\":\"P-256\"\(name),\"x\":\"\(Self.base64(x))\",\"y\":\"\(Self.base64(y))\"\(more)}"
    }
  }

  /// A token with these claims, and the header that belongs to the key unless another is given.
  public func token(_ claims: String, header: String? = nil) throws -> String {
    let name = id.map { ",\"kid\":\"\($0)\"" } ?? ""
    let header = header ?? "{\"alg\":\"\(algorithm)\",\"typ\":\"JWT\"\(name)}"
    let signed = "\(Self.base64(Array(header.utf8))).\(Self.base64(Array(claims.utf8)))"
    return "\(signed).\(Self.base64(try sign(Array(signed.utf8))))"
  }

  /// The signature as tokens have it.
  public func sign(_ bytes: [UInt8]) throws -> [UInt8] {
    var bytes = bytes
    var signature = gnutls_datum_t()
    defer { kassa_tls_free(&signature) }
    let count = UInt32(bytes.count)
    let status = bytes.withUnsafeMutableBufferPointer { buffer in
      var data = gnutls_datum_t(data: buffer.baseAddress, size: count)
      let algorithm = kind == .rsa ? GNUTLS_SIGN_RSA_SHA256 : GNUTLS_SIGN_ECDSA_SHA256
      return gnutls_privkey_sign_data2(key, algorithm, 0, &data, &signature)
    }
    try Self.check(status, "a signature")
    guard kind == .p256 else { return Self.bytes(signature) }
    var (first, second, unused) = (gnutls_datum_t(), gnutls_datum_t(), gnutls_datum_t())
    defer { Self.free(&first, &second, &unused) }
    try Self.check(gnutls_decode_rs_value(&signature, &first, &second), "a signature's numbers")
    return Self.padded(first) + Self.padded(second)
  }

  // MARK: Bytes

  private static func free(_ a: inout gnutls_datum_t, _ b: inout gnutls_datum_t, _ c: inout gnutls_datum_t) {
    kassa_tls_free(&a)
    kassa_tls_free(&b)
    kassa_tls_free(&c)
  }

  public static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let bits = (0..<3).reduce(0) { $0 << 8 | ($1 < part.count ? Int(part[start + $1]) : 0) }
      for place in 0...part.count { text.append(alphabet[bits >> (18 - 6 * place) & 63]) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func bytes(_ datum: gnutls_datum_t) -> [UInt8] {
    Array(UnsafeBufferPointer(start: datum.data, count: Int(datum.size)))
  }

  /// GnuTLS writes a zero in front of a number whose first bit is set.
  private static func text(_ datum: gnutls_datum_t) -> String { base64(Array(bytes(datum).drop { $0 == 0 })) }

  private static func padded(_ datum: gnutls_datum_t) -> [UInt8] {
    let number = bytes(datum).drop { $0 == 0 }
    return Array(repeating: 0, count: 32 - number.count) + number
  }

  private static func check(_ status: Int32, _ what: String) throws {
    guard status < 0 else { return }
    throw Failure(description: "GnuTLS makes no \(what): \(gnutls_strerror(status).map { String(cString: $0) } ?? "")")
  }
}
