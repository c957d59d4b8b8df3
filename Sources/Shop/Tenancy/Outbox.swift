import Model
import PartitionCore
import Streams

/// The messages of one partition that their destinations have not acknowledged, a stream for each destination.
///
/// How many messages the partition has caused is a part of its state: the number of each follows from the log alone, so
/// that a replay sends the same ones again under the same numbers, and receivers drop them.
struct Outbox: Sendable {
  private let partition: PartitionID
  private let limits: StreamLimits
  private(set) var senders: [PartitionID: StreamSender<Message>] = [:]
  /// The newest number that was given, by destination; ahead of the senders by what is withheld.
  private var caused: [PartitionID: UInt64] = [:]

  init(of partition: PartitionID, _ limits: StreamLimits) {
    self.partition = partition
    self.limits = limits
  }

  /// Starts from a checkpoint: the messages of each destination that were not acknowledged are its newest ones.
  ///
  /// - Returns: why they cannot be, if so: a sentence.
  mutating func restore(
    _ caused: [CausedCount], _ rows: [OutboxRow]
  ) -> String? {
    var byDestination: [PartitionID: [OutboxRow]] = [:]
    for row in rows { byDestination[row.destination, default: []].append(row) }
    for (destination, number) in caused.map({ ($0.destination, $0.number) }) {
      let rows = (byDestination[destination] ?? []).sorted { $0.number < $1.number }
      guard UInt64(rows.count) <= number else {
        return "the checkpoint keeps \(rows.count) messages to \(destination), of \(number) that were ever caused"
      }
      self.caused[destination] = number
      var sender = StreamSender<Message>(
        from: .partition(partition), to: destination, limits: limits, acknowledged: number - UInt64(rows.count))
      for row in rows { sender.append(row.message, bytes: Self.bytes(of: row.message)) }
      senders[destination] = sender
    }
    return nil
  }

  /// Numbers a message that is being caused.
  mutating func number(for destination: PartitionID) -> UInt64 {
    let number = (caused[destination] ?? 0) + 1
    caused[destination] = number
    return number
  }

  /// Puts a message out whose record is durable. Its number is the next one of its stream.
  mutating func release(_ message: Message, to destination: PartitionID) {
    senders[
      destination,
      default: StreamSender(from: .partition(partition), to: destination, limits: limits)
    ].append(message, bytes: Self.bytes(of: message))
  }

  mutating func nextFrame(to destination: PartitionID) -> StreamFrame<Message>? { senders[destination]?.nextFrame() }

  var canSend: Bool { senders.contains { $0.value.canSend } }
  var unacknowledgedCount: Int { senders.reduce(0) { $0 + $1.value.count } }

  /// The destinations with something to send, in a fixed order.
  var destinations: [PartitionID] { senders.filter { !$0.value.isEmpty }.keys.sorted() }

  func awaitsGreeting(from destination: PartitionID, of owner: OwnerID) -> Bool {
    senders[destination].map { $0.owner != owner && !$0.isEmpty } ?? false
  }

  /// Takes a greeting. Returns nil where nothing was ever sent; a number above 0 means then that this end lost its log.
  mutating func take(_ greeting: StreamGreeting) -> StreamSender<Message>.Greeted? {
    guard senders[greeting.destination] != nil else {
      return greeting.number == 0
        ? nil : .lostLog(greeted: greeting.number, acknowledged: 0, numbered: 0)
    }
    return senders[greeting.destination]?.take(greeting)
  }

  mutating func take(_ acknowledgement: StreamAcknowledgement) -> Int? {
    senders[acknowledgement.destination]?.take(acknowledgement) ?? 0
  }

  mutating func take(_ gap: StreamGap) -> StreamSender<Message>.Greeted? { senders[gap.destination]?.take(gap) }

  mutating func disowned(_ destination: PartitionID, by owner: OwnerID) {
    senders[destination]?.disowned(by: owner)
  }

  /// What a checkpoint keeps.
  var counts: [CausedCount] {
    caused.sorted { $0.key < $1.key }.map { CausedCount(destination: $0.key, number: $0.value) }
  }

  func causedNumber(for destination: PartitionID) -> UInt64 { caused[destination] ?? 0 }

  /// Takes what `rows` tells, as if it were acknowledged.
  mutating func takeRows() -> [OutboxRow] {
    guard unacknowledgedCount > 0 else { return [] }
    let taken = rows
    for (destination, sender) in senders where !sender.isEmpty {
      senders[destination] = StreamSender(
        from: .partition(partition), to: destination, limits: limits, acknowledged: sender.numbered)
    }
    return taken
  }

  var rows: [OutboxRow] {
    var rows: [OutboxRow] = []
    for (destination, sender) in senders.sorted(by: { $0.key < $1.key }) {
      sender.forEachUnacknowledged { number, message in
        rows.append(.init(destination: destination, number: number, message: message))
      }
    }
    return rows
  }

  /// About the bytes of a message on its way.
  private static func bytes(of message: Message) -> Int {
    guard let slip = message.slip else { return 64 }
    return 96 + slip.stops.reduce(0) { $0 + 16 + $1.lines.count * 32 }
  }
}
