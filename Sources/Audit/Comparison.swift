import Model
import PartitionCore
import Wire

/// Holds a store's rows against a replay of the whole log.
struct Comparison {
  private let source: any AuditSource
  private(set) var findings: [String] = []
  private(set) var compared = 0
  private(set) var trimmed = 0
  private(set) var storeHash = StateHash()
  private var recordsRead = 0

  init(_ source: any AuditSource) { self.source = source }

  /// `progress` gets the number of records read so far.
  mutating func run(_ progress: (Int) -> Void) throws {
    let partitions = source.partitions.filter { source.headers[$0] != nil }
    // One partition's whole state in memory at a time, where that costs no more.
    let groups = source.isReadApart ? partitions.map { [$0] } : [partitions]
    for group in groups { try compare(group, progress) }
    for partition in source.partitions where source.headers[partition] == nil {
      var count = 0
      try source.forEachEntity(of: partition) { _, _ in count += 1 }
      if count > 0 { findings.append("\(partition): the store has rows, \(count) of them, and no checkpoint") }
    }
  }

  private mutating func compare(_ group: [PartitionID], _ progress: (Int) -> Void) throws {
    var loops: [PartitionID: any ReplayPartition] = [:]
    var ranges: [PartitionID: Range<Int64>] = [:]
    for partition in group {
      let offsets = try source.offsets(of: partition)
      guard let header = source.headers[partition], offsets.lowerBound == 0, header.offset < offsets.upperBound else {
        trimmed += 1
        continue
      }
      let recovery = Recovery(header: nil, pinned: [], quarantined: try source.quarantined(of: partition))
      loops[partition] = makeReplayPartition(partition, of: source, recovery)
      ranges[partition] = 0..<(header.offset + 1)
    }
    try source.forEachBatch(in: ranges) { batch in
      guard let partition = batch.first?.partition, let loop = loops[partition] else { return }
      // Started from nothing, so what is not in memory does not exist.
      _ = try loop.apply(batch) { keys in keys.map { EntityChange(key: $0, value: nil) } }
      recordsRead += batch.count
      progress(recordsRead)
    }
    for partition in group { try compare(partition, loops[partition]) }
  }

  private mutating func compare(_ partition: PartitionID, _ loop: (any ReplayPartition)?) throws {
    guard let header = source.headers[partition] else { return }
    var stored = StateHash()
    try source.forEachEntity(of: partition) { key, entity in
      // Expired records are deleted some time after they expired: they count as gone.
      if case .idempotency(let record) = entity, record.expiry <= header.now { return }
      stored.insert(key, entity)
    }
    storeHash.combine(stored)
    guard let loop else { return }
    var replayed = StateHash()
    loop.forEachEntity { replayed.insert($0, $1) }
    compared += 1
    if stored != replayed || loop.appliedOffset != header.offset {
      findings.append(
        "\(partition): the store at offset \(header.offset) hashes to \(stored), the replay of its log at offset "
          + "\(loop.appliedOffset) to \(replayed)")
    } else if loop.header != header {
      findings.append(
        "\(partition): the checkpoint at offset \(header.offset) tells another time, rules, accounts or newest "
          + "messages than the replay of its log")
    }
  }
}
