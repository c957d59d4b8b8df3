/// Recognizes the callers of one lane's requests by their tokens. Lane-confined.
///
/// A token that was found good is remembered until it expires, so that its signature is checked once.
final class TokenGate {
  private let authority: TokenAuthority
  private var known = RecentTokens()

  init(_ authority: TokenAuthority) { self.authority = authority }

  func caller(_ token: UnsafeBufferPointer<UInt8>) throws(TokenRefusal) -> Caller {
    if let entry = known.find(token) {
      try entry.grant.check(at: authority.seconds())
      if entry.caller.isDisplaced { entry.caller = authority.caller(entry.grant) }
      return entry.caller
    }
    let grant = try authority.grant(token)
    try grant.check(at: authority.seconds())
    let entry = RecentTokens.Entry(token, grant, authority.caller(grant))
    known.add(entry)
    return entry.caller
  }
}
