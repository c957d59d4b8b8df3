import JSON

/// The keys of a JWK Set (RFC 7517) that can be used: RSA keys of at least 2048 bits, and EC keys on P-256. Identity
/// providers' sets have others too, which are reported and ignored.
package struct TokenKeySet: Sendable {
  package struct Ignored: Hashable, Sendable {
    /// Its `kid`, shortened; nil if it has none.
    package let id: String?
    package let reason: String
  }

  /// Why a file is not a usable key set.
  package struct Failure: Error, Hashable, CustomStringConvertible {
    package let description: String
  }

  package static let bytesMax = 256 << 10
  package static let keysMax = 64
  package static let idBytesMax = 256
  package static let modulusBits = 2_048...8_192

  package let keys: [TokenKey]
  package let ignored: [Ignored]

  /// - Parameter isUsable: whether a key is one mathematically.
  /// - Throws: `Failure` if the text is no key set, has too many keys, no usable one, or two of the same `kid`.
  package init(_ text: [UInt8], isUsable: (TokenKey) -> Bool) throws(Failure) {
    guard let members = JSONValue(text)?["keys"]?.elements else {
      throw Failure(description: "not a JWK Set: a JSON object with the keys in the array \"keys\"")
    }
    guard members.count <= Self.keysMax else {
      throw Failure(description: "it has more than \(Self.keysMax) keys")
    }
    var keys: [TokenKey] = []
    var ignored: [Ignored] = []
    for member in members {
      do throws(Unusable) {
        let key = try Self.key(member)
        guard isUsable(key) else { throw Unusable("it is not a valid key") }
        keys.append(key)
      } catch {
        let id = member["kid"]?.text.map { String(decoding: $0.utf8.prefix(Self.idBytesMax), as: UTF8.self) }
        ignored.append(Ignored(id: id, reason: error.reason))
      }
    }
    guard !keys.isEmpty else {
      let first = ignored.first.map { "; the first of \(ignored.count): \($0.reason)" } ?? "; it has no keys at all"
      throw Failure(description: "no usable key: RSA with 2048 bits or more, or EC on P-256\(first)")
    }
    for (place, key) in keys.enumerated() {
      guard !keys[..<place].contains(where: { $0.id == key.id && $0.algorithm == key.algorithm }) else {
        let which = key.id.map { "with the kid '\($0)'" } ?? "without a kid"
        throw Failure(description: "two keys for \(key.algorithm.rawValue) \(which)")
      }
    }
    self.keys = keys
    self.ignored = ignored
  }

  // MARK: One key

  private struct Unusable: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  private static func key(_ member: JSONValue) throws(Unusable) -> TokenKey {
    guard case .object = member else { throw Unusable("it is not an object") }
    let id = try id(member)
    // A key that signs tokens does not belong on a server that only checks them.
    guard member["d"] == nil, member["k"] == nil else { throw Unusable("it is a secret key; use the public one") }
    if let use = member["use"], use != .string("sig") { throw Unusable("its use is not sig") }
    if let uses = member["key_ops"], uses.elements?.contains(.string("verify")) != true {
      throw Unusable("its key_ops lack verify")
    }
    let key = TokenKey(id: id, try material(member))
    if let algorithm = member["alg"], algorithm != .string(key.algorithm.rawValue) {
      throw Unusable("its alg is not \(key.algorithm.rawValue)")
    }
    return key
  }

  private static func id(_ member: JSONValue) throws(Unusable) -> String? {
    guard let value = member["kid"] else { return nil }
    guard let id = value.text, (1...idBytesMax).contains(id.utf8.count) else {
      throw Unusable("its kid is not a text of 1 to \(idBytesMax) bytes")
    }
    return id
  }

  private static func material(_ member: JSONValue) throws(Unusable) -> TokenKey.Material {
    switch member["kty"]?.text {
    case "RSA":
      guard let modulus = number(member["n"]), let exponent = number(member["e"]) else {
        throw Unusable("its n or e is not a number in base64url")
      }
      let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
      guard modulusBits.contains(bits) else {
        throw Unusable("it has \(bits) bits, not \(modulusBits.lowerBound) to \(modulusBits.upperBound)")
      }
      // An odd number above 1, as RFC 8017 demands; larger ones only cost time.
      guard exponent.count <= 4, exponent != [1], exponent.last.map({ $0 & 1 == 1 }) == true else {
        throw Unusable("its e is not an odd number above 1 of at most 32 bits")
      }
      return .rsa(modulus: modulus, exponent: exponent)
    case "EC":
      guard member["crv"]?.text == "P-256" else { throw Unusable("its crv is not P-256") }
      guard let x = member["x"]?.text.flatMap({ Base64URL.bytes($0.utf8) }), x.count == 32,
        let y = member["y"]?.text.flatMap({ Base64URL.bytes($0.utf8) }), y.count == 32
      else { throw Unusable("its x or y is not 32 bytes in base64url") }
      return .p256(x: x, y: y)
    default: throw Unusable("its kty is neither RSA nor EC")
    }
  }

  /// Big-endian, without leading zeros; nil if it is not a number, or zero.
  private static func number(_ value: JSONValue?) -> [UInt8]? {
    guard let bytes = value?.text.flatMap({ Base64URL.bytes($0.utf8) }) else { return nil }
    let number = Array(bytes.drop { $0 == 0 })
    return number.isEmpty ? nil : number
  }
}
