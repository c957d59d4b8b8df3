/// Everything that decides about tokens, as all lanes share it: keys, rules, and the buckets of the subjects.
package struct TokenAuthority: Sendable {
  /// Whether a key's owner signed these bytes. Costs about 50 microseconds.
  package typealias SignatureCheck =
    @Sendable (_ key: TokenKey, _ signed: UnsafeBufferPointer<UInt8>, _ signature: [UInt8]) -> Bool

  let keys: [TokenKey]
  let rules: TokenRules
  /// Of each subject; nil: unlimited.
  let rate: CallerRate?
  let buckets: SubjectBuckets
  let seconds: @Sendable () -> Int64
  let isGenuine: SignatureCheck

  /// - Parameters:
  ///   - rate: of each subject; nil: unlimited.
  ///   - buckets: the former ones, so that reloading keys fills none.
  ///   - seconds: since 1970, by the wall clock.
  package init(
    keys: [TokenKey], rules: TokenRules, rate: CallerRate?, buckets: SubjectBuckets,
    seconds: @escaping @Sendable () -> Int64, isGenuine: @escaping SignatureCheck
  ) {
    self.keys = keys
    self.rules = rules
    self.rate = rate
    self.buckets = buckets
    self.seconds = seconds
    self.isGenuine = isGenuine
  }

  package var keyCount: Int { keys.count }

  /// What a token grants, at any time. The signature is checked before any claim is read.
  func grant(_ bytes: UnsafeBufferPointer<UInt8>) throws(TokenRefusal) -> TokenRules.Grant {
    let token = try SignedToken(bytes)
    let key = try key(of: token)
    guard isGenuine(key, UnsafeBufferPointer(rebasing: bytes[..<token.signedCount]), token.signature) else {
      throw .signature
    }
    guard let payload = Base64URL.bytes(bytes[token.payload]) else { throw .malformed }
    return try rules.grant(payload)
  }

  /// The key with the token's algorithm and name. A token that names none means the only key, if there is just one.
  private func key(of token: SignedToken) throws(TokenRefusal) -> TokenKey {
    let possible = keys.filter { key in
      guard key.algorithm == token.algorithm else { return false }
      guard let id = token.keyID else { return true }
      return key.id?.utf8.elementsEqual(id.utf8) == true
    }
    guard possible.count == 1 else { throw .unknownKey }
    return possible[0]
  }

  /// A caller for a grant, with its subject's bucket.
  func caller(_ grant: TokenRules.Grant) -> Caller {
    // No id of an API key has a colon.
    let id = "jwt:\(grant.subject)"
    return Caller(
      id: id, scopes: grant.scopes, rate: rate,
      bucket: rate == nil ? SharedBucket() : buckets.bucket(of: grant.subject))
  }
}
