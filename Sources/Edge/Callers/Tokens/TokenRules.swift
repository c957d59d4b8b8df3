import JSON

/// What a token has to claim (RFC 7519), and what its claims allow.
package struct TokenRules: Hashable, Sendable {
  package let issuer: String
  package let audience: String
  /// The claim with the scopes: a text with spaces between them (RFC 8693), or an array of texts.
  package let scopeClaim: String

  /// How far the issuer's clock may be off, in both directions.
  package static let leewaySeconds: Int64 = 60
  /// The longest subject, in bytes.
  package static let subjectBytesMax = 128
  /// The year 9999: later times are no times.
  static let secondsMax: Int64 = 253_402_300_799

  package init(issuer: String, audience: String, scopeClaim: String) {
    self.issuer = issuer
    self.audience = audience
    self.scopeClaim = scopeClaim
  }

  /// What a token grants, to whom, and when: seconds since 1970, the leeway included.
  struct Grant: Hashable, Sendable {
    let subject: String
    let scopes: CallerScopes
    /// From this second on.
    let start: Int64
    /// Before this second.
    let end: Int64

    func check(at seconds: Int64) throws(TokenRefusal) {
      guard seconds < end else { throw .expired }
      guard seconds >= start else { throw .notYetValid }
    }
  }

  /// The grant of a token's payload, at any time.
  /// - Throws: `TokenRefusal` if it is not for this server, or claims something of a wrong type.
  func grant(_ payload: [UInt8]) throws(TokenRefusal) -> Grant {
    guard let claims = JSONValue(payload), case .object = claims else { throw .malformed }
    guard let issuer = claims["iss"]?.text, Self.isSame(issuer, self.issuer) else { throw .issuer }
    guard Self.texts(claims["aud"]).contains(where: { Self.isSame($0, audience) }) else { throw .audience }
    guard let expiry = try Self.time(claims["exp"]) else { throw .malformed }
    let starts = [try Self.time(claims["nbf"]), try Self.time(claims["iat"])].compactMap { $0 }
    guard let subject = claims["sub"]?.text, (1...Self.subjectBytesMax).contains(subject.utf8.count),
      subject.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { throw .subject }
    return Grant(
      subject: subject, scopes: try scopes(claims[scopeClaim]),
      start: (starts.max() ?? 0) - Self.leewaySeconds, end: expiry + Self.leewaySeconds)
  }

  /// Scopes that mean nothing here are for others.
  private func scopes(_ claim: JSONValue?) throws(TokenRefusal) -> CallerScopes {
    var scopes: CallerScopes = []
    switch claim {
    case nil: break
    case .string(let text):
      for name in text.split(separator: " ") { scopes.formUnion(CallerScopes(name: name) ?? []) }
    case .array(let elements):
      for element in elements {
        guard let name = element.text else { throw .malformed }
        scopes.formUnion(CallerScopes(name: name[...]) ?? [])
      }
    default: throw .malformed
    }
    return scopes
  }

  /// One text or an array of them; anything else has none.
  private static func texts(_ claim: JSONValue?) -> [String] {
    claim?.text.map { [$0] } ?? claim?.elements?.compactMap(\.text) ?? []
  }

  /// Byte for byte: Swift considers some characters equal that an issuer does not.
  private static func isSame(_ given: String, _ expected: String) -> Bool { given.utf8.elementsEqual(expected.utf8) }

  /// A time in seconds since 1970, which may have a fraction; nil without one.
  private static func time(_ claim: JSONValue?) throws(TokenRefusal) -> Int64? {
    let seconds: Int64? =
      switch claim {
      case nil: nil
      case .number(let seconds): seconds
      case .real(let seconds): Int64(exactly: seconds.rounded(.down))
      default: nil
      }
    guard claim != nil else { return nil }
    guard let seconds, (0...secondsMax).contains(seconds) else { throw .malformed }
    return seconds
  }
}
