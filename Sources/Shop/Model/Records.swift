/// One record of a partition's log: everything one appender had for the partition at one moment, in order.
///
/// Brokers and databases charge for requests and records, not for bytes, so entries travel together.
public struct Record: Hashable, Sendable {
  public var entries: [Entry]

  public init(entries: [Entry]) { self.entries = entries }
}

/// One thing that happens to a partition.
public struct Entry: Hashable, Sendable {
  /// The appender's clock, or for a message the source partition's; a partition's own time is the highest it has seen.
  public let time: Timestamp
  public let body: Body

  public init(time: Timestamp, body: Body) {
    self.time = time
    self.body = body
  }

  /// The trace of the client's command, if it has one; a slip carries its own.
  public var trace: TraceContext? {
    if case .command(let command) = body { command.trace } else { nil }
  }

  public enum Body: Hashable, Sendable {
    case command(ClientCommand)
    case message(PartitionMessage)
    case control(Control)

    /// Whether it is a command or a message: an owner's controls cannot be left out.
    public var isData: Bool { if case .control = self { false } else { true } }
  }
}

/// What a partition's owners announce to each other through its log.
public enum Control: Hashable, Sendable {
  /// From here on the partition follows this version of the rules (the newest ones that all live pods know).
  case rules(version: UInt32)
  /// From here on the partition decides under these bounds.
  case limits(RuleLimits)
  /// From here on the partition belongs to this owner: its predecessor answers what comes before.
  case owned(Owner)
  /// The owner with this epoch answers nothing more.
  case released(epoch: UInt64)
  /// Sent by the owner with this epoch: when it comes back, the owner knows that it still owned the partition when it
  /// sent it.
  case tick(epoch: UInt64, number: UInt64)
}

/// A partition's owner, as it announces itself in the partition's log.
public struct Owner: Hashable, Sendable {
  /// Raised in the store with each change of the owner; at least 1.
  public let epoch: UInt64
  /// The run of the process; requests carry it.
  public let incarnation: UInt64
  /// Where other pods reach it, at most `addressBytesMax` bytes of visible ASCII.
  public let address: String

  public static let addressBytesMax = 255

  /// - Returns: nil for an address that is empty, too long or not visible ASCII, and for epoch 0.
  public init?(epoch: UInt64, incarnation: UInt64, address: String) {
    guard epoch > 0, (1...Self.addressBytesMax).contains(address.utf8.count),
      address.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    self.epoch = epoch
    self.incarnation = incarnation
    self.address = address
  }
}

/// The versions of what `apply` decides.
public enum Rules {
  /// The newest version this program knows; it also knows all older ones.
  public static let current: UInt32 = retention

  /// The rules of the logs of 0.1.0, and of a log of `Record`s that names none.
  public static let oldest: UInt32 = 1
  /// The first rules of a log of `LogRecord`s: an idempotency key does not keep "not now" as an outcome.
  public static let oneWriter: UInt32 = 2
  /// A partition of orders numbers its attempts, a payment knows its attempt, a user's `batch_init` begins the account
  /// anew, and `batch_init` says how much it changed.
  public static let eras: UInt32 = 3
  /// An order knows when it last changed, and can be removed when that is long ago.
  public static let retention: UInt32 = 4
}

/// A place in a log's own sequence: an answer that depends on it may be revealed once the log is durable up to it.
/// Positions count from 1 over all partitions of one log; 0 is always durable.
public struct LogPosition: Hashable, Comparable, Sendable {
  public let sequence: UInt64
  public init(_ sequence: UInt64) { self.sequence = sequence }
  public static let zero = LogPosition(0)
  public static func < (a: LogPosition, b: LogPosition) -> Bool { a.sequence < b.sequence }
}

/// A record that a log delivers to the partition's owner.
public struct Delivery: Sendable {
  public let partition: PartitionID
  /// The record's place in the partition: 0, 1, 2, … without gaps.
  public let offset: Int64
  /// What an answer that depends on the record must wait for; `zero` if the record is already durable.
  public let position: LogPosition
  public let content: Content

  /// A record, or why its bytes are not one.
  public enum Content: Sendable {
    case record(Record)
    case undecodable(reason: String)
    /// The log lost what the partition sent, or can no longer deliver its records: no checkpoint may follow, and the
    /// partition must restart from its newest one. Nothing of it follows; the offset says where it broke.
    case broken(reason: String)
  }

  public init(partition: PartitionID, offset: Int64, position: LogPosition, content: Content) {
    self.partition = partition
    self.offset = offset
    self.position = position
    self.content = content
  }
}

extension Delivery {
  /// The requests that wait for the record's commands, from an entry on.
  public func requests(from entry: Int = 0) -> [RequestID] {
    guard case .record(let record) = content else { return [] }
    return record.entries.dropFirst(entry).compactMap { entry in
      if case .command(let command) = entry.body { command.request } else { nil }
    }
  }
}
