import Model
import PartitionCore
import Ports
import Streams
import Synchronization

/// Ingest logs in memory, which several pods read: each gives its owner one input at a time, once the one before is
/// durable.
final class MemoryIngestLogs: Sendable {
  /// What a place holds; nil for no command.
  typealias Value = Command?
  private let logs = Mutex<[PartitionID: [Value]]>([:])
  private let reported = Mutex<[PartitionID: [UInt64]]>([:])

  func append(_ value: Value, to partition: PartitionID) { logs.withLock { $0[partition, default: []].append(value) } }

  func next(of partition: PartitionID, after number: UInt64) -> LoggedInput? {
    logs.withLock { logs in
      let log = logs[partition] ?? []
      guard number < UInt64(log.count) else { return nil }
      let place = number + 1
      return LoggedInput(
        ingested: place,
        log[Int(number)].map {
          ClientCommand(request: RequestID(ingested: place), idempotency: nil, trace: nil, command: $0)
        })
    }
  }

  func report(_ refusals: [CommandReply], of partition: PartitionID) {
    reported.withLock { $0[partition, default: []] += refusals.map(\.request.number) }
  }

  /// The places whose refusal was handed over, each once.
  func refused(of partition: PartitionID) -> [UInt64] { Set(reported.withLock { $0[partition] ?? [] }).sorted() }
}

/// One pod's way to them.
final class MemoryIngest: IngestLog {
  private struct State: Sendable {
    var deliver: (@Sendable (IngestEvent) -> Bool)?
    var owners: [PartitionID: OwnerID] = [:]
  }

  private let logs: MemoryIngestLogs
  private let state = Mutex(State())

  init(_ logs: MemoryIngestLogs) { self.logs = logs }

  /// The partitions that are read here.
  var followed: Set<PartitionID> { state.withLock { Set($0.owners.keys) } }

  func attach(_ deliver: @escaping @Sendable (IngestEvent) -> Bool) { state.withLock { $0.deliver = deliver } }

  func follow(_ partition: PartitionID, by owner: OwnerID, after number: UInt64) {
    state.withLock { $0.owners[partition] = owner }
    give(partition, owner, after: number)
  }

  func leave(_ partition: PartitionID, by owner: OwnerID) {
    state.withLock { if $0.owners[partition] == owner { $0.owners[partition] = nil } }
  }

  func durable(_ partition: PartitionID, by owner: OwnerID, through number: UInt64) {
    give(partition, owner, after: number)
  }

  private func give(_ partition: PartitionID, _ owner: OwnerID, after number: UInt64) {
    let deliver = state.withLock { $0.owners[partition] == owner ? $0.deliver : nil }
    if let input = logs.next(of: partition, after: number) { _ = deliver?(.inputs([input], partition, owner)) }
  }

  func refuse(_ refusals: [CommandReply], of partition: PartitionID, by owner: OwnerID) {
    logs.report(refusals, of: partition)
    _ = state.withLock { $0.deliver }?(.reported(refusals.map(\.request), partition, owner))
  }
}
