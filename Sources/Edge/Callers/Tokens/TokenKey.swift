/// How a token is signed. No others are accepted, least of all `none` and those that use the public key as a secret.
package enum TokenAlgorithm: String, Hashable, Sendable {
  /// RSA of PKCS #1 version 1.5 with SHA-256.
  case rs256 = "RS256"
  /// ECDSA on P-256 with SHA-256.
  case es256 = "ES256"
}

/// A public key of the tokens' issuer.
package struct TokenKey: Hashable, Sendable {
  package enum Material: Hashable, Sendable {
    /// Big-endian, without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// A point, 32 bytes each.
    case p256(x: [UInt8], y: [UInt8])
  }

  /// Its `kid`.
  package let id: String?
  package let material: Material

  package init(id: String?, _ material: Material) {
    self.id = id
    self.material = material
  }

  /// The only algorithm that the key is for: the key decides, not the token.
  package var algorithm: TokenAlgorithm {
    switch material {
    case .rsa: .rs256
    case .p256: .es256
    }
  }
}
