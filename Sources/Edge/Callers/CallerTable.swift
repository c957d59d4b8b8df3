import Synchronization

/// One caller, as all lanes share it.
package final class Caller: Sendable {
  package let id: CallerID
  package let scopes: CallerScopes
  /// nil: unlimited.
  package let rate: CallerRate?
  let digest: SHA256Digest
  /// `TokenBucket.fullAt`. One for all lanes: a caller's connections are spread over them unevenly, so a share of the
  /// rate per lane would refuse a caller that keeps to it.
  private let fullAt: Atomic<Int64>

  init(id: CallerID, scopes: CallerScopes, rate: CallerRate?, digest: SHA256Digest, bucket: TokenBucket) {
    self.id = id
    self.scopes = scopes
    self.rate = rate
    self.digest = digest
    fullAt = Atomic(bucket.fullAt)
  }

  /// The stored form of this caller's idempotency key.
  package func own(idempotencyKey text: String) -> String { id.own(idempotencyKey: text) }

  var bucket: TokenBucket { TokenBucket(fullAt: fullAt.load(ordering: .relaxed)) }

  /// Takes a token from its bucket.
  /// - Parameter now: nanoseconds of a monotonic clock.
  package func take(at now: Int64) -> TokenBucket.Decision {
    guard let rate else { return .allowed(left: .max) }
    while true {
      let seen = fullAt.load(ordering: .relaxed)
      var bucket = TokenBucket(fullAt: seen)
      let decision = bucket.take(at: now, rate)
      if case .refused = decision { return decision }
      if fullAt.compareExchange(expected: seen, desired: bucket.fullAt, ordering: .relaxed).exchanged {
        return decision
      }
    }
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
        id: key.id, scopes: key.scopes, rate: rate, digest: key.digest,
        bucket: older?.callers[key.id]?.bucket ?? TokenBucket())
    }
    self.callers = callers
  }
}
