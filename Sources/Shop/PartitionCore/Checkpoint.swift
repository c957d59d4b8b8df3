import Model
import Streams

/// The partition's own row in the store: how much of the log has been applied to what the store holds.
public struct CheckpointHeader: Hashable, Sendable {
  public let partition: PartitionID
  /// The offset of the newest record that the store's rows include; -1 before the first.
  public package(set) var offset: Int64
  /// The partition's time.
  public let now: Timestamp
  public let rulesVersion: UInt32
  /// The bounds that the partition decides under.
  public let limits: RuleLimits
  public let dedup: [DedupRow]
  public let ledger: Ledger
  /// The tenure of the newest record that it includes; nil without one.
  public let owner: OwnerID?
  /// The number of that record.
  public let number: UInt64
  /// With that record its owner gave the partition up, and answers nothing more.
  public let isReleased: Bool
  /// The highest number of each stream that the partition receives.
  public let received: [ReceivedNumbers.Row]
  /// How many messages the partition has caused so far, by destination, ascending.
  public let caused: [CausedCount]

  public init(
    partition: PartitionID, owner: OwnerID? = nil, number: UInt64 = 0, isReleased: Bool = false, offset: Int64,
    now: Timestamp, rulesVersion: UInt32, limits: RuleLimits = .initial, dedup: [DedupRow] = [], ledger: Ledger,
    received: [ReceivedNumbers.Row] = [], caused: [CausedCount] = []
  ) {
    self.partition = partition
    self.owner = owner
    self.number = number
    self.isReleased = isReleased
    self.offset = offset
    self.now = now
    self.rulesVersion = rulesVersion
    self.limits = limits
    self.dedup = dedup
    self.ledger = ledger
    self.received = received
    self.caused = caused
  }
}

/// How many messages a partition has caused for one other so far: the number of the newest.
public struct CausedCount: Hashable, Sendable {
  public let destination: PartitionID
  public let number: UInt64

  public init(destination: PartitionID, number: UInt64) {
    self.destination = destination
    self.number = number
  }
}

/// A message that its destination has not acknowledged.
public struct OutboxRow: Hashable, Sendable {
  public let destination: PartitionID
  public let number: UInt64
  public let message: Message

  public init(destination: PartitionID, number: UInt64, message: Message) {
    self.destination = destination
    self.number = number
    self.message = message
  }
}

/// What became of a command, on its way to the pod that took it.
public enum CommandReply: Hashable, Sendable {
  case outcome(Reply)
  /// It was not executed in its turn; the reason says what that means for its client.
  case skipped(RequestID, SkipReason)

  public var request: RequestID {
    switch self {
    case .outcome(let reply): reply.request
    case .skipped(let request, _): request
    }
  }

  /// Whether the command changed nothing.
  public var isRefusal: Bool {
    switch self {
    case .outcome(let reply): if case .refused = reply.outcome { true } else { false }
    case .skipped: true
    }
  }
}

/// Everything that a later owner starts from: changed entities, the header they lead to, and what nobody has
/// acknowledged yet; written in one transaction, or not at all.
public struct CheckpointBatch: Sendable {
  public package(set) var header: CheckpointHeader
  public let changes: [EntityChange]
  /// The partition's unacknowledged messages: all of them, replacing what the store has.
  public let outbox: [OutboxRow]
  /// The replies that no pod has received, oldest first: all of them, replacing what the store has.
  public let replies: [CommandReply]

  public init(
    header: CheckpointHeader, changes: [EntityChange], outbox: [OutboxRow] = [], replies: [CommandReply] = []
  ) {
    self.header = header
    self.changes = changes
    self.outbox = outbox
    self.replies = replies
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
  /// nil if the partition was never checkpointed.
  public let header: CheckpointHeader?
  /// Every hold of the partition, and every item that one of them names.
  public let pinned: [EntityChange]
  /// Offsets of records in which an operator decided to leave out what cannot be applied; in a log with one writer
  /// per partition, the records' numbers.
  public let quarantined: Set<Int64>
  public let outbox: [OutboxRow]
  public let replies: [CommandReply]

  public init(
    header: CheckpointHeader? = nil, pinned: [EntityChange] = [], quarantined: Set<Int64> = [],
    outbox: [OutboxRow] = [], replies: [CommandReply] = []
  ) {
    self.header = header
    self.pinned = pinned
    self.quarantined = quarantined
    self.outbox = outbox
    self.replies = replies
  }
}
