import Callers
import Synchronization
import Testing
import TokenMint
import TokenSignatures

/// A gate that accepts the tokens of two keys, with a clock that a test sets.
final class Shop {
  static let issuer = "https://id.example/"
  static let audience = "kassa"
  static let now: Int64 = 1_700_000_000

  final class Clock: Sendable {
    private let seconds = Atomic<Int64>(Shop.now)
    var value: Int64 { seconds.load(ordering: .relaxed) }
    func set(_ value: Int64) { seconds.store(value, ordering: .relaxed) }
  }

  /// How often a signature was checked.
  final class Count: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add() { number.add(1, ordering: .relaxed) }
  }

  let rsa: TokenMint
  let curve: TokenMint
  let clock = Clock()
  let checks = Count()
  let buckets: SubjectBuckets
  private(set) var gate: CallerGate

  static let secret = String(repeating: "s", count: 43)

  init(rate: CallerRate? = nil, buckets: SubjectBuckets = SubjectBuckets(), scopeClaim: String = "scope") throws {
    rsa = try TokenMint(.rsa, id: "rsa")
    curve = try TokenMint(.p256, id: "curve")
    self.buckets = buckets
    gate = CallerGate(CallerTable(.none, defaultRate: nil))
    try accept([rsa, curve], rate: rate, scopeClaim: scopeClaim)
  }

  func authority(_ mints: [TokenMint], rate: CallerRate? = nil, scopeClaim: String = "scope") throws -> TokenAuthority {
    let keys = try mints.map { try $0.jwk() }.joined(separator: ",")
    let set = try TokenKeySet(Array("{\"keys\":[\(keys)]}".utf8), isUsable: TokenSignatures.isUsable)
    let checks = checks
    let clock = clock
    return TokenAuthority(
      keys: set.keys,
      rules: TokenRules(issuer: Self.issuer, audience: Self.audience, scopeClaim: scopeClaim), rate: rate,
      buckets: buckets, seconds: { clock.value },
      isGenuine: { key, signed, signature in
        checks.add()
        return TokenSignatures.isGenuine(key, signed, signature)
      })
  }

  /// From now on it accepts the tokens of these; and the API key `web`.
  func accept(_ mints: [TokenMint], rate: CallerRate? = nil, scopeClaim: String = "scope") throws {
    let digest = SHA256Digest(of: Self.secret.utf8)
    let table = CallerTable(try KeyFile("web \(digest) orders"), defaultRate: nil)
    gate.replace(table, tokens: try authority(mints, rate: rate, scopeClaim: scopeClaim))
  }

  /// Another lane's gate.
  func otherGate(rate: CallerRate? = nil) throws -> CallerGate {
    CallerGate(CallerTable(.none, defaultRate: nil), tokens: try authority([rsa, curve], rate: rate))
  }

  // MARK: Requests

  func caller(_ value: String, at gate: CallerGate? = nil) throws(CallerGate.Refusal) -> Caller {
    let bytes = Array("Bearer \(value)".utf8)
    let result: Result<Caller, CallerGate.Refusal> = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(CallerGate.Refusal) in try (gate ?? self.gate).caller(authorization: buffer) }
    }
    return try result.get()
  }

  /// The caller's id and scopes, or why it is refused.
  func told(_ value: String) -> String {
    do throws(CallerGate.Refusal) {
      let caller = try caller(value)
      return "\(caller.id) \(caller.scopes)"
    } catch {
      if case .token(let refusal) = error { return "\(refusal)" }
      return "\(error)"
    }
  }

  /// Claims that are good, with some replaced, added, or, with nil, left out.
  static func claims(_ changes: [String: String?] = [:]) -> String {
    var members: [String: String?] = [
      "iss": "\"\(issuer)\"", "aud": "\"\(audience)\"", "sub": "\"alice\"", "exp": "\(now + 300)",
      "scope": "\"orders:read stock:read\"",
    ]
    members.merge(changes) { $1 }
    return "{"
      + members.sorted { $0.key < $1.key }.compactMap { name, value in value.map { "\"\(name)\":\($0)" } }
      .joined(separator: ",") + "}"
  }
}
