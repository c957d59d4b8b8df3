import Model
import PartitionCore

/// The rules of orders: carts, and the beginning and end of the checkout saga. One file per command.
public struct OrdersMachine: StateMachine {
  public var ledger = Ledger()

  var orders = Table<OrderID, Order>()
  let partition: PartitionID
  let partitioner: Partitioner

  public init(partition: PartitionID, partitioner: Partitioner) {
    self.partition = partition
    self.partitioner = partitioner
  }

  public func collectMissing(for command: Command, into keys: inout [EntityKey]) {
    guard case .orders(let command) = command else { return }
    switch command {
    case .create(_, _, .random):
      break
    case .create(let id, _, .derived), .remove(let id), .addItem(let id, _, _, _), .removeItem(let id, _),
      .setItem(let id, _, _, _), .checkout(let id):
      collect(id, into: &keys)
    case .batchInit(let batch):
      for number in batch.numbers {
        let id = OrderID(unchecked: String(number))
        if owns(id) { collect(id, into: &keys) }
      }
    case .sweep(let ids):
      for id in ids { collect(id, into: &keys) }
    }
  }

  public func collectMissing(for message: Message, into keys: inout [EntityKey]) {
    switch message {
    case .paid(let attempt), .failed(let attempt, _): collect(attempt.order, into: &keys)
    default: break
    }
  }

  private func collect(_ id: OrderID, into keys: inout [EntityKey]) {
    if !orders.isResident(id) { keys.append(.order(id)) }
  }

  func owns(_ id: OrderID) -> Bool { partitioner.index(of: id.text) == partition.index }

  public func missing(for query: Query) -> EntityKey? {
    guard case .order(let id) = query, !orders.isResident(id) else { return nil }
    return .order(id)
  }

  public mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  {
    guard case .orders(let command) = command else { throw Poison("not a command of orders") }
    switch command {
    case .create(let id, let user, _): return create(id, for: user, in: context)
    case .remove(let id): return remove(id, at: context.position)
    case .addItem(let id, let item, let quantity, let price):
      return addItem(to: id, item, quantity, at: price, in: context)
    case .removeItem(let id, let item): return removeItem(from: id, item, in: context)
    case .setItem(let id, let item, let quantity, let price):
      return setItem(in: id, item, to: quantity, at: price, in: context)
    case .checkout(let id): return checkout(id, from: waiter, in: &context)
    case .batchInit(let batch): return batchInit(batch, in: context)
    case .sweep(let ids): return sweep(ids, in: &context)
    }
  }

  public func parties(to command: Command) -> [PartitionID] {
    guard case .orders(.checkout(let id)) = command, let order = orders[id], order.status == .open else { return [] }
    return order.lines.map { partitioner.partition(of: $0.item) } + [partitioner.partition(of: order.user)]
  }

  public mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    switch message {
    case .paid(let attempt): paid(attempt, in: &context)
    case .failed(let attempt, let failure): failed(attempt, failure, in: &context)
    default: throw Poison("not a message to orders")
    }
  }

  public mutating func view(of query: Query) -> (View, LogPosition) {
    guard case .order(let id) = query, let (order, position) = orders.look(id) else { return (.order(nil), .zero) }
    return (.order(order.map { $0.view(as: id) }), position)
  }

  // MARK: Residence

  public mutating func install(_ key: EntityKey, _ entity: Entity?) {
    guard case .order(let id) = key else { return }
    if case .order(let order)? = entity {
      orders.install(id, order)
    } else {
      orders.install(id, nil)
    }
  }

  public mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void) {
    orders.takeChanges { id, order in body(.order(id), order.map(Entity.order)) }
  }

  public mutating func checkpointEnded(isWritten: Bool) { orders.checkpointEnded(isWritten: isWritten) }

  public mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int {
    orders.evict(excess: excess, scanMax: scanMax) { keeping.contains(.order($0)) }
  }

  public var residentCount: Int { orders.residentCount }
  public var dirtyCount: Int { orders.dirtyCount }
  public var parkedCount: Int { 0 }

  public func forEach(_ body: (EntityKey, Entity) -> Void) {
    orders.forEach { id, order in body(.order(id), .order(order)) }
  }
}
