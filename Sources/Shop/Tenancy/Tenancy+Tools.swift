import Model
import PartitionCore
import Streams

// For tools that replay a log and never serve: audits, and tools that set something aside.

extension Tenancy {
  /// The partition's own row, as a checkpoint of everything applied so far would write it.
  package var header: CheckpointHeader {
    // An owner that has appended nothing yet has not given up what its predecessor did.
    let owner = number > 0 ? newestOwner : nil
    return CheckpointHeader(
      partition: partition, owner: owner, number: number, isReleased: owner != nil && releasedBy == owner,
      offset: confirmed.number == number ? confirmed.offset : -1, now: state.now, rulesVersion: state.rulesVersion,
      limits: state.ruleLimits, ledger: state.machine.ledger, received: receivedRows,
      caused: outbox.counts)
  }

  private var receivedRows: [ReceivedNumbers.Row] {
    let rows = received.rows(at: state.now)
    return planted.is(.ingestNumberNotCheckpointed) ? rows.filter { $0.source != .ingest } : rows
  }

  /// Takes every entity that changed, in no particular order.
  package mutating func takeChanges() -> [EntityChange] { state.takeChanges() }

  /// Takes every released message, in each destination's order, as if it were acknowledged: the tool carries it, or
  /// has no use for it.
  package mutating func takeMessages() -> [OutboxRow] { outbox.takeRows() }

  /// Takes what became of the commands that were applied since the last call: of a tenancy whose mode keeps it.
  package mutating func takeReplies() -> [CommandReply] {
    guard replies.count + refusals.count > 0 else { return [] }
    defer { (replies, refusals) = (UnreceivedReplies(), UnreceivedReplies()) }
    return replies.all + refusals.all
  }

  /// The partitions whose messages were applied, ascending.
  package var sources: [PartitionID] {
    received.rows(at: state.now).compactMap { row in
      if case .partition(let source) = row.source { source } else { nil }
    }
  }

  /// The highest number of a source that was applied; 0 before the first.
  package func receivedNumber(of source: PartitionID) -> UInt64 {
    received.highest(of: .partition(source), at: state.now) ?? 0
  }

  /// The partitions that messages were caused for, ascending.
  package var causedDestinations: [PartitionID] { outbox.counts.map(\.destination) }

  /// How many messages were caused for a destination.
  package func causedNumber(for destination: PartitionID) -> UInt64 { outbox.causedNumber(for: destination) }

  /// Which entry of the record at which the replay stopped cannot be applied, and could be skipped; nil if the
  /// record itself, what precedes its entries, or an entry's number is to blame, or nothing is.
  package var poisonousEntry: Int? {
    guard case .ended(.stopped) = phase, replay.isJudged, !replay.isOutOfStream,
      case .turn(let record)? = replay.first?.record,
      record.entries.indices.contains(replay.nextEntry)
    else { return nil }
    let isControlToBlame = record.controls.contains { control in
      if case .rules(let version) = control { !(1...Rules.current).contains(version) } else { false }
    }
    return isControlToBlame ? nil : replay.nextEntry
  }
}
