import CGnuTLS
import Callers

/// Signatures of JSON Web Tokens, as GnuTLS checks them.
///
/// A key is created for each check, and takes a tenth of its time: GnuTLS does not promise that threads may share it.
package enum TokenSignatures {
  /// Whether GnuTLS can use a key; for one on a curve, whether it is a point of the curve.
  package static func isUsable(_ key: TokenKey) -> Bool {
    guard let key = PublicKey(key) else { return false }
    return gnutls_pubkey_verify_params(key.pointer) >= 0
  }

  /// Whether a key's owner signed these bytes, with the one algorithm that the key is for.
  package static func isGenuine(
    _ key: TokenKey, _ signed: UnsafeBufferPointer<UInt8>, _ signature: [UInt8]
  ) -> Bool {
    switch key.material {
    case .rsa(let modulus, _):
      // RFC 7518: as long as the modulus, no less and no more.
      guard signature.count == modulus.count, let key = PublicKey(key) else { return false }
      return withDatum(signature) { key.verifies(signed, $0, isRSA: true) }
    case .p256(let x, _):
      guard signature.count == 2 * x.count, let key = PublicKey(key) else { return false }
      return withEncoded(signature) { key.verifies(signed, $0, isRSA: false) }
    }
  }

  /// An ECDSA signature as GnuTLS wants it; tokens have the two numbers one after the other.
  private static func withEncoded(
    _ signature: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Bool
  ) -> Bool {
    let half = signature.count / 2
    var encoded = gnutls_datum_t()
    let status = withDatum(Array(signature[..<half])) { first in
      withDatum(Array(signature[half...])) { gnutls_encode_rs_value(&encoded, first, $0) }
    }
    guard status >= 0 else { return false }
    defer { kassa_tls_free(&encoded) }
    return body(&encoded)
  }

  fileprivate static func withDatum<Result>(
    _ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result
  ) -> Result {
    var bytes = bytes
    let count = UInt32(clamping: bytes.count)
    return bytes.withUnsafeMutableBufferPointer { buffer in
      var datum = gnutls_datum_t(data: buffer.baseAddress, size: count)
      return body(&datum)
    }
  }
}

/// A key of GnuTLS.
private final class PublicKey {
  let pointer: gnutls_pubkey_t

  /// nil if it is not a key.
  init?(_ key: TokenKey) {
    var made: gnutls_pubkey_t?
    guard gnutls_pubkey_init(&made) >= 0, let made else { return nil }
    pointer = made
    let status =
      switch key.material {
      case .rsa(let modulus, let exponent):
        TokenSignatures.withDatum(modulus) { modulus in
          TokenSignatures.withDatum(exponent) { gnutls_pubkey_import_rsa_raw(made, modulus, $0) }
        }
      case .p256(let x, let y):
        TokenSignatures.withDatum(x) { x in
          TokenSignatures.withDatum(y) { kassa_pubkey_import_p256(made, x, $0) }
        }
      }
    guard status >= 0 else { return nil }
  }

  deinit { gnutls_pubkey_deinit(pointer) }

  func verifies(
    _ signed: UnsafeBufferPointer<UInt8>, _ signature: UnsafePointer<gnutls_datum_t>, isRSA: Bool
  ) -> Bool {
    // GnuTLS only reads what the C type lets it write.
    var data = gnutls_datum_t(
      data: UnsafeMutablePointer(mutating: signed.baseAddress), size: UInt32(clamping: signed.count))
    return kassa_pubkey_verify(pointer, isRSA ? 1 : 0, &data, signature) >= 0
  }
}
