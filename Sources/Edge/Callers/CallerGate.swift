/// Recognizes the callers of one lane's requests by what they present. Lane-confined.
///
/// A key is presented as `ID.SECRET`. The id alone identifies the caller, so finding it costs the same however many
/// keys there are; ids are not secret. The SHA-256 of the secret, compared in constant time, proves the identity. A
/// lane hashes a secret once; later it compares the presented secret with the one already checked, which costs a tenth.
///
/// A bearer token with two dots is a JSON Web Token (`TokenGate`).
package final class CallerGate {
  private var table: CallerTable
  /// nil: only keys are accepted.
  private var tokens: TokenGate?
  /// Callers that have presented their secret, with the secret. At most as many as there are keys.
  private var proved: [CallerID: Proof] = [:]

  private final class Proof {
    let caller: Caller
    let secret: [UInt8]

    init(_ caller: Caller, _ secret: [UInt8]) {
      self.caller = caller
      self.secret = secret
    }
  }

  /// Lengths of presented secrets: those `kassa api-keys` makes have 43 characters.
  package static let secretLengths = 16...128

  /// - Parameter tokens: nil: only keys are accepted.
  package init(_ table: CallerTable, tokens: TokenAuthority? = nil) {
    self.table = table
    self.tokens = tokens.map(TokenGate.init)
  }

  /// From now on other keys are valid, of callers and of the tokens' issuer: what was proved before must be proved
  /// again.
  package func replace(_ table: CallerTable, tokens: TokenAuthority? = nil) {
    self.table = table
    self.tokens = tokens.map(TokenGate.init)
    proved = [:]
  }

  package enum Refusal: Error, Hashable, Sendable {
    /// Nothing was presented.
    case nothing
    /// What was presented is not a key, or was presented twice.
    case malformed
    /// There is no such caller, or the secret is wrong: which of the two is not revealed.
    case unknown
    /// A token that is not accepted.
    case token(TokenRefusal)

    /// The `WWW-Authenticate` header. Without credentials it names no error (RFC 6750).
    package var challenge: String {
      switch self {
      case .nothing: "Bearer realm=\"kassa\""
      case .malformed, .unknown: "Bearer realm=\"kassa\", error=\"invalid_token\""
      case .token(let refusal):
        "Bearer realm=\"kassa\", error=\"invalid_token\", error_description=\"\(refusal.text)\""
      }
    }
  }

  /// The caller of a header's value: `Bearer ID.SECRET`, or a token after `Bearer`.
  package func caller(authorization value: UnsafeBufferPointer<UInt8>) throws(Refusal) -> Caller {
    let scheme: StaticString = "bearer "
    var start = scheme.utf8CodeUnitCount
    guard value.count > start else { throw .malformed }
    for place in 0..<start where value[place] | 0x20 != scheme.utf8Start[place] { throw .malformed }
    while start < value.count, value[start] == 0x20 { start += 1 }
    let presented = Self.withoutEnd(UnsafeBufferPointer(rebasing: value[start...]))
    guard let tokens, SignedToken.isOne(presented) else { return try caller(key: presented) }
    do throws(TokenRefusal) {
      return try tokens.caller(presented)
    } catch {
      throw .token(error)
    }
  }

  /// Without the blanks at its end.
  private static func withoutEnd(_ value: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var end = value.count
    while end > 0, value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
    return UnsafeBufferPointer(rebasing: value[..<end])
  }

  /// The caller of a key: `ID.SECRET`.
  package func caller(key value: UnsafeBufferPointer<UInt8>) throws(Refusal) -> Caller {
    let key = Self.withoutEnd(value)
    let end = key.count
    var dot = 0
    while dot < end, key[dot] != UInt8(ascii: ".") { dot += 1 }
    guard dot < end else { throw .malformed }
    let name = UnsafeBufferPointer(rebasing: key[..<dot])
    let secret = UnsafeBufferPointer(rebasing: key[(dot + 1)..<end])
    if let id = CallerID(unchecked: UnsafeRawBufferPointer(name)), let proof = proved[id],
      Self.isSame(proof.secret, secret)
    {
      return proof.caller
    }
    return try prove(name, secret)
  }

  /// The caller of a secret not seen before.
  private func prove(
    _ name: UnsafeBufferPointer<UInt8>, _ secret: UnsafeBufferPointer<UInt8>
  ) throws(Refusal) -> Caller {
    guard let id = CallerID(name), Self.secretLengths.contains(secret.count), secret.allSatisfy(Self.isOfSecret)
    else { throw .malformed }
    guard let caller = table.callers[id], let digest = caller.digest, SHA256Digest(of: secret).isSame(as: digest)
    else { throw .unknown }
    proved[id] = Proof(caller, Array(secret))
    return caller
  }

  private static func isSame(_ known: [UInt8], _ presented: UnsafeBufferPointer<UInt8>) -> Bool {
    known.withUnsafeBufferPointer { known in
      guard known.count == presented.count else { return false }
      var difference: UInt8 = 0
      for place in 0..<presented.count { difference |= known[place] ^ presented[place] }
      return difference == 0
    }
  }

  /// Characters of a bearer token, except the dot.
  private static func isOfSecret(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "~"),
      UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
      true
    default: false
    }
  }
}
