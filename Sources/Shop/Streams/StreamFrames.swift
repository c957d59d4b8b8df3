import Model

// What senders and receivers of streams say to each other. Every word names the tenure it is meant for, or comes
// from; a word for another tenure is ignored, because its owner may have forgotten what the word relies on.

/// Consecutive inputs of one stream: the first has the number `first`, the next one more, and so on.
public struct StreamFrame<Input: Sendable>: Sendable {
  public let source: StreamSource
  public let destination: PartitionID
  public let owner: OwnerID
  public let first: UInt64
  public let inputs: [Input]
  /// When the destination last used this session, by its own time, as far as the sender knows. Much later it may have
  /// forgotten it.
  public let asOf: Timestamp

  public init(
    source: StreamSource, destination: PartitionID, owner: OwnerID, first: UInt64, inputs: [Input],
    asOf: Timestamp = .zero
  ) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.first = first
    self.inputs = inputs
    self.asOf = asOf
  }
}

extension StreamFrame: Equatable where Input: Equatable {}
extension StreamFrame: Hashable where Input: Hashable {}

/// Everything of a stream up to `number` is durable in the destination's log.
public struct StreamAcknowledgement: Hashable, Sendable {
  public let source: StreamSource
  public let destination: PartitionID
  public let owner: OwnerID
  public var number: UInt64
  /// When the destination last used the session, by its own time.
  public let asOf: Timestamp

  public init(
    source: StreamSource, destination: PartitionID, owner: OwnerID, number: UInt64, asOf: Timestamp = .zero
  ) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.number = number
    self.asOf = asOf
  }
}

/// An owner's log holds the stream up to `number`. The sender continues after it.
public struct StreamGreeting: Hashable, Sendable {
  public let source: StreamSource
  public let destination: PartitionID
  public let owner: OwnerID
  public let number: UInt64
  /// The destination's time.
  public let now: Timestamp
  /// When the destination last used the session; now for one it does not know.
  public let asOf: Timestamp
  /// The epoch of the source's owner that asked; 0 for a session, or if nobody asked.
  public let asker: UInt64

  public init(
    source: StreamSource, destination: PartitionID, owner: OwnerID, number: UInt64, now: Timestamp = .zero,
    asOf: Timestamp = .zero, asker: UInt64 = 0
  ) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.number = number
    self.now = now
    self.asOf = asOf
    self.asker = asker
  }
}

/// A frame began after the number that must come next; the sender goes back to `expected`. 0 means that the session
/// has ended: the destination may have forgotten it.
public struct StreamGap: Hashable, Sendable {
  public let source: StreamSource
  public let destination: PartitionID
  public let owner: OwnerID
  public let expected: UInt64

  public init(source: StreamSource, destination: PartitionID, owner: OwnerID, expected: UInt64) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.expected = expected
  }
}
