import Model

/// The output of applying entries, as plain data.
public struct Effects: Sendable {
  /// Messages to other partitions (or to the same one), each with its time.
  public var messages: [Outbound] = []
  public var replies: [WithheldReply] = []
  /// Reads that could be answered.
  public var answers: [Answer] = []

  public init() {}

  public var isEmpty: Bool { messages.isEmpty && replies.isEmpty && answers.isEmpty }

  public mutating func removeAll() {
    messages.removeAll(keepingCapacity: true)
    replies.removeAll(keepingCapacity: true)
    answers.removeAll(keepingCapacity: true)
  }

  public struct Outbound: Sendable {
    public let to: PartitionID
    public let entry: Entry
  }

  /// A reply that may leave once the log is durable up to `revealedAt`.
  public struct WithheldReply: Sendable {
    public let reply: Reply
    public let revealedAt: LogPosition
  }

  /// The answer to a read; the same condition holds.
  public struct Answer: Sendable {
    public let request: RequestID
    public let view: View
    public let revealedAt: LogPosition
  }
}

/// Why a partition cannot continue: a record that no version of these rules wrote. The partition stops; nothing
/// traps.
public struct Poison: Error, Hashable, Sendable {
  public let reason: String
  public init(_ reason: String) { self.reason = reason }
}

/// What a state machine knows and can do while it applies one entry.
public struct ApplyContext: ~Copyable {
  /// The partition's time: the highest in its records.
  public let now: Timestamp
  /// The version of the rules that the partition follows.
  public let rules: UInt32
  /// The bounds that the partition decides under.
  public let limits: RuleLimits
  /// What every answer that shows the entry's effect must wait for.
  public let position: LogPosition
  /// The trace that the entry's command belongs to.
  public let trace: TraceContext?
  let source: PartitionID
  let partitionCount: Int
  let offset: Int64
  var nextIndex: UInt32
  var effects: Effects
  /// Why the entry cannot be applied after all.
  var poison: Poison?
  /// Outcomes of requests that waited; the loop remembers them under their idempotency keys.
  var completed: [(waiter: Waiter, outcome: Outcome)] = []

  /// Sends a message, numbered by the record that caused it. A message to a partition that does not exist, because a
  /// record or a row names one, poisons the entry.
  public mutating func send(_ message: Message, to destination: PartitionID) {
    let (next, overflow) = nextIndex.addingReportingOverflow(1)
    guard Int(destination.index) < partitionCount, !overflow else {
      poison = poison ?? Poison("a message to \(destination), a partition that does not exist")
      return
    }
    let position = SourcePosition(offset: offset, index: nextIndex)
    nextIndex = next
    effects.messages.append(
      .init(
        to: destination,
        entry: Entry(
          time: now,
          body: .message(PartitionMessage(source: source, position: position, message: message)))))
  }

  /// What a change is stamped with; nil under rules that stamp none.
  public var stamp: Timestamp? { rules >= Rules.retention ? now : nil }

  /// Orders that have not changed since then are not retained; nil if all are.
  public var retainedSince: Timestamp? {
    limits.orderRetentionMilliseconds.map { Timestamp(milliseconds: max(0, now.milliseconds - $0)) }
  }

  /// The outcome of a `batch_init` that changed this many entities.
  public func changed(_ count: UInt64) -> Outcome { rules >= Rules.eras ? .changed(count) : .done }

  /// Answers a request that waited for more than its own command.
  public mutating func complete(_ waiter: Waiter, _ outcome: Outcome) {
    completed.append((waiter, outcome))
  }
}
