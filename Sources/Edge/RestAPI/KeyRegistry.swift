import Model
import Synchronization

/// Remembers what recent idempotency keys were used for, on all lanes of a process together.
///
/// A key reused for another request is refused with 422. The partition where the key was used decides: it keeps the key
/// with its state, so its memory survives crashes and is shared by all pods. But a key that is first used for an order
/// and then for a user meets two partitions that know nothing of each other; this registry catches that mistake. It is
/// advisory: bounded, forgotten at a restart, one per process. It only ever refuses more, and never remembers longer
/// than the partitions do. A request that no partition took gives its key back.
public final class KeyRegistry: Sendable {
  /// Two generations: when the newer one is full or old, it becomes the older one, and that is forgotten.
  private struct Generations {
    var newer: [IdempotencyKey: Use] = [:]
    var older: [IdempotencyKey: Use] = [:]
    var newerSince: Int64 = 0
    /// Every key of the older generation was added at this time or later.
    var olderSince: Int64 = 0
  }

  private struct Use {
    let fingerprint: UInt64
    /// Requests under the key that were taken, or may yet be.
    var requests = 1
  }

  private let generations = Mutex(Generations())
  private let generationKeysMax: Int
  private let generationMilliseconds: Int64

  /// - Parameters:
  ///   - generationKeysMax: keys of one generation; at most twice as many are remembered.
  ///   - expiryMilliseconds: how long the partitions remember a key.
  public init(generationKeysMax: Int = 65_536, expiryMilliseconds: Int64 = 24 * 60 * 60 * 1_000) {
    self.generationKeysMax = max(generationKeysMax, 1)
    generationMilliseconds = max(expiryMilliseconds / 2, 1)
  }

  /// Whether the key is free, or was used for the same request; remembers it if so.
  public func admit(_ token: IdempotencyToken, nowMilliseconds now: Int64) -> Bool {
    generations.withLock { state in
      if state.newer.count >= generationKeysMax || now - state.newerSince >= generationMilliseconds {
        state.older = state.newer
        state.olderSince = state.newerSince
        state.newer = [:]
        state.newerSince = now
      }
      if now - state.olderSince >= 2 * generationMilliseconds { state.older = [:] }
      if let isSame = Self.use(token, in: &state.newer) ?? Self.use(token, in: &state.older) { return isSame }
      state.newer[token.key] = Use(fingerprint: token.fingerprint)
      return true
    }
  }

  /// A request was admitted, but nothing was done for it: if no other one used its key, the key is free again.
  public func giveBack(_ token: IdempotencyToken) {
    generations.withLock { state in
      if !Self.giveBack(token, to: &state.newer) { _ = Self.giveBack(token, to: &state.older) }
    }
  }

  /// Whether the key is used for the same request, which is then counted; nil if the key is unknown.
  private static func use(_ token: IdempotencyToken, in uses: inout [IdempotencyKey: Use]) -> Bool? {
    guard let use = uses[token.key] else { return nil }
    guard use.fingerprint == token.fingerprint else { return false }
    uses[token.key]?.requests += 1
    return true
  }

  /// Returns whether the key is known for this request.
  private static func giveBack(_ token: IdempotencyToken, to uses: inout [IdempotencyKey: Use]) -> Bool {
    guard let use = uses[token.key], use.fingerprint == token.fingerprint else { return false }
    if use.requests > 1 { uses[token.key]?.requests -= 1 } else { uses[token.key] = nil }
    return true
  }
}
