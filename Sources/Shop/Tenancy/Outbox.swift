import Model
import PartitionCore
import Streams

/// The messages of one partition that their destinations have not acknowledged, a stream for each destination.
///
/// How many messages the partition has caused is part of its state: each number follows from the log alone, so a replay
/// sends the same messages again under the same numbers, and receivers drop them.
struct Outbox: Sendable {
  private let partition: PartitionID
  private let partitionCount: Int
  private let limits: StreamLimits
  /// By destination, in the order of the partitions; nil if nothing was ever released to it.
  private var senders: [StreamSender<Message>?]
  /// The newest number assigned, by destination; ahead of the senders by what is withheld.
  private var caused: [UInt64]
  private(set) var unacknowledgedCount = 0

  /// - Parameter partitionCount: partitions of each service.
  init(of partition: PartitionID, partitionCount: Int, _ limits: StreamLimits) {
    self.partition = partition
    self.partitionCount = partitionCount
    self.limits = limits
    let slots = partitionCount * Service.allCases.count
    senders = Array(repeating: nil, count: slots)
    caused = Array(repeating: 0, count: slots)
  }

  private func slot(of partition: PartitionID) -> Int? { partition.slot(of: partitionCount) }

  /// Starts from a checkpoint: the messages of each destination that were not acknowledged are its newest ones.
  ///
  /// - Returns: why they cannot be, in that case: a sentence.
  mutating func restore(_ counts: [CausedCount], _ rows: [OutboxRow]) -> String? {
    var byDestination: [PartitionID: [OutboxRow]] = [:]
    for row in rows { byDestination[row.destination, default: []].append(row) }
    for count in counts {
      let rows = (byDestination[count.destination] ?? []).sorted { $0.number < $1.number }
      guard let slot = slot(of: count.destination) else {
        return "the checkpoint counts messages to \(count.destination), a partition that does not exist"
      }
      guard UInt64(rows.count) <= count.number else {
        return "the checkpoint keeps \(rows.count) messages to \(count.destination), of \(count.number) that were "
          + "ever caused"
      }
      caused[slot] = count.number
      var sender = StreamSender<Message>(
        from: .partition(partition), to: count.destination, limits: limits,
        acknowledged: count.number - UInt64(rows.count))
      for row in rows { sender.append(row.message, bytes: row.message.byteEstimate) }
      unacknowledgedCount += sender.count
      senders[slot] = sender
    }
    return nil
  }

  /// Numbers a message as it is caused. What goes to no partition has no number; the rules let nothing of that kind
  /// out.
  @discardableResult
  mutating func number(for destination: PartitionID) -> UInt64 {
    guard let slot = slot(of: destination) else { return 0 }
    caused[slot] += 1
    return caused[slot]
  }

  /// Releases a message whose record is durable. Its number is the next one of its stream.
  mutating func release(_ message: Message, to destination: PartitionID) {
    guard let slot = slot(of: destination) else { return }
    if senders[slot] == nil {
      senders[slot] = StreamSender(from: .partition(partition), to: destination, limits: limits)
    }
    senders[slot]?.append(message, bytes: message.byteEstimate)
    unacknowledgedCount += 1
  }

  /// Releases a message, and counts it as sent if its owner is known and nothing is left to send before it.
  ///
  /// - Returns: its number, the owner it is on its way to, and its destination's slot; nil if `nextFrame` sends it
  ///   later.
  mutating func releaseAtOnce(
    _ message: Message, to destination: PartitionID
  ) -> (number: UInt64, owner: OwnerID, slot: Int)? {
    release(message, to: destination)
    guard let slot = slot(of: destination) else { return nil }
    return senders[slot]?.sendNewest().map { ($0.number, $0.owner, slot) }
  }

  mutating func nextFrame(to destination: PartitionID) -> StreamFrame<Message>? {
    slot(of: destination).flatMap { senders[$0]?.nextFrame() }
  }

  func canSend(to destination: PartitionID) -> Bool {
    slot(of: destination).flatMap { senders[$0]?.canSend } ?? false
  }

  var canSend: Bool { unacknowledgedCount > 0 && senders.contains { $0?.canSend == true } }

  /// The destinations with something unacknowledged, in a fixed order.
  var destinations: [PartitionID] {
    guard unacknowledgedCount > 0 else { return [] }
    return allSenders.filter { !$0.isEmpty }.map(\.destination)
  }

  var allSenders: [StreamSender<Message>] { senders.compactMap { $0 } }

  func awaitsGreeting(from destination: PartitionID, of owner: OwnerID) -> Bool {
    guard let slot = slot(of: destination), let sender = senders[slot] else { return false }
    return sender.owner != owner && !sender.isEmpty
  }

  /// The newest number released to a destination.
  func numbered(for destination: PartitionID) -> UInt64 {
    slot(of: destination).flatMap { senders[$0]?.numbered } ?? 0
  }

  /// Takes a greeting. Returns nil if nothing was ever sent; a number above 0 then means that this end lost its log.
  ///
  /// One below what was acknowledged may have been on its way to an earlier owner of this partition, whose
  /// checkpoint already knows the acknowledgement; in the answer to its own question no owner may find less.
  mutating func take(_ greeting: StreamGreeting, by owner: OwnerID) -> StreamSender<Message>.Greeted? {
    if let slot = slot(of: greeting.destination), let sender = senders[slot], greeting.asker != owner.epoch,
      greeting.number < sender.acknowledged
    {
      return .stale
    }
    guard let slot = slot(of: greeting.destination), let before = senders[slot]?.count else {
      return greeting.number == 0
        ? nil : .lostLog(greeted: greeting.number, acknowledged: 0, numbered: 0)
    }
    defer { unacknowledgedCount -= before - (senders[slot]?.count ?? 0) }
    return senders[slot]?.take(greeting)
  }

  /// - Returns: nil if it acknowledges what was never sent.
  mutating func take(_ acknowledgement: StreamAcknowledgement) -> Int? {
    guard let slot = slot(of: acknowledgement.destination), senders[slot] != nil else { return 0 }
    let dropped = senders[slot]?.take(acknowledgement)
    if let dropped { unacknowledgedCount -= dropped }
    return dropped
  }

  mutating func take(_ gap: StreamGap) -> StreamSender<Message>.Greeted? {
    slot(of: gap.destination).flatMap { senders[$0]?.take(gap) }
  }

  mutating func disowned(_ destination: PartitionID, by owner: OwnerID) {
    guard let slot = slot(of: destination) else { return }
    senders[slot]?.disowned(by: owner)
  }

  /// What a checkpoint keeps.
  var counts: [CausedCount] {
    caused.enumerated().compactMap { slot, number in
      guard number > 0, let destination = PartitionID(slot: slot, of: partitionCount) else { return nil }
      return CausedCount(destination: destination, number: number)
    }
  }

  func causedNumber(for destination: PartitionID) -> UInt64 { slot(of: destination).map { caused[$0] } ?? 0 }

  /// Takes what `rows` lists, as if it were acknowledged.
  mutating func takeRows() -> [OutboxRow] {
    guard unacknowledgedCount > 0 else { return [] }
    let taken = rows
    for slot in senders.indices {
      guard let sender = senders[slot], !sender.isEmpty else { continue }
      senders[slot] = StreamSender(
        from: .partition(partition), to: sender.destination, limits: limits, acknowledged: sender.numbered)
    }
    unacknowledgedCount = 0
    return taken
  }

  var rows: [OutboxRow] {
    guard unacknowledgedCount > 0 else { return [] }
    var rows: [OutboxRow] = []
    for sender in allSenders {
      sender.forEachUnacknowledged { number, message in
        rows.append(.init(destination: sender.destination, number: number, message: message))
      }
    }
    return rows
  }
}
