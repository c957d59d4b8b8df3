import Ports
import Model
import PartitionCore
import Wire

/// Compares a store's rows with a replay of the whole log, and with what its checkpoints say that they add up to.
struct Comparison {
  private let source: any AuditSource
  private(set) var findings: [String] = []
  private(set) var compared = 0
  private(set) var trimmed = 0
  private(set) var voidRecords = 0
  /// Partitions whose checkpoints say what their rows add up to, and those whose checkpoints do not.
  private(set) var totalled = 0
  private(set) var untotalled = 0
  private(set) var storeHash = StateHash()
  private var recordsRead = 0

  init(_ source: any AuditSource) { self.source = source }

  /// `progress` gets the number of records read so far.
  mutating func run(_ progress: (Int) -> Void) throws {
    let partitions = source.partitions.filter { source.headers[$0] != nil }
    // One partition's whole state in memory at a time, if that costs no more.
    let groups = source.isReadApart ? partitions.map { [$0] } : [partitions]
    for group in groups { try compare(group, progress) }
    for partition in source.partitions where source.headers[partition] == nil {
      var count = 0
      try source.forEachEntity(of: partition) { _, _ in count += 1 }
      if count > 0 { findings.append("\(partition): the store has \(count) rows but no checkpoint") }
    }
  }

  private mutating func compare(_ group: [PartitionID], _ progress: (Int) -> Void) throws {
    var replays: [PartitionID: TenancyReplay] = [:]
    var unsent: [PartitionID: Set<OutboxRow>] = [:]
    var ranges: [PartitionID: Range<Int64>] = [:]
    for partition in group {
      let offsets = try source.offsets(of: partition)
      guard let header = source.headers[partition], offsets.lowerBound == 0, header.offset < offsets.upperBound else {
        trimmed += 1
        continue
      }
      let quarantined = try source.recovery(of: partition).quarantined
      replays[partition] = TenancyReplay(
        partition, source.partitioner, Recovery(quarantined: quarantined), isShared: source.isShared)
      unsent[partition] = Set(try source.unsent(of: partition))
      ranges[partition] = 0..<(header.offset + 1)
    }
    try source.forEachBatch(in: ranges) { batch in
      guard let partition = batch.first?.partition, let replay = replays[partition] else { return }
      // The replay started from nothing, so what is not in memory does not exist.
      try replay.apply(batch) { keys in keys.map { EntityChange(key: $0, value: nil) } }
      for message in replay.takeMessages() { unsent[partition]?.remove(message) }
      recordsRead += batch.count
      progress(recordsRead)
    }
    for partition in group {
      try compareTotals(of: partition)
      try compare(partition, replays[partition])
      if let count = unsent[partition]?.count, count > 0 {
        findings.append("\(partition): the store keeps \(count) messages that the log did not cause in this form")
      }
    }
  }

  private mutating func compareTotals(of partition: PartitionID) throws {
    guard let totals = try source.totals(of: partition) else {
      untotalled += 1
      return
    }
    totalled += 1
    guard totals.kept != totals.found else { return }
    findings.append(
      "\(partition): its checkpoint left \(totals.kept), and the store has \(totals.found): rows were changed, "
        + "added or lost since; restore log and store from the same backup")
  }

  private mutating func compare(_ partition: PartitionID, _ replay: TenancyReplay?) throws {
    guard let header = source.headers[partition] else { return }
    var stored = StateHash()
    try source.forEachEntity(of: partition) { key, entity in
      // Expired records are deleted some time after they expired: they count as gone.
      if case .idempotency(let record) = entity, record.expiry <= header.now { return }
      stored.insert(key, entity)
    }
    storeHash.combine(stored)
    guard let replay else { return }
    var replayed = StateHash()
    replay.forEachEntity { replayed.insert($0, $1) }
    compared += 1
    voidRecords += replay.voidRecords
    findings += replay.findings
    if stored != replayed || replay.appliedOffset != header.offset {
      findings.append(
        "\(partition): the store at offset \(header.offset) hashes to \(stored), the replay of its log at offset "
          + "\(replay.appliedOffset) to \(replayed)")
    } else if !replay.agrees(with: header) {
      findings.append(
        "\(partition): the checkpoint at offset \(header.offset) has another time, rules, accounts or numbers than "
          + "the replay of its log")
    }
  }
}
