import Model

// What the store is given, what memory forgets, and what an auditor sees.

extension PartitionLoop {
  public var residentCount: Int { state.residentCount }
  public var dirtyCount: Int { state.dirtyCount }
  /// Whether too much is dirty to take new commands before a checkpoint.
  public var isDirtyBoundReached: Bool { dirtyCount >= limits.dirtyMax }
  /// Whether enough is dirty that a checkpoint should not wait for its interval.
  public var isCheckpointDue: Bool { dirtyCount >= limits.checkpointEntitiesDue }
  /// Whether a checkpoint is taken or being written.
  public var isCheckpointing: Bool { if case .idle = checkpoint { false } else { true } }
  /// Whether the store lacks something that was applied.
  public var isBehind: Bool { appliedOffset > checkpointedOffset }

  /// The partition's own row, as a checkpoint taken now would write it.
  public var header: CheckpointHeader {
    CheckpointHeader(
      partition: partition, offset: appliedOffset, now: state.now, rulesVersion: state.rulesVersion, limits: ruleLimits,
      dedup: dedup.rows, ledger: state.machine.ledger)
  }

  /// Takes a checkpoint of everything applied so far, to be written once the log allows it. Returns whether it did:
  /// not while one is under way, nor between two entries of a record, nor if nothing happened since the last; nor
  /// while replies are held back, which the next owner would not know of.
  @discardableResult
  public mutating func takeCheckpoint() -> Bool {
    guard case .idle = checkpoint, status == .running, nextEntry == 0, isBehind, !hasUnappended, held.isEmpty
    else { return false }
    let changes = state.takeChanges()
    checkpoint = .taken(CheckpointBatch(header: header, changes: changes), settledAt)
    return true
  }

  /// The checkpoint that was taken, once the log is durable up to everything that it rests on.
  public mutating func checkpointToWrite(durable: LogPosition) -> CheckpointBatch? {
    guard case .taken(let batch, let position) = checkpoint, position <= durable else { return nil }
    checkpoint = .writing(offset: batch.header.offset)
    return batch
  }

  /// Notes whether the store has the checkpoint from `checkpointToWrite`.
  public mutating func checkpointEnded(isWritten: Bool) {
    guard case .writing(let offset) = checkpoint else { return }
    checkpoint = .idle
    state.checkpointEnded(isWritten: isWritten)
    if isWritten {
      checkpointedOffset = offset
      counters.checkpoints += 1
    } else {
      counters.checkpointsFailed += 1
    }
  }

  /// Evicts clean entities while too many are resident. Call it between steps.
  ///
  /// A key that is being loaded is kept: the load's answer may be older than what would be forgotten.
  public mutating func evict() { evict(downTo: limits.residentMax) }

  /// The same if the partition has less than its limit to itself.
  public mutating func evict(downTo share: Int) {
    let excess = residentCount - min(limits.residentMax, share)
    guard excess > 0 else { return }
    let evicted = state.evict(excess: excess, scanMax: limits.evictionScanMax, keeping: requested)
    counters.evictions += UInt64(evicted)
  }

  // MARK: Inspection

  /// Every resident entity that exists, in no particular order; expired idempotency records are left out.
  public func forEachEntity(_ body: (EntityKey, Entity) -> Void) {
    state.forEachEntity(body)
  }
}
