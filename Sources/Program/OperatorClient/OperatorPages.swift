import JSON
import Model

/// What `/owners` shows.
struct OwnersReport: Hashable {
  struct Pod: Hashable {
    let name: String
    let incarnation: UInt64
    /// nil: it has announced none.
    let operatorAddress: String?
    let role: String
  }

  struct Owner: Hashable {
    let epoch: UInt64
    let incarnation: UInt64
    /// `replaying`, `open`, `full` or `stopped`.
    let state: String
  }

  let partitionCount: Int
  let pods: [Pod]
  let owners: [PartitionID: Owner]

  init?(_ bytes: [UInt8]) {
    guard let page = JSONValue(bytes), let count = page["partition_count"]?.number, (1...4_096).contains(count),
      let pods = page["pods"]?.elements, let owners = page["owners"]?.elements
    else { return nil }
    partitionCount = Int(count)
    self.pods = pods.compactMap { pod in
      guard let name = pod["pod"]?.text, let incarnation = pod["incarnation"]?.wide else { return nil }
      return Pod(
        name: name, incarnation: incarnation, operatorAddress: pod["operator"]?.text, role: pod["role"]?.text ?? "")
    }
    var byPartition: [PartitionID: Owner] = [:]
    for owner in owners {
      guard let partition = owner["partition"]?.text.flatMap({ PartitionID(text: $0) }),
        let epoch = owner["epoch"]?.count, let incarnation = owner["incarnation"]?.wide,
        let state = owner["state"]?.text
      else { continue }
      byPartition[partition] = Owner(epoch: epoch, incarnation: incarnation, state: state)
    }
    self.owners = byPartition
  }
}

/// What `/partitions` shows.
struct PartitionsReport: Hashable {
  struct Partition: Hashable {
    let epoch: UInt64
    /// `replaying`, `running`, `waiting_for_store` or `stopped`.
    let status: String
    /// Why it waits or where it stopped.
    let reason: String?
    let figures: PartitionFigures
  }

  /// nil: it is not a pod of a cluster.
  let pod: String?
  let incarnation: UInt64?
  /// Why the log or the store accepts nothing any more.
  let failures: [String]
  let partitions: [PartitionID: Partition]

  init?(_ bytes: [UInt8]) {
    guard let page = JSONValue(bytes), let rows = page["partitions"]?.elements else { return nil }
    pod = page["pod"]?.text
    incarnation = page["incarnation"]?.wide
    failures = ["log_failure", "store_failure"].compactMap { page[$0]?.text }
    var partitions: [PartitionID: Partition] = [:]
    for row in rows {
      guard let id = row["partition"]?.text.flatMap({ PartitionID(text: $0) }), let status = row["status"]?.text
      else { return nil }
      let reason = row["waiting_reason"]?.text ?? row["stopped_reason"]?.text
      partitions[id] = Partition(
        epoch: row["epoch"]?.count ?? 0, status: status,
        reason: row["stopped_offset"]?.number.map { "at offset \($0): \(reason ?? "")" } ?? reason,
        figures: PartitionFigures(row))
    }
    self.partitions = partitions
  }
}

/// A partition's figures from its owner.
public struct PartitionFigures: Hashable, Sendable {
  /// Records delivered but not applied yet.
  public let queuedRecords: Int64
  /// How long the oldest change waits for its checkpoint.
  public let checkpointAgeMilliseconds: Int64
  public let dirtyEntities: Int64
  public let parkedCheckouts: Int64
  public let residentEntities: Int64
  public let appliedOffset: Int64
  public let checkpointedOffset: Int64
  /// Records of the ingest topic that are not durable in the partition; nil without one.
  public let ingestLagRecords: Int64?
  /// Whether the topic lacks the record that comes next; nil without one.
  public let isIngestStopped: Bool?

  init(_ row: JSONValue) {
    func number(_ name: String) -> Int64 { row[name]?.number ?? 0 }
    queuedRecords = number("queued_records")
    checkpointAgeMilliseconds = number("checkpoint_age_milliseconds")
    dirtyEntities = number("dirty_entities")
    parkedCheckouts = number("parked_checkouts")
    residentEntities = number("resident_entities")
    appliedOffset = number("applied_offset")
    checkpointedOffset = number("checkpointed_offset")
    ingestLagRecords = row["ingest_lag_records"]?.number
    isIngestStopped = if case .bool(let isStopped)? = row["ingest_stopped"] { isStopped } else { nil }
  }
}

extension PartitionID {
  /// Reads `orders-3`.
  init?(text: String) {
    guard let dash = text.lastIndex(of: "-"), let index = UInt16(text[text.index(after: dash)...]),
      let service = Service.allCases.first(where: { $0.name.description == text[..<dash] })
    else { return nil }
    self.init(service, index)
  }
}
