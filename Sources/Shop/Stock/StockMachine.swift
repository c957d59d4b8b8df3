import Model
import PartitionCore

/// The rules of stock: what is available, what is held by checkouts, and who waits for what. One file per command or
/// step.
public struct StockMachine: StateMachine {
  public var ledger = Ledger()

  var items = Table<ItemID, Item>()
  /// Holds are pinned, and recovery loads all of them: a hold that is not resident does not exist.
  var holds = Table<AttemptID, Hold>()
  public internal(set) var parkedCount = 0
  let partition: PartitionID
  let partitioner: Partitioner

  public init(partition: PartitionID, partitioner: Partitioner) {
    self.partition = partition
    self.partitioner = partitioner
  }

  public func collectMissing(for command: Command, into keys: inout [EntityKey]) {
    guard case .stock(let command) = command else { return }
    switch command {
    case .create(_, _, .random): break
    case .create(let id, _, .derived), .add(let id, _), .subtract(let id, _): collect(id, into: &keys)
    case .batchInit(let batch):
      for number in batch.numbers {
        let id = ItemID(unchecked: String(number))
        if owns(id) { collect(id, into: &keys) }
      }
    }
  }

  public func collectMissing(for message: Message, into keys: inout [EntityKey]) {
    guard case .reserve(let slip, let stop) = message, Int(stop) < slip.stops.count else { return }
    for line in slip.stops[Int(stop)].lines { collect(line.item, into: &keys) }
  }

  private func collect(_ id: ItemID, into keys: inout [EntityKey]) {
    if !items.isResident(id) { keys.append(.item(id)) }
  }

  func owns(_ id: ItemID) -> Bool { partitioner.index(of: id.text) == partition.index }

  public func missing(for query: Query) -> EntityKey? {
    guard case .item(let id) = query, !items.isResident(id) else { return nil }
    return .item(id)
  }

  public mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  {
    guard case .stock(let command) = command else { throw Poison("not a command of stock") }
    switch command {
    case .create(let id, let price, _): return create(id, at: price, in: context)
    case .add(let id, let quantity): return try add(quantity, to: id, in: &context)
    case .subtract(let id, let quantity): return subtract(quantity, from: id, in: context)
    case .batchInit(let batch): return try batchInit(batch, in: &context)
    }
  }

  public mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    switch message {
    case .reserve(let slip, let stop): try reserve(slip, stop, in: &context)
    case .commit(let attempt): try commit(attempt, in: &context)
    case .release(let slip, let stop, let failure): try release(slip, stop, failure, in: &context)
    default: throw Poison("not a message to stock")
    }
  }

  public mutating func view(of query: Query) -> (View, LogPosition) {
    guard case .item(let id) = query, let (item, position) = items.look(id) else { return (.item(nil), .zero) }
    return (.item(item.map { ItemView(available: $0.available, price: $0.price) }), position)
  }

  // MARK: Residence

  public mutating func install(_ key: EntityKey, _ entity: Entity?) {
    switch (key, entity) {
    case (.item(let id), .item(let item)?): items.install(id, item)
    case (.item(let id), _): items.install(id, nil)
    case (.hold(let id), .hold(let hold)?):
      if hold.status == .parked, !holds.isResident(id) { parkedCount += 1 }
      holds.install(id, hold)
    default: break
    }
  }

  public mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void) {
    items.takeChanges { id, item in body(.item(id), item.map(Entity.item)) }
    holds.takeChanges { id, hold in body(.hold(id), hold.map(Entity.hold)) }
  }

  public mutating func checkpointEnded(isWritten: Bool) {
    items.checkpointEnded(isWritten: isWritten)
    holds.checkpointEnded(isWritten: isWritten)
  }

  public mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int {
    let evicted = items.evict(excess: excess, scanMax: scanMax) { keeping.contains(.item($0)) }
    // Only resolved holds, whose value is gone, can be evicted.
    return evicted + holds.evict(excess: excess - evicted, scanMax: scanMax) { _ in false }
  }

  public var residentCount: Int { items.residentCount + holds.residentCount }
  public var dirtyCount: Int { items.dirtyCount + holds.dirtyCount }

  public func forEach(_ body: (EntityKey, Entity) -> Void) {
    items.forEach { id, item in body(.item(id), .item(item)) }
    holds.forEach { id, hold in body(.hold(id), .hold(hold)) }
  }
}
