import JSON

/// A JSON Web Signature in its compact form (RFC 7515), read and not yet believed: `HEADER.PAYLOAD.SIGNATURE`.
struct SignedToken {
  let algorithm: TokenAlgorithm
  let keyID: String?
  /// How many of the token's bytes are signed: those before the second dot.
  let signedCount: Int
  let signature: [UInt8]
  /// Where the claims are, in base64url.
  let payload: Range<Int>

  /// Longer ones are refused unread. An access token with a long list of roles has 2 to 4 KiB.
  static let bytesMax = 8 << 10

  /// Whether a bearer token has the shape of one: an API key has one dot, an encrypted token has four.
  static func isOne(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.count { $0 == UInt8(ascii: ".") } == 2
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(TokenRefusal) {
    guard bytes.count <= Self.bytesMax else { throw .tooLong }
    let dot = UInt8(ascii: ".")
    guard let first = bytes.firstIndex(of: dot), let second = bytes.lastIndex(of: dot), first < second,
      let header = Base64URL.bytes(bytes[..<first]).flatMap({ JSONValue($0) }), case .object = header,
      let signature = Base64URL.bytes(bytes[(second + 1)...])
    else { throw .malformed }
    // Checked first: what must be understood may change the meaning of the rest.
    guard header["crit"] == nil else { throw .critical }
    guard let name = header["alg"]?.text else { throw .malformed }
    guard let algorithm = TokenAlgorithm(rawValue: name) else { throw .algorithm }
    if let type = header["typ"] {
      guard let type = type.text else { throw .malformed }
      guard Self.types.contains(type.lowercased()) else { throw .type }
    }
    if let id = header["kid"] {
      guard let id = id.text else { throw .malformed }
      keyID = id
    } else {
      keyID = nil
    }
    self.algorithm = algorithm
    self.signature = signature
    signedCount = second
    payload = (first + 1)..<second
  }

  /// Those of access tokens (RFC 9068), and of tokens that do not say what they are for.
  private static let types: Set<String> = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]
}
