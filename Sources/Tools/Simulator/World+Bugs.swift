import Model
import PartitionCore

// Where the world around the core plants the run's bug.

extension World {
  /// A delivery as its owner sees it: unchanged without a planted bug.
  func presented(_ delivery: Delivery, to owner: Owner) -> Delivery {
    guard let bug, case .record(let record) = delivery.content else { return delivery }
    let entries: [Entry]
    switch bug {
    case _ where bug.isOfTenure:
      entries = record.entries.map { entry in
        guard case .control(let control) = entry.body else { return entry }
        return Entry(time: entry.time, body: .control(presented(control, to: owner)))
      }
    case .limitsConfigured where delivery.offset < owner.replayEnd:
      entries = record.entries.map { entry in
        guard case .control(.limits) = entry.body else { return entry }
        return Entry(time: entry.time, body: .control(.limits(owner.limits)))
      }
    case .timeFromClock:
      let skew = Int64(owner.number) * 3_000
      entries = record.entries.map { Entry(time: Timestamp(milliseconds: clock + skew), body: $0.body) }
    case .dedupOff: entries = renumbered(record, delivery) { _ in true }
    case .chargeTwiceOnReplay:
      entries = renumbered(record, delivery) { if case .charge = $0.message { true } else { false } }
    default: return delivery
    }
    return Delivery(
      partition: delivery.partition, offset: delivery.offset, position: delivery.position,
      content: .record(Record(entries: entries)))
  }

  /// The entries with every message renumbered, so that repetitions are not recognized; actual repetitions are left
  /// out, unless `isLetThrough`.
  private func renumbered(
    _ record: Record, _ delivery: Delivery, _ isLetThrough: (PartitionMessage) -> Bool
  ) -> [Entry] {
    record.entries.enumerated().compactMap { place, entry in
      guard case .message(let message) = entry.body else { return entry }
      if !isLetThrough(message), isRepetition(message, at: place, of: delivery) { return nil }
      return Entry(
        time: entry.time,
        body: .message(
          PartitionMessage(
            source: message.source, position: SourcePosition(offset: delivery.offset, index: UInt32(place)),
            message: message.message)))
    }
  }

  private func isRepetition(_ message: PartitionMessage, at place: Int, of delivery: Delivery) -> Bool {
    for offset in 0...Int(delivery.offset) {
      guard case .record(let record) = log.row(delivery.partition, offset).content else { continue }
      let entries = offset == Int(delivery.offset) ? record.entries.prefix(place) : record.entries[...]
      for case .message(let other) in entries.map(\.body)
      where other.source == message.source && other.position >= message.position { return true }
    }
    return false
  }

  /// Whether a message from the loop goes into the outbox: always, without a planted bug.
  func keeps(_ outbound: Effects.Outbound, of owner: Owner) -> Bool {
    guard bug == .parkedForgotten, owner.partition.service == .stock,
      case .message(let message) = outbound.entry.body
    else { return true }
    let attempt: AttemptID
    switch message.message {
    case .reserve(let slip, _), .charge(let slip): attempt = slip.attempt
    default: return true
    }
    // A slip that continues because of somebody else's message was parked until now.
    guard case .record(let record) = log.row(owner.partition, Int(message.position.offset)).content else { return true }
    return record.entries.contains { entry in
      guard case .message(let cause) = entry.body, case .reserve(let slip, _) = cause.message else { return false }
      return slip.attempt == attempt
    }
  }
}
