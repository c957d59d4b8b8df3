import Ports
import Model
import PartitionCore

/// Goes from the store's checkpoints through the log's tail to the state a restart would reach.
///
/// If the log grows in the meantime, the replay ends at a *consistent cut*: each partition is read to the end it had
/// when that was queried, and further up to the causes of the others' messages. So no effect is seen without its cause.
struct TailReplay {
  private let source: any AuditSource
  private(set) var replays: [PartitionID: TenancyReplay] = [:]
  private(set) var recordsReplayed = 0
  /// Inconsistencies between log and store.
  private(set) var findings: [String] = []

  /// How far a partition's log was read.
  private var readThrough: [PartitionID: Int64] = [:]
  /// Partitions whose log ends before the causes of messages that others received.
  private var ended: Set<PartitionID> = []
  private var messages: [(source: PartitionID, message: OutboxRow)] = []

  /// Records read beyond the first end before all partitions are compared again.
  private static let extensionRecordsMax: Int64 = 1_024

  /// Replays the tail. `progress` gets the number of records read so far.
  init(_ source: any AuditSource, progress: (Int) -> Void) throws {
    self.source = source
    var tails: [PartitionID: Range<Int64>] = [:]
    for partition in source.partitions {
      replays[partition] = TenancyReplay(
        partition, source.partitioner, try source.recovery(of: partition), isShared: source.isShared)
      takeMessages(of: partition)
      tails[partition] = try tail(of: partition)
    }
    if !tails.isEmpty { try replay(tails, progress) }
    while try extend(progress) {}
    try deliverMessages()
    findLosses()
    for partition in source.partitions { findings += replays[partition]?.findings ?? [] }
  }

  /// The records after a partition's checkpoint; nil if there is none to read.
  private mutating func tail(of partition: PartitionID) throws -> Range<Int64>? {
    let offsets = try source.offsets(of: partition)
    let stored = source.headers[partition]?.offset ?? -1
    readThrough[partition] = max(stored, offsets.upperBound - 1)
    if stored + 1 < offsets.lowerBound {
      let first = offsets.lowerBound
      findings.append(
        "\(partition): its log begins with offset \(first), and offset \(stored + 1) is needed; restore the store "
          + "from a newer backup, or the log from an older one")
      return nil
    }
    if stored + 1 > offsets.upperBound {
      findings.append(
        "\(partition): its log ends before offset \(stored), which the store already holds; restore a store from "
          + "before the log's end, or the log from after it")
      return nil
    }
    return stored + 1 < offsets.upperBound ? (stored + 1)..<offsets.upperBound : nil
  }

  private mutating func replay(_ ranges: [PartitionID: Range<Int64>], _ progress: (Int) -> Void) throws {
    try source.forEachBatch(in: ranges) { batch in
      guard let partition = batch.first?.partition else { return }
      try apply(batch, of: partition)
      progress(recordsReplayed)
    }
  }

  private mutating func apply(_ batch: [LoggedRecord], of partition: PartitionID) throws {
    recordsReplayed += batch.count
    try replays[partition]?.apply(batch) { keys in try source.entities(keys, of: partition) }
    takeMessages(of: partition)
  }

  private mutating func takeMessages(of partition: PartitionID) {
    messages += (replays[partition]?.takeMessages() ?? []).map { (partition, $0) }
  }

  /// Reads further if others have messages whose causes were not read: through the last cause and not a record more.
  /// Any more would bring new messages whose causes must be read in turn, without end while pods write. Returns whether
  /// anything was read.
  private mutating func extend(_ progress: (Int) -> Void) throws -> Bool {
    var isAnyRead = false
    for partition in source.partitions where !ended.contains(partition) {
      guard let sentence = firstLack(of: partition) else { continue }
      let read = readThrough[partition] ?? -1
      let end = try source.offsets(of: partition).upperBound
      if read + 1 < end {
        let last = min(end, read + 1 + Self.extensionRecordsMax)
        try source.forEachBatch(in: [partition: (read + 1)..<last]) { batch in
          for record in batch where isLacked(partition) {
            try apply([record], of: partition)
            readThrough[partition] = record.offset
          }
          progress(recordsReplayed)
        }
      }
      if readThrough[partition] ?? -1 > read {
        isAnyRead = true
      } else {
        findings.append(sentence)
        ended.insert(partition)
      }
    }
    return isAnyRead
  }

  private func isLacked(_ partition: PartitionID) -> Bool {
    guard let sender = replays[partition] else { return false }
    return replays.values.contains { $0.lacks(sender) }
  }

  private func firstLack(of partition: PartitionID) -> String? {
    guard let sender = replays[partition] else { return nil }
    return source.partitions.lazy.compactMap { replays[$0] }.first { $0.lacks(sender) }?.lack(of: sender)
  }

  /// Delivers the messages that were caused. Those already in the log are dropped as repetitions; the rest is what a
  /// restart would append.
  private mutating func deliverMessages() throws {
    while !messages.isEmpty {
      let round = messages
      messages = []
      for (sender, message) in round {
        let destination = message.destination
        guard let replay = replays[destination] else {
          findings.append("\(sender) has a message for \(destination), a partition that does not exist")
          continue
        }
        try replay.receive(message, from: sender) { keys in try source.entities(keys, of: destination) }
        takeMessages(of: destination)
      }
    }
  }

  private mutating func findLosses() {
    for sender in source.partitions {
      guard let cause = replays[sender] else { continue }
      for destination in cause.destinations {
        if let loss = replays[destination]?.loss(of: cause) { findings.append(loss) }
      }
    }
  }
}
