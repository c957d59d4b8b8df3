import Model

/// The partition's own row in the store: how far the log has been applied to what the store holds.
public struct CheckpointHeader: Hashable, Sendable {
  public let partition: PartitionID
  /// The offset of the newest record that the store's rows include; -1 before the first.
  public let offset: Int64
  /// The partition's time.
  public let now: Timestamp
  public let rulesVersion: UInt32
  /// The bounds that the partition decides under.
  public let limits: RuleLimits
  public let dedup: [DedupRow]
  public let ledger: Ledger

  public init(
    partition: PartitionID, offset: Int64, now: Timestamp, rulesVersion: UInt32, limits: RuleLimits = .initial,
    dedup: [DedupRow], ledger: Ledger
  ) {
    self.partition = partition
    self.offset = offset
    self.now = now
    self.rulesVersion = rulesVersion
    self.limits = limits
    self.dedup = dedup
    self.ledger = ledger
  }
}

/// Changed entities and the header that they lead to: written in one transaction, or not at all.
public struct CheckpointBatch: Sendable {
  public let header: CheckpointHeader
  public let changes: [EntityChange]

  public init(header: CheckpointHeader, changes: [EntityChange]) {
    self.header = header
    self.changes = changes
  }
}

/// The new value of one row; nil deletes it.
public struct EntityChange: Hashable, Sendable {
  public let key: EntityKey
  public let value: Entity?

  public init(key: EntityKey, value: Entity?) {
    self.key = key
    self.value = value
  }
}

/// What a store says when a partition gets an owner.
public struct Recovery: Sendable {
  /// nil when the partition was never checkpointed.
  public let header: CheckpointHeader?
  /// Every hold of the partition, and every item that one of them names.
  public let pinned: [EntityChange]
  /// Offsets of records of which an operator decided that what cannot be applied in them is to be left out.
  public let quarantined: Set<Int64>

  public init(header: CheckpointHeader?, pinned: [EntityChange], quarantined: Set<Int64> = []) {
    self.header = header
    self.pinned = pinned
    self.quarantined = quarantined
  }
}
