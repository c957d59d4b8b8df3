import Model
import PartitionCore
import Streams

/// What a log lets its owners do. The same machine serves both kinds.
public struct LogMode: Hashable, Sendable {
  /// Appends of one partition that may be under way at a time.
  public let appendsUnderWayMax: Int
  /// Somebody else may write to the partition's log: an append counts as confirmed only at the offset it had to get,
  /// reads need a lease, and commands are numbered.
  public let isShared: Bool
  /// What a record causes may travel on before it is durable, because a crash loses cause and effect together.
  public let isOneSequence: Bool

  /// Each partition of the log is durable by itself, and a replaced owner may still write to it: Kafka.
  public static let shared = LogMode(appendsUnderWayMax: 1, isShared: true, isOneSequence: false)
  /// One sequence for all partitions, which only this process writes: SQLite.
  public static let embedded = LogMode(appendsUnderWayMax: .max, isShared: false, isOneSequence: true)
}

/// The bounds of one tenure. None of them changes what is decided.
public struct TenancyLimits: Hashable, Sendable {
  public var core = CoreLimits()
  public var stream = StreamLimits()
  /// Inputs of one turn.
  public var turnInputsMax = 1_024
  /// Bytes of one turn, below what the log takes as one record; a single input may exceed it.
  public var turnBytesMax = 768 << 10
  /// Inputs from the ingest log in one turn, beyond `turnInputsMax`: clients' commands never wait for more of them.
  public var turnIngestMax = 512
  /// Refusals of such inputs that are not in the topic of refused ones; at this many, none is taken.
  public var unreportedRefusalsMax = 1_024
  /// Commands that reached their owner within the process and wait for its turn; the next one is refused.
  public var queuedCommandsMax = 65_536
  /// Messages that their destinations have not acknowledged; at this many, no command is executed, so that what waits
  /// for a stopped partition stays bounded.
  public var unacknowledgedMessagesMax = 65_536
  /// Confirmed records whose effects wait for the predecessor's end; at this many, no turn begins.
  public var heldRecordsMax = 1_024
  /// Replies that no pod has received; beyond this the oldest is forgotten, and its client has to ask again.
  public var unreceivedRepliesMax = 65_536
  /// How long a log may end before the record that must be there, in milliseconds: after an election a broker may for a
  /// while not know how much of its log everybody has.
  public var shrunkenLogMilliseconds: Int64 = 10_000
  /// After an owner that ended uncleanly, this many inputs are logged one by one before they are applied: one that
  /// takes the process down is then in the log by itself, where an operator can set it aside.
  public var cautiousInputs = 64
  public var leaseMilliseconds: Int64 = 1_000

  public init() {}

  /// A sentence about the first bound that is out of range or contradicts another.
  public var contradiction: String? {
    if let contradiction = core.contradiction ?? stream.contradiction { return contradiction }
    // Without a cautious input, one that cannot be applied would never be in the log by itself.
    let counts = [
      turnInputsMax, turnBytesMax, queuedCommandsMax, unacknowledgedMessagesMax, heldRecordsMax, unreceivedRepliesMax,
      cautiousInputs, turnIngestMax, unreportedRefusalsMax,
    ]
    if counts.contains(where: { $0 < 1 }) || shrunkenLogMilliseconds < 1 || leaseMilliseconds < 1 {
      return "every bound of a tenure must be at least 1"
    }
    return nil
  }
}

/// How a tenure ended. Its state goes with it, and nothing that was withheld leaves.
public enum TenancyEnd: Hashable, Sendable {
  /// Another owner has the partition.
  case superseded(by: OwnerID)
  /// The owner gave the partition up, and said so in the log.
  case left
  /// To keep it, a process must acquire it again, under an epoch of at least `epochAbove` plus one.
  case lost(Loss, epochAbove: UInt64)
  /// The log cannot be followed. Nothing is skipped silently: an operator has to intervene.
  case stopped(number: UInt64, reason: String)
}

/// Why an owner has to acquire its partition again.
public enum Loss: String, Hashable, Sendable {
  case fenced = "the store has given the partition to a newer epoch"
  case setBack = "the store holds less than it acknowledged: it was set back"
  case epochTaken = "another run announced this epoch first"
  case otherRecord = "the log holds another record under this owner's number"
  case poison = "an input cannot be applied; it must be logged by itself"
}

/// Requests that end with a tenure.
public struct AbandonedRequests: Hashable, Sendable {
  /// They may be in the log, and take effect.
  public var unknown: [RequestID] = []
  /// They never will.
  public var untaken: [RequestID] = []
}

/// Messages by destination partition; each one's in order.
public struct OutgoingMessages: Sendable {
  /// By slot of the destination.
  private var inputs: [[TenancyInput]] = []
  private var touched: [(slot: Int, destination: PartitionID)] = []

  public init() {}

  mutating func append(_ input: TenancyInput, to destination: PartitionID, slot: Int) {
    if slot >= inputs.count {
      inputs.append(contentsOf: Array(repeating: [], count: slot + 1 - inputs.count))
    }
    if inputs[slot].isEmpty { touched.append((slot, destination)) }
    inputs[slot].append(input)
  }

  public var isEmpty: Bool { touched.isEmpty }

  /// Hands over everything, and is then empty.
  ///
  /// - Parameter body: gets a destination and its messages, which it may swap for an empty array.
  public mutating func takeAll(_ body: (PartitionID, inout [TenancyInput]) -> Void) {
    for (slot, destination) in touched {
      body(destination, &inputs[slot])
      inputs[slot].removeAll(keepingCapacity: true)
    }
    touched.removeAll(keepingCapacity: true)
  }
}

/// What a tenure asks its shell to do, as plain data, ordered only within each list.
public struct TenancyActions: Sendable {
  /// To be appended now. The same record may be asked for again: its bytes must be the same, too.
  public var appends: [LogRecord] = []
  /// To be read from this offset to the end of the log, and passed to `readBack`.
  public var readBackFrom: Int64?
  public var acknowledgements: [StreamAcknowledgement] = []
  public var greetings: [StreamGreeting] = []
  public var gaps: [StreamGap] = []
  public var replies: [CommandReply] = []
  /// Of commands from the ingest log, for the topic of refused ones. Until they are there they are asked for again.
  public var refusals: [CommandReply] = []
  public var answers: [(request: RequestID, view: View)] = []
  /// Reads that this owner will not answer.
  public var forwarded: [(query: Query, request: RequestID)] = []
  /// To be loaded from the store, in one query.
  public var loads: [EntityKey] = []
  /// Messages for owners in the same process, on their way from now on: to be handed to them.
  public var messages = OutgoingMessages()
  /// Reads that are not taken.
  public var refusedReads: [RequestID] = []
  /// Messages can be sent: ask `nextFrame`.
  public var hasMessages = false
  /// To be said to the successor: the owner answers nothing more.
  public var releasedTo: OwnerID?

  public init() {}

  /// How many entries the records to append have; nil without any.
  public var appendedEntries: Int? {
    guard !appends.isEmpty else { return nil }
    var count = 0
    for case .turn(let record) in appends { count += record.entries.count }
    return count
  }

  /// How many of these somebody waits for; nil without records to append.
  public var appendedAwaited: Int? {
    guard !appends.isEmpty else { return nil }
    var count = 0
    for case .turn(let record) in appends { count += record.entries.count { $0.isAwaited } }
    return count
  }

  /// Empties it, and keeps its memory for what comes next.
  public mutating func removeAll() {
    appends.removeAll(keepingCapacity: true)
    readBackFrom = nil
    acknowledgements.removeAll(keepingCapacity: true)
    greetings.removeAll(keepingCapacity: true)
    gaps.removeAll(keepingCapacity: true)
    replies.removeAll(keepingCapacity: true)
    refusals.removeAll(keepingCapacity: true)
    answers.removeAll(keepingCapacity: true)
    forwarded.removeAll(keepingCapacity: true)
    loads.removeAll(keepingCapacity: true)
    refusedReads.removeAll(keepingCapacity: true)
    hasMessages = false
    releasedTo = nil
  }
}
