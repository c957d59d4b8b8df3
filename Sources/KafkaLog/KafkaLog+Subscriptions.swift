import EventLog
import Model
import Synchronization

extension KafkaLog: SharedLog {
  /// Asks the brokers which records some partitions have. Blocking: not for a lane.
  /// - Throws: `LogFailure` when they do not answer within `queryTimeoutMilliseconds` each.
  @discardableResult
  public func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds] {
    let (reader, failure) = state.withLock { ($0.reader, $0.failure) }
    guard let reader else { throw failure ?? Self.closed }
    var slots: [PartitionID: Int] = [:]
    for partition in partitions {
      guard let slot = slot(of: partition) else { throw Self.noPartition(partition, options) }
      slots[partition] = slot
    }
    let all = try reader.bounds(of: partitions, timeoutMilliseconds: options.queryTimeoutMilliseconds)
    state.withLock { state in
      for (partition, bounds) in all { if let slot = slots[partition] { state.bounds[slot] = bounds } }
    }
    return all
  }

  /// Hands `partitions` to `owner`, each from the record behind its offset on, without gaps.
  ///
  /// Does not wait when `readBounds` was called for them before, on a thread that may; else, and before it refuses,
  /// it calls that. A partition that lost messages starts again here.
  /// - Throws: `LogFailure` when a topic does not have that record any more, or ends before it.
  public func subscribe(_ owner: any LogOwner, to partitions: [PartitionID: Int64]) throws(LogFailure) {
    let (inbox, _) = try inbox(for: owner)
    let unknown = partitions.keys.filter { partition in
      slot(of: partition).map { slot in state.withLock { $0.bounds[slot] == nil } } ?? true
    }
    try readBounds(of: unknown.sorted())
    var nexts: [PartitionID: Int64] = [:]
    for (partition, offset) in partitions {
      guard let slot = slot(of: partition) else { throw Self.noPartition(partition, options) }
      if state.withLock({ $0.bounds[slot] })?.refusal(behind: offset, of: partition) != nil {
        // What is known may be old: another pod wrote meanwhile.
        let refusal = try readBounds(of: [partition])[partition]?.refusal(behind: offset, of: partition)
        if let refusal { throw refusal }
      }
      nexts[partition] = offset + 1
    }
    unsubscribe(Array(partitions.keys))
    let reader = state.withLock { state -> KafkaReader? in
      for (partition, next) in nexts {
        guard let slot = slot(of: partition) else { continue }
        state.routes[slot] = inbox
        for number in state.lost.restarted(partition) { state.prefix.acknowledge(number) }
        inbox.begin(partition, next: next)
      }
      return state.reader
    }
    guard let reader else { throw Self.closed }
    try reader.assign(nexts, to: inbox.queue)
  }

  /// Takes partitions away from their owners; what was not handed over is not any more.
  public func unsubscribe(_ partitions: [PartitionID]) {
    let reader = state.withLock { state -> KafkaReader? in
      for partition in partitions {
        guard let slot = slot(of: partition) else { continue }
        if let next = state.routes[slot]?.next(of: partition) { note(next - 1, of: partition, &state) }
        state.routes[slot]?.end(partition)
        state.routes[slot] = nil
        // Nobody is left who could be told, or write a checkpoint.
        for number in state.lost.told(partition) { state.prefix.acknowledge(number) }
      }
      return state.reader
    }
    reader?.unassign(partitions)
  }

  /// For each partition with an owner: how many records retention may still remove before one is missing, as of the
  /// newest `readBounds`. An alarm is due when it shrinks towards 0.
  public var margins: [PartitionID: Int64] {
    state.withLock { state in
      var margins: [PartitionID: Int64] = [:]
      for (slot, route) in state.routes.enumerated() where route != nil {
        let service = Service(rawValue: UInt8(slot / options.partitioner.count))
        guard let service, let bounds = state.bounds[slot] else { continue }
        let partition = PartitionID(service, UInt16(slot % options.partitioner.count))
        margins[partition] = bounds.margin(behind: state.trimmedThrough[slot])
      }
      return margins
    }
  }

  /// The id of the cluster, for whoever keeps state of it elsewhere. Blocking.
  /// - Throws: `LogFailure` when no broker answers in time.
  public func readClusterID() throws(LogFailure) -> String {
    let reader = state.withLock { $0.reader }
    guard let id = reader?.clusterID(timeoutMilliseconds: options.queryTimeoutMilliseconds) else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) tells the cluster's id")
    }
    return id
  }

  private static func noPartition(_ partition: PartitionID, _ options: KafkaOptions) -> LogFailure {
    LogFailure(.format, "there is no \(partition): each topic has \(options.partitioner.count) partitions")
  }
}
