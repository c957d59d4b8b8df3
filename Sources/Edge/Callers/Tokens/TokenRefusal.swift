/// Why a token is not accepted. Only the holder of a token that the issuer signed learns why its claims are refused.
package enum TokenRefusal: Error, Hashable, Sendable, CaseIterable {
  case tooLong
  /// It is not three parts in base64url, its header or claims are not a JSON object, or one of them has a wrong type.
  case malformed
  /// It is not signed, or by an algorithm that is not accepted.
  case algorithm
  /// It is made for another purpose: its `typ` is that of neither an access token nor a JSON Web Token.
  case type
  /// It demands that an unknown extension be understood.
  case critical
  case unknownKey
  case signature
  case issuer
  case audience
  case expired
  case notYetValid
  case subject

  /// For `error_description`: ASCII without quotes and backslashes (RFC 6750, section 3).
  package var text: StaticString {
    switch self {
    case .tooLong: "the token is too long"
    case .malformed: "the token is malformed"
    case .algorithm: "the token is not signed with RS256 or ES256"
    case .type: "the token has another type"
    case .critical: "the token demands an unknown extension"
    case .unknownKey: "the token is signed with an unknown key"
    case .signature: "the signature of the token is wrong"
    case .issuer: "the token has another issuer"
    case .audience: "the token is for another audience"
    case .expired: "the token has expired"
    case .notYetValid: "the token is not valid yet"
    case .subject: "the token has no usable subject"
    }
  }
}
