import Model
import PartitionCore

/// What a log and a store will hold once everything in the log has been applied: the store's checkpoints, the log's
/// tail replayed over them by the real rules, and every message that was not in the log yet delivered. Nothing is
/// written.
///
/// Where the log grows meanwhile, the replay ends at a *consistent cut*: each partition is read through the end that it
/// had when it was asked for, and further, as far as the others' messages come from. So no effect is seen without its
/// cause.
public final class ReplayedState {
  public let source: any AuditSource
  /// Records of the log that the store did not include.
  public private(set) var recordsReplayed = 0
  /// Where log and store do not fit together.
  private(set) var findings: [String] = []
  private var loops: [PartitionID: any ReplayPartition] = [:]
  private var changes: [PartitionID: [EntityKey: Entity?]] = [:]
  private var endHeaders: [PartitionID: CheckpointHeader] = [:]

  /// How far a partition's log was read.
  private var readThrough: [PartitionID: Int64] = [:]
  /// How far it has to be read for what others got from it.
  private var neededThrough: [PartitionID: Int64] = [:]
  private var outputs: [Effects.Outbound] = []

  /// Replays the tail. `progress` gets the number of records read so far.
  /// - Throws: `LogFailure`, `StoreFailure`.
  public init(_ source: any AuditSource, progress: (Int) -> Void = { _ in }) throws {
    self.source = source
    var tails: [PartitionID: Range<Int64>] = [:]
    for partition in source.partitions {
      let recovery = Recovery(
        header: headers[partition], pinned: try source.pinned(of: partition),
        quarantined: try source.quarantined(of: partition))
      loops[partition] = makeReplayPartition(partition, of: source, recovery)
      tails[partition] = try tail(of: partition)
    }
    while !tails.isEmpty {
      try replay(tails, progress)
      tails = try extensions()
    }
    try deliverOutputs()
    for (partition, loop) in loops {
      guard let batch = loop.takeChanges() else { continue }
      endHeaders[partition] = batch.header
      for change in batch.changes { changes[partition, default: [:]][change.key] = .some(change.value) }
    }
  }

  public var partitions: [PartitionID] { source.partitions }
  public var headers: [PartitionID: CheckpointHeader] { source.headers }

  // MARK: The tail

  /// The records behind a partition's checkpoint; nil when there is none to be read.
  private func tail(of partition: PartitionID) throws -> Range<Int64>? {
    let offsets = try source.offsets(of: partition)
    let stored = headers[partition]?.offset ?? -1
    readThrough[partition] = max(stored, offsets.upperBound - 1)
    if stored + 1 < offsets.lowerBound {
      let first = offsets.lowerBound
      findings.append("\(partition): its log begins with offset \(first), and offset \(stored + 1) is needed")
      return nil
    }
    if stored + 1 > offsets.upperBound {
      findings.append("\(partition): its log ends before offset \(stored), which the store holds already")
      return nil
    }
    return stored + 1 < offsets.upperBound ? (stored + 1)..<offsets.upperBound : nil
  }

  /// What has to be read beyond the first ends.
  private func extensions() throws -> [PartitionID: Range<Int64>] {
    var ranges: [PartitionID: Range<Int64>] = [:]
    for (partition, needed) in neededThrough {
      guard let read = readThrough[partition], needed > read else { continue }
      if try source.offsets(of: partition).upperBound <= needed {
        findings.append("a message came from offset \(needed) of \(partition), and its log ends before that")
        neededThrough[partition] = read
      } else {
        ranges[partition] = (read + 1)..<(needed + 1)
        readThrough[partition] = needed
      }
    }
    return ranges
  }

  private func replay(_ ranges: [PartitionID: Range<Int64>], _ progress: (Int) -> Void) throws {
    try source.forEachBatch(in: ranges) { batch in
      recordsReplayed += batch.count
      for delivery in batch { noteSources(of: delivery) }
      outputs += try apply(batch)
      progress(recordsReplayed)
    }
  }

  private func noteSources(of delivery: Delivery) {
    guard case .record(let record) = delivery.content else { return }
    for entry in record.entries {
      guard case .message(let message) = entry.body else { continue }
      neededThrough[message.source] = max(neededThrough[message.source] ?? -1, message.position.offset)
    }
  }

  /// Delivers the messages that the tail caused. What the log has of them is dropped as a repetition; the rest is what
  /// a restart would append.
  private func deliverOutputs() throws {
    while !outputs.isEmpty {
      var caused: [Effects.Outbound] = []
      for output in outputs {
        let offset = (readThrough[output.to] ?? -1) + 1
        readThrough[output.to] = offset
        let record = Record(entries: [output.entry])
        caused += try apply(
          [Delivery(partition: output.to, offset: offset, position: .zero, content: .record(record))])
      }
      outputs = caused
    }
  }

  /// - Parameter batch: of one partition.
  private func apply(_ batch: [Delivery]) throws -> [Effects.Outbound] {
    guard let partition = batch.first?.partition, let loop = loops[partition] else { return [] }
    return try loop.apply(batch) { keys in try source.entities(keys, of: partition) }
  }

  // MARK: The end state

  public func status(of partition: PartitionID) -> PartitionStatus { loops[partition]?.status ?? .running }

  public func appliedOffset(of partition: PartitionID) -> Int64 { loops[partition]?.appliedOffset ?? -1 }

  /// Entries of the record behind `appliedOffset` that can be applied.
  func appliedEntries(of partition: PartitionID) -> Int { loops[partition]?.appliedEntries ?? 0 }

  public func ledger(of partition: PartitionID) -> Ledger {
    (endHeaders[partition] ?? headers[partition])?.ledger ?? Ledger()
  }

  /// One entity as it is in the end; nil where there is none.
  /// - Throws: `StoreFailure`.
  public func entity(_ key: EntityKey, of partition: PartitionID) throws -> Entity? {
    if let changed = changes[partition]?[key] { return changed }
    return try source.entities([key], of: partition).first?.value
  }

  /// Every entity of a partition as it is in the end, in no particular order.
  /// - Throws: `StoreFailure`, or what `body` throws.
  public func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    let changed = changes[partition] ?? [:]
    try source.forEachEntity(of: partition) { key, entity in
      if changed[key] == nil { try body(key, entity) }
    }
    for (key, entity) in changed {
      if let entity { try body(key, entity) }
    }
  }
}
