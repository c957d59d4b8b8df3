import GoldenLogs
import Model
import Orders
import PartitionCore
import Payments
import Stock
import Testing
import Wire

/// Logs that releases wrote are decided as those releases did: the replay comes to the same state, and sends the
/// messages that stand in the log.
@Suite struct GoldenLogTests {
  private static let releases = ["v0.1.0"]

  @Test(arguments: releases)
  func aReplayDecidesAsTheRelease(_ release: String) throws {
    let log = try GoldenLog(release)
    var replay = try Replay(log)
    replay.run()
    #expect(replay.stops == [])
    #expect(replay.state.description == log.state)
    for partition in replay.partitions {
      #expect(replay.sent(by: partition) == Self.received(from: partition, in: log), "\(partition)")
    }
  }

  /// A log in which little happens would say little.
  @Test(arguments: releases)
  func everythingHappensInIt(_ release: String) throws {
    let log = try GoldenLog(release)
    var replay = try Replay(log)
    replay.run()
    #expect(replay.parkedMax > 0)
    #expect(replay.replies.contains { $0.isReplayed })
    let outcomes = replay.replies.map(\.outcome)
    let failures = outcomes.compactMap { outcome -> Failure? in
      if case .refused(.checkoutFailed(_, let failure)) = outcome { failure } else { nil }
    }
    for kind in ["outOfStock", "outOfCredit", "unknownUser", "paymentConflict"] {
      #expect(failures.contains { "\($0)".hasPrefix(kind) }, "\(kind)")
    }
    let kinds = Set(log.entries.compactMap { Self.kind(of: $0.entry) })
    #expect(
      kinds.isSuperset(of: ["reserve", "charge", "paid", "commit", "release", "failed", "batchInit"]), "\(kinds)")
    #expect(Self.expiredKeys(in: log) > 0)
  }

  /// What the log has of a partition's messages: by receiver, in their order, each once.
  private static func received(from source: PartitionID, in log: GoldenLog) -> [PartitionID: [PartitionMessage]] {
    var received: [PartitionID: [PartitionMessage]] = [:]
    for (to, entry) in log.entries {
      guard case .message(let message) = entry.body, message.source == source else { continue }
      // A start sends again what it cannot know to have been sent.
      if let last = received[to]?.last, message.position <= last.position { continue }
      received[to, default: []].append(message)
    }
    return received
  }

  private static func kind(of entry: Entry) -> String? {
    let text: String
    switch entry.body {
    case .message(let message): text = "\(message.message)"
    case .command(let command):
      switch command.command {
      case .orders(let command): text = "\(command)"
      case .stock(let command): text = "\(command)"
      case .payments(let command): text = "\(command)"
      }
    case .control: return nil
    }
    return String(text.prefix { $0 != "(" })
  }

  /// Keys that were used again when they had been forgotten.
  private static func expiredKeys(in log: GoldenLog) -> Int {
    var used: [IdempotencyKey: Timestamp] = [:]
    var expired = 0
    for (_, entry) in log.entries {
      guard case .command(let command) = entry.body, let token = command.idempotency else { continue }
      let expiry = RuleLimits.initial.idempotencyExpiryMilliseconds
      if let before = used[token.key], entry.time.milliseconds >= before.milliseconds + expiry { expired += 1 }
      used[token.key] = used[token.key] ?? entry.time
    }
    return expired
  }
}

/// The partitions of a log, each replayed by its real loop from nothing.
private struct Replay {
  private let log: GoldenLog
  private var loops: [PartitionID: any Loop] = [:]
  private var effects: [PartitionID: Effects] = [:]
  private(set) var parkedMax = 0

  init(_ log: GoldenLog) throws {
    self.log = log
    let partitioner = try #require(Partitioner(count: log.partitionCount))
    for partition in partitions {
      loops[partition] =
        switch partition.service {
        case .orders: Self.loop(OrdersMachine.self, partition, partitioner)
        case .stock: Self.loop(StockMachine.self, partition, partitioner)
        case .payments: Self.loop(PaymentsMachine.self, partition, partitioner)
        }
    }
  }

  private static func loop<Machine: StateMachine>(
    _ machine: Machine.Type, _ partition: PartitionID, _ partitioner: Partitioner
  ) -> any Loop {
    PartitionLoop<Machine>(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: []))
  }

  var partitions: [PartitionID] {
    Service.allCases.flatMap { service in
      (0..<log.partitionCount).map { PartitionID(service, UInt16($0)) }
    }
  }

  mutating func run() {
    for delivery in log.deliveries {
      if delivery.partition.service == .stock { parkedMax = max(parkedMax, parked(within: delivery)) }
      loops[delivery.partition]?.apply(delivery, into: &effects[delivery.partition, default: Effects()])
    }
  }

  /// The most checkouts that are parked between two entries of a record: what one of them parks the next may free.
  private func parked(within delivery: Delivery) -> Int {
    guard case .record(let record) = delivery.content, let loop = loops[delivery.partition] else { return 0 }
    let counts = record.entries.indices.map { end in
      var trial = loop
      var ignored = Effects()
      let part = Record(entries: Array(record.entries[...end]))
      trial.apply(
        Delivery(
          partition: delivery.partition, offset: delivery.offset, position: .zero, content: .record(part)),
        into: &ignored)
      return trial.parkedCount
    }
    return counts.max() ?? 0
  }

  var stops: [String] {
    partitions.compactMap { partition in
      guard case .stopped(let offset, let reason)? = loops[partition]?.status else { return nil }
      return "\(partition) at \(offset): \(reason)"
    }
  }

  var state: StateHash {
    var hash = StateHash()
    for partition in partitions { loops[partition]?.forEachEntity { hash.insert($0, $1) } }
    return hash
  }

  var replies: [Reply] { partitions.flatMap { (effects[$0]?.replies ?? []).map(\.reply) } }

  func sent(by partition: PartitionID) -> [PartitionID: [PartitionMessage]] {
    var sent: [PartitionID: [PartitionMessage]] = [:]
    for outbound in effects[partition]?.messages ?? [] {
      if case .message(let message) = outbound.entry.body { sent[outbound.to, default: []].append(message) }
    }
    return sent
  }
}

/// A partition's loop, whatever its machine.
private protocol Loop {
  var status: PartitionStatus { get }
  var parkedCount: Int { get }
  mutating func apply(_ delivery: Delivery, into effects: inout Effects)
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
}

extension PartitionLoop: Loop {
  fileprivate var parkedCount: Int { machine.parkedCount }

  /// Nothing is in a store: what is not in memory does not exist.
  fileprivate mutating func apply(_ delivery: Delivery, into effects: inout Effects) {
    deliver(delivery)
    while canStep {
      step(into: &effects)
      let keys = keysToLoad()
      if !keys.isEmpty { loaded(keys.map { EntityChange(key: $0, value: nil) }, into: &effects) }
    }
    appended(upTo: .zero)
  }
}
