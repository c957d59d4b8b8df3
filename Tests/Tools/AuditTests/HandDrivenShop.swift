import Ports
import Model
import Orders
import PartitionCore
import Payments
import SQLite
import Stock
import Streams
import Synchronization
import Tenancy
import TestSupport
import Testing

/// The owners of all partitions in one thread, over the files of a data folder: a shop that stops where a test wants.
final class HandDrivenShop {
  let path: String
  let partitioner: Partitioner
  private let limits: RuleLimits
  private let log: SQLiteLog
  private let store: SQLiteStore
  private var owners: [PartitionID: any HandDrivenOwner] = [:]
  private var epochs: [PartitionID: UInt64] = [:]
  private var requests: UInt64 = 0
  /// Messages that do not reach these are kept by their senders.
  var deaf: Set<PartitionID> = []
  /// The time of every record.
  var time = Timestamp(milliseconds: 1)

  /// Takes all partitions over, from what store and log hold.
  init(
    path: String, partitionCount: Int = 1, run: UInt64 = 7, logs options: SQLiteLog.Options = .init(),
    limits: RuleLimits = .initial
  ) throws {
    self.path = path
    self.limits = limits
    partitioner = try #require(Partitioner(count: partitionCount))
    let folder = try DataFolder(path: path, partitionCount: partitionCount, files: [LogFile.file, StoreFile.file])
    log = try SQLiteLog(folder: folder, options: options)
    store = try SQLiteStore(folder: folder)
    log.attach([NobodyToTell()])
    for service in Service.allCases {
      for index in 0..<partitionCount { try take(PartitionID(service, UInt16(index)), run) }
    }
    try settle()
  }

  private func take(_ partition: PartitionID, _ run: UInt64) throws {
    let ownership = try store.acquire(partition)
    let id = OwnerID(epoch: ownership.epoch, run: run)
    func make<Machine: StateMachine>(_: Machine.Type) -> any HandDrivenOwner {
      Tenancy<Machine>(
        partition: partition, owner: id, partitioner: partitioner, mode: .embedded, limits: TenancyLimits(),
        wantedLimits: limits, wantedRules: Rules.current, recovery: ownership.recovery)
    }
    var owner =
      switch partition.service {
      case .orders: make(OrdersMachine.self)
      case .stock: make(StockMachine.self)
      case .payments: make(PaymentsMachine.self)
      }
    epochs[partition] = ownership.epoch
    let owned = try #require(Owner(epoch: id.epoch, incarnation: run, address: "here"))
    let end = try #require(try append([.owned(owned)], to: partition).last)
    try log.read([partition: (ownership.recovery.header?.offset ?? -1) + 1], by: 0)
    var isRead = false
    while !isRead {
      #expect(eventually { log.failure == nil })
      for event in log.takeRead(of: 0, eventsMax: .max) {
        switch event {
        case .record(let record, let offset, _): owner.deliver(record, at: offset)
        case .undecodable(let reason, let offset, _): owner.deliverUndecodable(reason, at: offset)
        case .ended(_, let next): isRead = next == end + 1
        case .broken(_, let reason): Issue.record("\(reason)")
        }
      }
    }
    owners[partition] = owner
    while owners[partition]?.canAdvanceReplay == true {
      try change(partition) { $0.advanceReplay(at: 0, into: &$1) }
    }
  }

  /// Appends records as they are, and waits until they are durable. Returns where they stand.
  @discardableResult
  func append(_ records: [LogRecord], to partition: PartitionID) throws -> [Int64] {
    log.append(records.map { RecordAppend(partition: partition, record: $0) }, by: 0, expecting: [])
    log.turnEnded(by: 0)
    var confirmed: [Int64] = []
    #expect(
      eventually {
        confirmed += log.takeConfirmations(of: 0).compactMap(\.offset)
        return confirmed.count == records.count
      })
    return confirmed
  }

  // MARK: Work

  /// Executes commands, each with everything that follows from it.
  func execute(_ commands: [Command]) throws {
    for command in commands { try execute(command, under: nil) }
  }

  /// Executes a command under an idempotency key.
  func execute(_ command: Command, under key: IdempotencyToken?) throws {
    requests += 1
    let partition = partition(of: command)
    let client = ClientCommand(
      request: RequestID(incarnation: 1, lane: 0, number: requests), idempotency: key, trace: nil, command: command)
    #expect(owners[partition]?.receive(client, deadline: nil) == true)
    try settle()
  }

  /// Has the owner of all orders look at some.
  func sweep(_ orders: [OrderID]) throws {
    #expect(owners[PartitionID(.orders, 0)]?.sweep(orders) == true)
    try settle()
    #expect(owners[PartitionID(.orders, 0)]?.takesSweep == true, "the sweep is durable")
  }

  private func partition(of command: Command) -> PartitionID {
    switch command {
    case .orders(.create(let order, _, _)), .orders(.remove(let order)), .orders(.addItem(let order, _, _, _)),
      .orders(.removeItem(let order, _)), .orders(.setItem(let order, _, _, _)),
      .orders(.checkout(let order)):
      partitioner.partition(of: order)
    case .stock(.create(let item, _, _)), .stock(.add(let item, _)), .stock(.subtract(let item, _)):
      partitioner.partition(of: item)
    case .payments(.create(let user, _)), .payments(.addFunds(let user, _)), .payments(.pay(let user, _, _)),
      .payments(.cancel(let user, _)):
      partitioner.partition(of: user)
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit):
      PartitionID(command.service, 0)
    }
  }

  private func settle() throws {
    var isAtRest = false
    while !isAtRest {
      isAtRest = true
      for partition in owners.keys.sorted() {
        while owners[partition]?.wantsTurn == true {
          isAtRest = false
          try change(partition) { [time] in $0.turn(at: time, now: 0, into: &$1) }
        }
        try sendMessages(of: partition, &isAtRest)
      }
    }
  }

  private func sendMessages(of partition: PartitionID, _ isAtRest: inout Bool) throws {
    for destination in owners[partition]?.destinations ?? [] where !deaf.contains(destination) {
      guard let owner = owners[destination]?.owner else { continue }
      if owners[partition]?.awaitsGreeting(from: destination, of: owner) == true {
        let asker = owners[partition]?.owner.epoch ?? 0
        try change(destination) { $0.greet(.partition(partition), asker: asker, at: .zero, into: &$1) }
      }
      while let frame = owners[partition]?.nextFrame(to: destination) {
        isAtRest = false
        let inputs = StreamFrame<StreamInput>(
          source: frame.source, destination: destination, owner: frame.owner, first: frame.first,
          inputs: frame.inputs.map { .message($0) }, asOf: frame.asOf)
        try change(destination) { $0.receive(inputs, into: &$1) }
      }
    }
  }

  /// Lets an owner do something, and does what it asks for.
  private func change(
    _ partition: PartitionID, _ body: (inout any HandDrivenOwner, inout TenancyActions) -> Void
  ) throws {
    var actions = TenancyActions()
    guard var owner = owners[partition] else { return }
    body(&owner, &actions)
    while !actions.loads.isEmpty {
      let keys = actions.loads
      actions.loads = []
      owner.loaded(try load(keys, of: partition), at: 0, into: &actions)
      owner.advanceReplay(at: 0, into: &actions)
    }
    for (record, offset) in zip(actions.appends, try append(actions.appends, to: partition)) {
      if let number = record.number { owner.confirmed(number, at: offset, now: 0, into: &actions) }
    }
    owners[partition] = owner
    // A stream that was greeted says so at once, not by `nextFrame`.
    var frames: [StreamFrame<StreamInput>] = []
    actions.messages.takeAll { destination, inputs in
      for case .message(let message, let number, let source, let owner) in inputs where !deaf.contains(destination) {
        frames.append(
          StreamFrame(
            source: .partition(source), destination: destination, owner: owner, first: number,
            inputs: [.message(message)], asOf: .zero))
      }
    }
    for frame in frames { try change(frame.destination) { $0.receive(frame, into: &$1) } }
    for acknowledgement in actions.acknowledgements {
      if case .partition(let source) = acknowledgement.source {
        try change(source) { $0.take(acknowledgement, into: &$1) }
      }
    }
    for greeting in actions.greetings {
      if case .partition(let source) = greeting.source { try change(source) { $0.take(greeting, into: &$1) } }
    }
  }

  private func load(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange] {
    let reader = try SQLiteStoreReader(path: path)
    return try keys.map { EntityChange(key: $0, value: try reader.entity($0, of: partition)) }
  }

  // MARK: The end

  /// Has the store write what every partition, or one, has applied.
  func checkpoint(_ only: PartitionID? = nil) throws {
    for (partition, epoch) in epochs where only == nil || only == partition {
      guard owners[partition]?.takeCheckpoint() == true,
        let batch = owners[partition]?.checkpointToWrite()
      else { continue }
      let written = Written()
      store.write(batch, epoch: epoch) { result in written.isWritten.withLock { $0 = (try? result.get()) != nil } }
      #expect(eventually { written.isWritten.withLock { $0 != nil } } && written.isWritten.withLock { $0 } == true)
      owners[partition]?.checkpointEnded(isWritten: true)
    }
  }

  /// Has the log forget what the store has of all partitions; its options must let it.
  func trim() throws {
    for header in try SQLiteStoreReader(path: path).headers() { log.trim(header.partition, through: header.offset) }
    let reader = try SQLiteLogReader(path: path)
    #expect(eventually { (try? reader.beginnings().values.allSatisfy { $0 > 0 }) == true })
  }

  func close() {
    log.close()
    store.close()
  }

  func owner(of partition: PartitionID) -> OwnerID? { owners[partition]?.owner }
  func number(of partition: PartitionID) -> UInt64 { owners[partition]?.number ?? 0 }
}

private final class Written: Sendable {
  let isWritten = Mutex<Bool?>(nil)
}

private final class NobodyToTell: LogLane {
  func logHasNews() {}
}

private protocol HandDrivenOwner: TenancyDriver {
  mutating func receive(_ command: ClientCommand, deadline: Int64?) -> Bool
}

extension Tenancy: HandDrivenOwner {}
