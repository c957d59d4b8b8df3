import Model

/// Makes the ids of orders, items and users: 15 characters of `A–Z a–z 0–9`, which Swift's `String` stores inline.
enum EntityIDs {
  static let length = 15
  private static let alphabet: StaticString = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

  /// From 128 well-mixed bits: eight characters of one half and seven of the other, 89 bits in all.
  static func id(high: UInt64, low: UInt64) -> String {
    String(unsafeUninitializedCapacity: length) { buffer in
      var rest = high
      for place in 0..<length {
        if place == 8 { rest = low }
        buffer[place] = alphabet.utf8Start[Int(rest % 62)]
        rest /= 62
      }
      return length
    }
  }

  static func random(using generator: inout any RandomNumberGenerator) -> String {
    id(high: generator.next(), low: generator.next())
  }
}

/// Makes ids at random; under an idempotency key such that a repetition reaches the same partition. It remembers which
/// id the first request got, for as long as it remembers the key; after that the key means something new.
struct IDSource {
  /// Of the request and its key; nil without a key.
  let base: MurmurHash3?
  let partitioner: Partitioner
  var random: any RandomNumberGenerator

  /// An id for something new, and whether a repetition of the request would get the same one.
  mutating func newID() -> (id: String, freshness: Freshness) {
    guard let base else { return (EntityIDs.random(using: &random), .random) }
    let derived = EntityIDs.id(high: base.second, low: base.first)
    let partition = partitioner.index(of: derived)
    for _ in 0..<Self.triesAPartitionMax * partitioner.count {
      let id = EntityIDs.random(using: &random)
      if partitioner.index(of: id) == partition { return (id, .random) }
    }
    // With a good generator this happens once in 10^27 requests.
    return (derived, .derived)
  }

  /// How often an id is drawn again, by partitions; on average it is once.
  private static let triesAPartitionMax = 64

  /// As for ids, for the choices of a `batch_init`.
  mutating func newSeed() -> UInt64 { base?.second ?? random.next() }
}
