import Model
import Synchronization

/// Remembers what recent idempotency keys were used for, on all lanes of a process together.
///
/// A key that is used again for another request is refused with 422. What decides is the partition that the key was
/// used at: it keeps the key with its state, so its memory survives crashes and is shared by all pods. But a key that
/// is first used for an order and then for a user meets two partitions that know nothing of each other; this registry
/// catches that mistake. It is advisory: bounded, forgotten at a restart, one a process. It only ever refuses more, and
/// never remembers longer than the partitions do.
public final class KeyRegistry: Sendable {
  /// Two generations: when the newer one is full or old, it becomes the older one, and that is forgotten.
  private struct Generations {
    var newer: [IdempotencyKey: UInt64] = [:]
    var older: [IdempotencyKey: UInt64] = [:]
    var newerSince: Int64 = 0
    /// Every key of the older generation was added at this time or later.
    var olderSince: Int64 = 0
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
      if let known = state.newer[token.key] ?? state.older[token.key] { return known == token.fingerprint }
      state.newer[token.key] = token.fingerprint
      return true
    }
  }
}
