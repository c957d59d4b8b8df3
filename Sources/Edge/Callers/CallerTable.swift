/// One caller, as all lanes share it: the owner of an API key, or the subject of a token.
package final class Caller: Sendable {
  /// A key's id, or `jwt:` and a token's subject: visible ASCII. It is unique.
  package let id: String
  package let scopes: CallerScopes
  /// nil: unlimited.
  package let rate: CallerRate?
  /// Of an API key's secret; nil for a token's subject.
  let digest: SHA256Digest?
  let bucket: SharedBucket

  init(id: String, scopes: CallerScopes, rate: CallerRate?, digest: SHA256Digest? = nil, bucket: SharedBucket) {
    self.id = id
    self.scopes = scopes
    self.rate = rate
    self.digest = digest
    self.bucket = bucket
  }

  /// The stored form of this caller's idempotency key.
  package func own(idempotencyKey text: String) -> String { Self.own(idempotencyKey: text, of: id) }

  /// The stored form of the idempotency key of the caller with an id, so that another caller's key with the same text
  /// is a different key: 160 bits of a hash of both. No id contains a NUL, so the hashed bytes are unambiguous.
  package static func own(idempotencyKey text: String, of id: String) -> String {
    SHA256Digest(of: "\(id)\0\(text)".utf8).shortText
  }

  /// Whether its bucket had to make room for another's (`SubjectBuckets`).
  var isDisplaced: Bool { bucket.isClosed }

  /// Takes a token from its bucket.
  /// - Parameter now: nanoseconds of a monotonic clock.
  package func take(at now: Int64) -> TokenBucket.Decision {
    guard let rate else { return .allowed(left: .max) }
    return bucket.take(at: now, rate)
  }
}

/// The callers of a file, found by id. Immutable: reloading a file makes a new one.
package final class CallerTable: Sendable {
  let callers: [CallerID: Caller]

  package var count: Int { callers.count }

  /// - Parameters:
  ///   - defaultRate: for callers without a rate in the file; nil: unlimited.
  ///   - older: the table whose buckets continue, so that reloading a file fills none.
  package init(_ file: KeyFile, defaultRate: CallerRate?, continuing older: CallerTable? = nil) {
    var callers: [CallerID: Caller] = [:]
    callers.reserveCapacity(file.keys.count)
    for key in file.keys {
      let rate: CallerRate? =
        switch key.rate {
        case .ofSettings: defaultRate
        case .unlimited: nil
        case .own(let rate): rate
        }
      callers[key.id] = Caller(
        id: key.id.description, scopes: key.scopes, rate: rate, digest: key.digest,
        bucket: older?.callers[key.id]?.bucket ?? SharedBucket())
    }
    self.callers = callers
  }
}
