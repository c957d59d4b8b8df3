/// Knows the callers of one lane's requests by what they present. Lane-confined.
///
/// A key is presented as `ID.SECRET`. Who it is follows from the id alone, so finding it costs the same however many
/// keys there are; ids are no secrets. Whether it is them follows from the SHA-256 of the secret, compared in a time
/// that does not tell where it differs. A lane hashes a secret once: afterwards it compares the presented one with the
/// one that it has seen to be right, which costs a tenth.
package final class CallerGate {
  private var table: CallerTable
  private var proved: [CallerID: [UInt8]] = [:]

  /// Of the presented secret: what `kassa api-keys` makes has 43 characters.
  package static let secretLengths = 16...128

  package init(_ table: CallerTable) { self.table = table }

  /// From now on other keys hold: what was proved before has to be proved again.
  package func replace(_ table: CallerTable) {
    self.table = table
    proved = [:]
  }

  package enum Refusal: Error, Hashable, Sendable {
    /// Nothing was presented.
    case nothing
    /// What was presented is no key, or stands there twice.
    case malformed
    /// It is none of these callers', or not their secret: which of the two is not told.
    case unknown
  }

  /// The caller of a header's value: `Bearer ID.SECRET`.
  package func caller(authorization value: UnsafeBufferPointer<UInt8>) throws(Refusal) -> Caller {
    var rest = Self.trimmed(value)
    let scheme: StaticString = "bearer "
    guard rest.count > scheme.utf8CodeUnitCount else { throw .malformed }
    for place in 0..<scheme.utf8CodeUnitCount where rest[rest.startIndex + place] | 0x20 != scheme.utf8Start[place] {
      throw .malformed
    }
    rest = rest.dropFirst(scheme.utf8CodeUnitCount).drop { $0 == 0x20 }
    return try caller(key: UnsafeBufferPointer(rebasing: rest))
  }

  /// The caller of a key: `ID.SECRET`.
  package func caller(key: UnsafeBufferPointer<UInt8>) throws(Refusal) -> Caller {
    let key = UnsafeBufferPointer(rebasing: Self.trimmed(key))
    guard let dot = key.firstIndex(of: UInt8(ascii: ".")), let id = CallerID(key[..<dot]) else { throw .malformed }
    let secret = UnsafeBufferPointer(rebasing: key[(dot + 1)...])
    guard Self.secretLengths.contains(secret.count), secret.allSatisfy(Self.isOfSecret) else { throw .malformed }
    guard let caller = table.callers[id] else { throw .unknown }
    if let known = proved[id], Self.isSame(known, secret) { return caller }
    guard SHA256Digest(of: secret).isSame(as: caller.digest) else { throw .unknown }
    // As many as there are keys at most.
    proved[id] = Array(secret)
    return caller
  }

  private static func isSame(_ known: [UInt8], _ presented: UnsafeBufferPointer<UInt8>) -> Bool {
    guard known.count == presented.count else { return false }
    var difference: UInt8 = 0
    for place in 0..<known.count { difference |= known[place] ^ presented[place] }
    return difference == 0
  }

  private static func trimmed(_ value: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>> {
    var rest = value[...]
    while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
    return rest
  }

  /// What a bearer token may consist of, without the dot.
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
