import Model
import Orders
import PartitionCore
import Payments
import Stock

// Machines with a planted bug: one mistake wrapped around the real machine.

/// A machine around another one; everything not overridden is passed through.
protocol WrappedMachine: StateMachine {
  associatedtype Base: StateMachine
  var base: Base { get set }
  init(base: Base)
}

extension WrappedMachine {
  init(partition: PartitionID, partitioner: Partitioner) {
    self.init(base: Base(partition: partition, partitioner: partitioner))
  }
  var ledger: Ledger {
    get { base.ledger }
    set { base.ledger = newValue }
  }
  func collectMissing(for command: Command, into keys: inout [EntityKey]) {
    base.collectMissing(for: command, into: &keys)
  }
  func collectMissing(for message: Message, into keys: inout [EntityKey]) {
    base.collectMissing(for: message, into: &keys)
  }
  func parties(to command: Command) -> [PartitionID] { base.parties(to: command) }
  func missing(for query: Query) -> EntityKey? { base.missing(for: query) }
  mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  { try base.apply(command, from: waiter, in: &context) }
  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    try base.receive(message, in: &context)
  }
  mutating func view(of query: Query) -> (View, LogPosition) { base.view(of: query) }
  mutating func install(_ key: EntityKey, _ entity: Entity?) { base.install(key, entity) }
  mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void) { base.takeChanges(body) }
  mutating func checkpointEnded(isWritten: Bool) { base.checkpointEnded(isWritten: isWritten) }
  mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int {
    base.evict(excess: excess, scanMax: scanMax, keeping: keeping)
  }
  var residentCount: Int { base.residentCount }
  var dirtyCount: Int { base.dirtyCount }
  var parkedCount: Int { base.parkedCount }
  func forEach(_ body: (EntityKey, Entity) -> Void) { base.forEach(body) }
}

/// `releasedTwice`.
struct ReleasingTwice: WrappedMachine {
  var base: StockMachine
  init(base: StockMachine) { self.base = base }

  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    try base.receive(message, in: &context)
    guard case .release(let slip, let stop, _) = message, Int(stop) < slip.stops.count else { return }
    for line in slip.stops[Int(stop)].lines {
      _ = try base.apply(.stock(.add(line.item, line.quantity)), from: .nobody, in: &context)
    }
  }
}

/// `chargedTwice`.
struct ChargingTwice: WrappedMachine {
  var base: PaymentsMachine
  init(base: PaymentsMachine) { self.base = base }

  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    try base.receive(message, in: &context)
    guard case .charge(let slip) = message else { return }
    _ = try base.apply(.payments(.pay(slip.user, nil, slip.total)), from: .nobody, in: &context)
  }
}

/// `partialHold`.
struct HoldingInPart: WrappedMachine {
  var base: StockMachine
  init(base: StockMachine) { self.base = base }

  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    if case .reserve(let slip, let stop) = message, Int(stop) < slip.stops.count {
      let lines = slip.stops[Int(stop)].lines
      let isWhole = lines.allSatisfy { available($0.item) >= $0.quantity.value }
      if !isWhole, let first = lines.first {
        _ = try base.apply(.stock(.subtract(first.item, first.quantity)), from: .nobody, in: &context)
      }
    }
    try base.receive(message, in: &context)
  }

  private mutating func available(_ item: ItemID) -> Int64 {
    guard case .item(let view?) = base.view(of: .item(item)).0 else { return 0 }
    return view.available.value
  }
}

/// `linesNotMerged`: a second line with an item replaces the first, as if each line were alone.
struct NotMerging: WrappedMachine {
  var base: OrdersMachine
  init(base: OrdersMachine) { self.base = base }

  mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  {
    if case .orders(.addItem(let order, let item, _, _)) = command,
      case .order(let view?) = base.view(of: .order(order)).0,
      let line = view.lines.first(where: { $0.item == item })
    {
      for _ in 0..<min(line.quantity.value, 8) {
        _ = try base.apply(.orders(.removeItem(order, item)), from: .nobody, in: &context)
      }
    }
    return try base.apply(command, from: waiter, in: &context)
  }
}

/// `sweptUnderWay`.
struct SweepingUnderWay: WrappedMachine {
  var base: OrdersMachine
  init(base: OrdersMachine) { self.base = base }

  mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  {
    if case .orders(.sweep(let ids)) = command {
      var underWay: [OrderID: Order] = [:]
      base.forEach { key, entity in
        if case .order(let id) = key, case .order(let order) = entity, order.status == .checkingOut {
          underWay[id] = order
        }
      }
      for id in ids { if let order = underWay.removeValue(forKey: id) { base.removeIfOld(id, order, in: &context) } }
    }
    return try base.apply(command, from: waiter, in: &context)
  }
}

/// `forgottenUncounted`.
struct ForgettingUncounted: WrappedMachine {
  var base: PaymentsMachine
  init(base: PaymentsMachine) { self.base = base }

  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    let before = base.ledger
    try base.receive(message, in: &context)
    if case .forgetPayment = message { base.ledger = before }
  }
}

/// `dirtyEvicted`.
struct Forgetting<Base: StateMachine>: WrappedMachine {
  var base: Base
  init(base: Base) { self.base = base }

  mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int {
    base.takeChanges { _, _ in }
    base.checkpointEnded(isWritten: true)
    return base.evict(excess: excess, scanMax: scanMax, keeping: keeping)
  }
}

/// `loadOlderThanMemory`: a load overwrites what is resident and clean.
struct Overwriting<Base: StateMachine>: WrappedMachine {
  var base: Base
  init(base: Base) { self.base = base }

  mutating func install(_ key: EntityKey, _ entity: Entity?) {
    if let query = query(key), base.missing(for: query) == nil {
      var others: Set<EntityKey> = []
      base.forEach { other, _ in if other != key { others.insert(other) } }
      // The first pass only clears the mark of recent use.
      for _ in 0..<2 { _ = base.evict(excess: .max, scanMax: .max, keeping: others) }
    }
    base.install(key, entity)
  }

  private func query(_ key: EntityKey) -> Query? {
    switch key {
    case .order(let id): .order(id)
    case .item(let id): .item(id)
    case .user(let id): .user(id)
    case .payment(let user, let order): .payment(user, order)
    case .hold, .idempotency: nil
    }
  }
}

extension Waiter {
  /// Nobody waits: for what a planted bug does in addition to its command.
  fileprivate static let nobody = Waiter(
    request: RequestID(incarnation: 0, lane: 0, number: 0), idempotency: nil)
}
