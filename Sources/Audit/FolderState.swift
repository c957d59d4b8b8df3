import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore

/// What a data folder will hold once everything in its log has been applied: the store's checkpoints, the log's tail
/// replayed over them by the real rules, and every message that was not in the log yet delivered. Nothing is written.
///
/// Store and log are each read as of one moment, the store's first: what it includes is in the log then. So a server
/// may write meanwhile, and the state is one that the shop was in.
public final class FolderState {
  public let partitioner: Partitioner
  public let headers: [PartitionID: CheckpointHeader]
  /// Records of the log that the store did not include.
  public private(set) var recordsReplayed = 0
  let log: SQLiteLogReader
  let store: SQLiteStoreReader
  private var loops: [PartitionID: any ReplayPartition] = [:]
  private var changes: [EntityKey: [PartitionID: Entity?]] = [:]
  private var endHeaders: [PartitionID: CheckpointHeader] = [:]

  /// Records read from the log at once.
  static let readRecordsMax = 2_048

  /// Opens a folder and replays its tail. `progress` gets the number of records read so far.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`.
  public init(path: String, progress: (Int) -> Void = { _ in }) throws {
    let format = try DataFolder.readFormat(path)
    guard let partitioner = Partitioner(count: format.partitionCount) else {
      throw LogFailure(.format, "\(path): \(format.partitionCount) is no partition count")
    }
    self.partitioner = partitioner
    (store, log, headers) = try Self.open(path)
    for partition in partitions {
      loops[partition] = makeReplayPartition(partition, partitioner, try recovery(of: partition))
    }
    try replay(progress)
  }

  private typealias Opened = (
    store: SQLiteStoreReader, log: SQLiteLogReader, headers: [PartitionID: CheckpointHeader]
  )

  private static func open(_ path: String) throws -> Opened {
    var opened = try openOnce(path)
    // A server may have trimmed the log behind a newer checkpoint than the one that was read; so it is read again. What
    // is missing after some attempts is missing for good, which the replay finds.
    for _ in 1..<openAttemptsMax where try isTrimmedTooFar(opened) { opened = try openOnce(path) }
    return opened
  }

  private static func openOnce(_ path: String) throws -> Opened {
    let store = try SQLiteStoreReader(path: path)
    let log = try SQLiteLogReader(path: path)
    try store.hold()
    try log.hold()
    return (store, log, Dictionary(uniqueKeysWithValues: try store.headers().map { ($0.partition, $0) }))
  }

  private static func isTrimmedTooFar(_ opened: Opened) throws -> Bool {
    try opened.log.beginnings().contains { partition, offset in
      offset > (opened.headers[partition]?.offset ?? -1) + 1
    }
  }

  static let openAttemptsMax = 8

  /// All partitions, ascending.
  public var partitions: [PartitionID] {
    Service.allCases.flatMap { service in (0..<partitioner.count).map { PartitionID(service, UInt16($0)) } }
  }

  private func recovery(of partition: PartitionID) throws -> Recovery {
    var pinned: [EntityChange] = []
    if partition.service == .stock {
      var items: Set<ItemID> = []
      try store.forEachEntity(of: partition) { key, entity in
        guard case .hold(let hold) = entity else { return }
        pinned.append(EntityChange(key: key, value: entity))
        items.formUnion(hold.lines.map(\.item))
      }
      for item in items.sorted() {
        pinned.append(
          EntityChange(key: .item(item), value: try store.entity(.item(item), of: partition)))
      }
    }
    return Recovery(header: headers[partition], pinned: pinned)
  }

  private func replay(_ progress: (Int) -> Void) throws {
    var outputs: [Effects.Outbound] = []
    var ends: [PartitionID: Int64] = [:]
    try forEachRecord { delivery, count in
      ends[delivery.partition] = delivery.offset
      if delivery.offset > headers[delivery.partition]?.offset ?? -1 {
        recordsReplayed += 1
        outputs += try apply(delivery)
      }
      progress(count)
    }
    // What the log has of these is dropped as a repetition; the rest is what a restart would append.
    while !outputs.isEmpty {
      var caused: [Effects.Outbound] = []
      for output in outputs {
        let offset = (ends[output.to] ?? headers[output.to]?.offset ?? -1) + 1
        ends[output.to] = offset
        caused += try apply(
          Delivery(
            partition: output.to, offset: offset, position: .zero, content: .record(Record(entries: [output.entry]))))
      }
      outputs = caused
    }
    for (partition, loop) in loops {
      guard let batch = loop.takeChanges() else { continue }
      endHeaders[partition] = batch.header
      for change in batch.changes { changes[change.key, default: [:]][partition] = .some(change.value) }
    }
  }

  /// Every record of the log, in its order, and how many came so far.
  func forEachRecord(_ body: (Delivery, Int) throws -> Void) throws {
    var position = LogPosition.zero
    var count = 0
    while true {
      let deliveries = try log.read(after: position, limit: Self.readRecordsMax)
      guard let last = deliveries.last else { return }
      for delivery in deliveries {
        count += 1
        try body(delivery, count)
      }
      position = last.position
    }
  }

  private func apply(_ delivery: Delivery) throws -> [Effects.Outbound] {
    guard let loop = loops[delivery.partition] else { return [] }
    return try loop.apply(delivery) { key in try store.entity(key, of: delivery.partition) }
  }

  // MARK: The end state

  public func status(of partition: PartitionID) -> PartitionStatus { loops[partition]?.status ?? .running }

  public func appliedOffset(of partition: PartitionID) -> Int64 { loops[partition]?.appliedOffset ?? -1 }

  /// Entries of the record behind `appliedOffset` that can be applied.
  func appliedEntries(of partition: PartitionID) -> Int { loops[partition]?.appliedEntries ?? 0 }

  /// What was set aside in a partition's log, by offset.
  /// - Throws: `LogFailure`.
  public func quarantined(of partition: PartitionID) throws(LogFailure) -> [QuarantinedRecord] {
    try log.quarantined(of: partition)
  }

  public func ledger(of partition: PartitionID) -> Ledger {
    (endHeaders[partition] ?? headers[partition])?.ledger ?? Ledger()
  }

  /// One entity as it is in the end; nil where there is none.
  /// - Throws: `StoreFailure`.
  public func entity(_ key: EntityKey, of partition: PartitionID) throws -> Entity? {
    if let changed = changes[key]?[partition] { return changed }
    return try store.entity(key, of: partition)
  }

  /// Every entity of a partition as it is in the end, in no particular order.
  /// - Throws: `StoreFailure`, or what `body` throws.
  public func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    try store.forEachEntity(of: partition) { key, entity in
      if changes[key]?[partition] == nil { try body(key, entity) }
    }
    for (key, byPartition) in changes {
      if case .some(.some(let entity)) = byPartition[partition] { try body(key, entity) }
    }
  }
}
