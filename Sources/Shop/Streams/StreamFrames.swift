import Model

// What senders and receivers of streams say to each other. Every word names the tenure that it is meant for, or comes
// from; a word for another tenure is ignored, because its owner may have forgotten what the word relies on.

/// Consecutive inputs of one stream: the first has the number `first`, the next one more, and so on.
package struct StreamFrame<Input: Sendable>: Sendable {
  package let source: StreamSource
  package let destination: PartitionID
  package let owner: OwnerID
  package let first: UInt64
  package let inputs: [Input]
  /// The destination's time as the sender learned it last. A session that has heard nothing for too long must not
  /// assume that the destination still remembers it.
  package let asOf: Timestamp

  package init(
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

/// Everything of a stream up to `number` is durable in the destination's log.
package struct StreamAcknowledgement: Hashable, Sendable {
  package let source: StreamSource
  package let destination: PartitionID
  package let owner: OwnerID
  package let number: UInt64
  /// The destination's time.
  package let now: Timestamp

  package init(
    source: StreamSource, destination: PartitionID, owner: OwnerID, number: UInt64, now: Timestamp = .zero
  ) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.number = number
    self.now = now
  }
}

/// A new owner has replayed its log, which holds the stream up to `number`. The sender goes on after it.
package struct StreamGreeting: Hashable, Sendable {
  package let source: StreamSource
  package let destination: PartitionID
  package let owner: OwnerID
  package let number: UInt64
  package let now: Timestamp

  package init(
    source: StreamSource, destination: PartitionID, owner: OwnerID, number: UInt64, now: Timestamp = .zero
  ) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.number = number
    self.now = now
  }
}

/// A frame began after the number that has to come next; the sender goes back to `expected`.
package struct StreamGap: Hashable, Sendable {
  package let source: StreamSource
  package let destination: PartitionID
  package let owner: OwnerID
  package let expected: UInt64

  package init(source: StreamSource, destination: PartitionID, owner: OwnerID, expected: UInt64) {
    self.source = source
    self.destination = destination
    self.owner = owner
    self.expected = expected
  }
}
