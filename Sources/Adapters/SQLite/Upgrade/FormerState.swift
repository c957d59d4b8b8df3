import Dispatch
import Ports
import Model
import PartitionCore
import Synchronization

/// The state of a folder of version 0.1.0 once its log has been replayed and no message is under way.
struct FormerState {
  private let store: SQLiteStoreReader
  private var partitions: [PartitionID: any FormerPartition] = [:]
  private var nextOffsets: [PartitionID: Int64] = [:]
  private(set) var recordsReplayed = 0
  /// What a restart would have appended.
  private(set) var appended: [(partition: PartitionID, record: Record)] = []

  /// - Throws: `FolderUpgrade.Refusal`, `LogFailure`, `StoreFailure`.
  init(_ log: FormerLog, _ store: SQLiteStoreReader, partitionCount: Int) throws {
    self.store = store
    guard let partitioner = Partitioner(count: partitionCount) else {
      throw LogFailure(.format, "\(partitionCount) is not a partition count")
    }
    let headers = Dictionary(uniqueKeysWithValues: try store.headers().map { ($0.partition, $0) })
    for service in Service.allCases {
      for index in 0..<partitionCount {
        let partition = PartitionID(service, UInt16(index))
        let recovery = Recovery(header: headers[partition], pinned: try store.pinned(of: partition))
        let offset = recovery.header?.offset ?? -1
        let offsets = log.offsets(of: partition)
        guard offset + 1 >= offsets.lowerBound, offset < offsets.upperBound || offsets.isEmpty && offset == -1 else {
          throw FolderUpgrade.Refusal(
            description: "\(partition): the store is at offset \(offset) and the log has \(offsets.lowerBound) to "
              + "\(offsets.upperBound - 1); restore log and store from the same backup")
        }
        partitions[partition] = makeFormerPartition(partition, partitioner, recovery)
        nextOffsets[partition] = offsets.upperBound
      }
    }
    var outputs: [Effects.Outbound] = []
    try log.forEach { delivery in
      outputs += try apply(delivery)
      recordsReplayed += 1
    }
    try deliver(outputs)
  }

  private func apply(_ delivery: Delivery) throws -> [Effects.Outbound] {
    guard let partition = partitions[delivery.partition] else { return [] }
    let outputs = try partition.apply(delivery) { keys in
      try keys.map { EntityChange(key: $0, value: try store.entity($0, of: delivery.partition)) }
    }
    if case .stopped(let offset, let reason) = partition.status {
      throw FolderUpgrade.Refusal(
        description: "\(delivery.partition) stops at offset \(offset) of its log: \(reason); set that aside with "
          + "`kassa quarantine` of version 0.1.0 first")
    }
    return outputs
  }

  /// Delivers messages that were caused but are not in the log, and what they cause. Those in the log are dropped as
  /// repetitions.
  private mutating func deliver(_ first: [Effects.Outbound]) throws {
    var outputs = first
    while !outputs.isEmpty {
      var caused: [Effects.Outbound] = []
      for output in outputs {
        guard case .message(let message) = output.entry.body, let partition = partitions[output.to],
          partition.isNew(message), let offset = nextOffsets[output.to]
        else { continue }
        let record = Record(entries: [output.entry])
        appended.append((output.to, record))
        nextOffsets[output.to] = offset + 1
        caused += try apply(
          Delivery(partition: output.to, offset: offset, position: .zero, content: .record(record)))
      }
      outputs = caused
    }
  }

  /// Writes a checkpoint of every partition that has changed since its newest, without what only the former rules
  /// needed.
  /// - Throws: `StoreFailure`.
  func writeCheckpoints(to store: SQLiteStore) throws {
    for (partition, state) in partitions.sorted(by: { $0.key < $1.key }) {
      guard let batch = state.takeChanges() else { continue }
      let epoch = try store.acquire(partition).epoch
      let header = CheckpointHeader(
        partition: partition, offset: batch.header.offset, now: batch.header.now,
        rulesVersion: max(batch.header.rulesVersion, Rules.oneWriter), limits: batch.header.limits, dedup: [],
        ledger: batch.header.ledger)
      try wait { store.write(CheckpointBatch(header: header, changes: batch.changes), epoch: epoch, completion: $0) }
    }
  }

  private func wait<Value: Sendable>(
    _ start: (@escaping @Sendable (Result<Value, StoreFailure>) -> Void) -> Void
  ) throws(StoreFailure) -> Value {
    let answer = Mutex<Result<Value, StoreFailure>?>(nil)
    let done = DispatchSemaphore(value: 0)
    start { result in
      answer.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    guard let result = answer.withLock({ $0 }) else { throw StoreFailure(.closed, "the store did not answer") }
    return try result.get()
  }
}
