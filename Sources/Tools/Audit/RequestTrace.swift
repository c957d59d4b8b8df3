import Model
import PartitionCore
import Ports

/// What the log has about a request: every record that mentions it, and what it got.
package struct RequestTrace {
  /// Which requests are looked for.
  package enum Subject: Hashable, Sendable {
    /// The one whose answer has this id.
    case request(RequestID)
    /// Those under a key, as the partitions know it.
    case key(IdempotencyKey)
    /// Everything about an order, including the messages of its checkouts.
    case order(OrderID)
  }

  package struct Finding: Sendable {
    package let partition: PartitionID
    package let offset: Int64
    /// Of the record, and the time that its owner gave it.
    package let number: UInt64
    package let time: Timestamp
    package let standing: JudgedRecord.Standing
    /// The input's place in the record.
    package let entry: Int
    package let input: LoggedInput
    /// What its command got; nil if it has none yet, or if the log no longer shows it.
    package fileprivate(set) var reply: CommandReply?
  }

  /// A key as a partition's store remembers it.
  package struct KeptKey: Sendable {
    package let partition: PartitionID
    package let record: IdempotencyRecord
  }

  /// In the order of partitions and offsets.
  package private(set) var findings: [Finding] = []
  /// Whether there are more than `findingsMax`.
  package private(set) var isCut = false
  /// Partitions whose logs no longer have their first records: the others may have held something.
  package private(set) var shortened: [PartitionID] = []
  /// Where the key is remembered, if one is looked for. The store keeps it longer than a trimmed log.
  package private(set) var keptKeys: [KeptKey] = []

  /// The most inputs that are shown: of a large `batch_init`, the first.
  package static let findingsMax = 10_000

  /// Searches the whole log, then replays the partitions in which something was found.
  /// - Parameter progress: gets the number of records read so far.
  /// - Throws: `LogFailure`, `StoreFailure`.
  package init(of subject: Subject, in source: any AuditSource, progress: (Int) -> Void = { _ in }) throws {
    var ranges: [PartitionID: Range<Int64>] = [:]
    var judges: [PartitionID: RecordJudge] = [:]
    for partition in source.partitions {
      let offsets = try source.offsets(of: partition)
      if offsets.lowerBound > 0 || offsets.isEmpty && source.headers[partition] != nil { shortened.append(partition) }
      guard !offsets.isEmpty else { continue }
      ranges[partition] = offsets
      judges[partition] = RecordJudge(offsets, source.headers[partition])
    }
    var recordsRead = 0
    try source.forEachBatch(in: ranges) { batch in
      for record in batch { search(record, subject, &judges) }
      recordsRead += batch.count
      progress(recordsRead)
    }
    findings.sort { ($0.partition, $0.offset, $0.entry) < ($1.partition, $1.offset, $1.entry) }
    if case .key(let key) = subject {
      for partition in source.partitions {
        guard case .idempotency(let record)? = try source.entities([.idempotency(key)], of: partition).first?.value
        else { continue }
        keptKeys.append(KeptKey(partition: partition, record: record))
      }
    }
    try findReplies(source, ranges) { progress(recordsRead + $0) }
  }

  private mutating func search(
    _ record: LoggedRecord, _ subject: Subject, _ judges: inout [PartitionID: RecordJudge]
  ) {
    guard let standing = judges[record.partition]?.standing(of: record), case .record(.turn(let turn)) = record.content
    else { return }
    for (place, input) in turn.entries.enumerated() where subject.isMeant(by: input.body) {
      guard findings.count < Self.findingsMax else {
        isCut = true
        return
      }
      findings.append(
        Finding(
          partition: record.partition, offset: record.offset, number: turn.number, time: turn.time,
          standing: standing, entry: place, input: input))
    }
  }

  /// Replays what was found, as far as the log and the store allow, for what its commands got.
  private mutating func findReplies(
    _ source: any AuditSource, _ ranges: [PartitionID: Range<Int64>], progress: (Int) -> Void
  ) throws {
    let wanted = Set(findings.compactMap(\.request))
    let partitions = Set(findings.filter { $0.request != nil }.map(\.partition))
    var replays: [PartitionID: TenancyReplay] = [:]
    var replies: [PartitionID: [RequestID: CommandReply]] = [:]
    func take(from replay: TenancyReplay) {
      for reply in replay.takeReplies() where wanted.contains(reply.request) {
        replies[replay.partition, default: [:]][reply.request] = reply
      }
    }
    var replayed: [PartitionID: Range<Int64>] = [:]
    for partition in partitions {
      guard let offsets = ranges[partition] else { continue }
      let recovery = try source.recovery(of: partition)
      let isWhole = offsets.lowerBound == 0
      let first = isWhole ? 0 : (recovery.header?.offset ?? -1) + 1
      let replay = TenancyReplay(
        partition, source.partitioner, isWhole ? Recovery(quarantined: recovery.quarantined) : recovery,
        isShared: source.isShared, keepsReplies: true)
      take(from: replay)
      guard offsets.contains(first) else { continue }
      replays[partition] = replay
      replayed[partition] = first..<offsets.upperBound
    }
    var recordsRead = 0
    if !replays.isEmpty {
      try source.forEachBatch(in: replayed) { batch in
        guard let partition = batch.first?.partition, let replay = replays[partition] else { return }
        let isWhole = replayed[partition]?.lowerBound == 0
        for record in batch {
          try replay.apply([record]) { keys in
            // A replay that started from nothing has everything in memory that exists.
            isWhole ? keys.map { EntityChange(key: $0, value: nil) } : try source.entities(keys, of: partition)
          }
          _ = replay.takeMessages()
          take(from: replay)
        }
        recordsRead += batch.count
        progress(recordsRead)
      }
    }
    for place in findings.indices {
      guard let request = findings[place].request else { continue }
      findings[place].reply = replies[findings[place].partition]?[request]
    }
  }
}

extension RequestTrace.Finding {
  /// The request of its command; nil if it is none, or nobody's.
  package var request: RequestID? {
    guard case .command(let command) = input.body, !command.request.isSweep else { return nil }
    return command.request
  }
}

extension RequestTrace.Subject {
  func isMeant(by body: LoggedInput.Body) -> Bool {
    switch (self, body) {
    case (.request(let id), .command(let command)): id.covers(command.request)
    case (.request(let id), .skip(let request?, _)): id.covers(request)
    case (.key(let key), .command(let command)): command.idempotency?.key == key
    case (.order(let order), .command(let command)): command.command.concerns(order)
    case (.order(let order), .message(let message)): message.order == order
    case (.request, _), (.key, _), (.order, .skip): false
    }
  }
}

extension Message {
  /// The order that it is about.
  fileprivate var order: OrderID {
    switch self {
    case .reserve(let slip, _), .charge(let slip), .release(let slip, _, _): slip.attempt.order
    case .paid(let attempt), .commit(let attempt), .failed(let attempt, _): attempt.order
    case .forgetPayment(let removed): removed.order
    }
  }
}

extension Command {
  /// Whether it is about the order, or looks whether to remove it.
  fileprivate func concerns(_ order: OrderID) -> Bool {
    if case .orders(.sweep(let orders)) = self { return orders.contains(order) }
    return self.order == order
  }

  /// The order that it is about; nil if it is about none, or several.
  fileprivate var order: OrderID? {
    switch self {
    case .orders(.create(let order, _, _)), .orders(.remove(let order)), .orders(.addItem(let order, _, _, _)),
      .orders(.removeItem(let order, _)), .orders(.setItem(let order, _, _, _)), .orders(.checkout(let order)):
      order
    case .payments(.pay(_, let order, _)): order
    case .payments(.cancel(_, let order)): order
    case .orders(.batchInit), .orders(.sweep), .stock, .payments(.create), .payments(.addFunds),
      .payments(.batchInit):
      nil
    }
  }
}
