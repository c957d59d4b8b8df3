import Model

/// Messages that a producer lost, until the partitions that sent them know.
///
/// A lost message must not count as acknowledged while a checkpoint of its sender could still be written, and must not
/// hold up everybody's checkpoints for ever: so its number is given back when all its senders were told to stop. What
/// a stopped sender appends is dropped until it starts again from its checkpoint: a later message of its would make
/// the receivers drop the lost one when it is sent again.
struct LostMessages: Sendable {
  private struct Loss: Sendable {
    let number: UInt64
    var untold: Set<PartitionID>
  }

  /// Senders that have not started again since.
  private(set) var stopped: Set<PartitionID> = []
  private var losses: [Loss] = []

  /// Senders that do not know yet.
  var untold: Set<PartitionID> { losses.reduce(into: []) { $0.formUnion($1.untold) } }

  /// Notes a lost message; returns the senders that have to be told, and whether nobody has to be.
  mutating func lose(_ number: UInt64, of sources: Set<PartitionID>) -> Set<PartitionID> {
    stopped.formUnion(sources)
    if !sources.isEmpty { losses.append(Loss(number: number, untold: sources)) }
    return sources
  }

  /// Says that a sender knows, or has nobody who could know. Returns the numbers that count as acknowledged now.
  mutating func told(_ source: PartitionID) -> [UInt64] {
    guard !losses.isEmpty else { return [] }
    var done: [UInt64] = []
    for place in losses.indices where losses[place].untold.remove(source) != nil {
      if losses[place].untold.isEmpty { done.append(losses[place].number) }
    }
    losses.removeAll { $0.untold.isEmpty }
    return done
  }

  /// Says that a partition starts again from its checkpoint.
  mutating func restarted(_ source: PartitionID) -> [UInt64] {
    stopped.remove(source)
    return told(source)
  }
}
