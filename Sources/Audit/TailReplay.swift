import Model
import PartitionCore

/// The way from the store's checkpoints through the log's tail to what a restart would come to.
///
/// Where the log grows meanwhile, the replay ends at a *consistent cut*: each partition is read through the end that it
/// had when it was asked for, and further, as far as the others' messages come from. So no effect is seen without its
/// cause.
struct TailReplay<Source: AuditSource> {
  private let source: Source
  private(set) var replays: [PartitionID: Source.Replay] = [:]
  private(set) var recordsReplayed = 0
  /// Where log and store do not fit together.
  private(set) var findings: [String] = []

  /// How far a partition's log was read.
  private var readThrough: [PartitionID: Int64] = [:]
  /// Whose log ends before what others got from it.
  private var ended: Set<PartitionID> = []
  private var messages: [(source: PartitionID, message: Source.Replay.Caused)] = []

  /// Replays the tail. `progress` gets the number of records read so far.
  init(_ source: Source, progress: (Int) -> Void) throws {
    self.source = source
    var tails: [PartitionID: Range<Int64>] = [:]
    for partition in source.partitions {
      let recovery = try source.recovery(of: partition)
      replays[partition] = Source.Replay(partition, source.partitioner, recovery)
      takeMessages(of: partition)
      tails[partition] = try tail(of: partition)
    }
    while !tails.isEmpty {
      try replay(tails, progress)
      tails = try extensions()
    }
    try deliverMessages()
    findLosses()
    for partition in source.partitions { findings += replays[partition]?.findings ?? [] }
  }

  /// The records behind a partition's checkpoint; nil when there is none to be read.
  private mutating func tail(of partition: PartitionID) throws -> Range<Int64>? {
    let offsets = try source.offsets(of: partition)
    let stored = source.headers[partition]?.offset ?? -1
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

  private mutating func replay(_ ranges: [PartitionID: Range<Int64>], _ progress: (Int) -> Void) throws {
    try source.forEachBatch(in: ranges) { batch in
      guard let partition = batch.first?.partition else { return }
      recordsReplayed += batch.count
      try replays[partition]?.apply(batch) { keys in try source.entities(keys, of: partition) }
      takeMessages(of: partition)
      progress(recordsReplayed)
    }
  }

  private mutating func takeMessages(of partition: PartitionID) {
    messages += (replays[partition]?.takeMessages() ?? []).map { (partition, $0) }
  }

  /// What has to be read beyond the first ends.
  private mutating func extensions() throws -> [PartitionID: Range<Int64>] {
    var needs: [PartitionID: MessageNeed] = [:]
    for receiver in replays.values {
      for partition in receiver.sources where !ended.contains(partition) {
        guard let sender = replays[partition], let need = receiver.need(from: sender) else { continue }
        if need.through > needs[partition]?.through ?? readThrough[partition] ?? -1 { needs[partition] = need }
      }
    }
    var ranges: [PartitionID: Range<Int64>] = [:]
    for (partition, need) in needs.sorted(by: { $0.key < $1.key }) {
      let read = readThrough[partition] ?? -1
      let last = min(try source.offsets(of: partition).upperBound - 1, need.through)
      if last > read {
        ranges[partition] = (read + 1)..<(last + 1)
        readThrough[partition] = last
      } else {
        findings.append(need.sentence)
        ended.insert(partition)
      }
    }
    return ranges
  }

  /// Delivers the messages that were caused. What the log has of them is dropped as a repetition; the rest is what a
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
