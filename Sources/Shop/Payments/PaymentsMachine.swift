import Model
import PartitionCore

/// Identifies a payment: who paid for what.
struct PaymentID: Hashable, Sendable {
  let user: UserID
  let order: OrderID
}

/// The rules of payments: credit, payments by hand, and the charge at the end of a checkout.
public struct PaymentsMachine: StateMachine {
  public var ledger = Ledger()

  var users = Table<UserID, User>()
  var payments = Table<PaymentID, Payment>()
  let partition: PartitionID
  let partitioner: Partitioner

  public init(partition: PartitionID, partitioner: Partitioner) {
    self.partition = partition
    self.partitioner = partitioner
  }

  public func collectMissing(for command: Command, into keys: inout [EntityKey]) {
    guard case .payments(let command) = command else { return }
    switch command {
    case .create(_, .random): break
    case .create(let id, .derived), .addFunds(let id, _), .pay(let id, nil, _): collect(id, into: &keys)
    case .pay(let id, let order?, _), .cancel(let id, let order):
      collect(id, into: &keys)
      collect(PaymentID(user: id, order: order), into: &keys)
    case .batchInit(let batch):
      for number in batch.numbers {
        let id = UserID(unchecked: String(number))
        if owns(id) { collect(id, into: &keys) }
      }
    }
  }

  public func collectMissing(for message: Message, into keys: inout [EntityKey]) {
    switch message {
    case .charge(let slip):
      collect(slip.user, into: &keys)
      // Almost no user ever pays by hand; nobody else can have a payment that matters to a charge.
      if let user = users[slip.user], user.paymentsByHand > 0 {
        collect(PaymentID(user: slip.user, order: slip.attempt.order), into: &keys)
      }
    case .forgetPayment(let removed):
      collect(removed.user, into: &keys)
      if removed.paid != nil || users[removed.user]?.paymentsByHand ?? 0 > 0 {
        collect(PaymentID(user: removed.user, order: removed.order), into: &keys)
      }
    default: break
    }
  }

  private func collect(_ id: UserID, into keys: inout [EntityKey]) {
    if !users.isResident(id) { keys.append(.user(id)) }
  }

  private func collect(_ id: PaymentID, into keys: inout [EntityKey]) {
    if !payments.isResident(id) { keys.append(.payment(id.user, id.order)) }
  }

  func owns(_ id: UserID) -> Bool { partitioner.index(of: id.text) == partition.index }

  public func missing(for query: Query) -> EntityKey? {
    switch query {
    case .user(let id): return users.isResident(id) ? nil : .user(id)
    case .payment(let user, let order):
      guard users.isResident(user) else { return .user(user) }
      return payments.isResident(PaymentID(user: user, order: order)) ? nil : .payment(user, order)
    case .order, .item: return nil
    }
  }

  public mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?
  {
    guard case .payments(let command) = command else { throw Poison("not a command of payments") }
    switch command {
    case .create(let id, _): return create(id, at: context.position)
    case .addFunds(let id, let amount): return addFunds(amount, to: id, at: context.position)
    case .pay(let id, nil, let amount): return pay(amount, by: id, at: context.position)
    case .pay(let id, let order?, let amount): return pay(amount, by: id, for: order, in: context)
    case .cancel(let id, let order): return cancel(order, of: id, in: context)
    case .batchInit(let batch): return batchInit(batch, in: context)
    }
  }

  public mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {
    switch message {
    case .charge(let slip): charge(slip, in: &context)
    case .forgetPayment(let removed): forgetPayment(for: removed, in: &context)
    default: throw Poison("not a message to payments")
    }
  }

  public mutating func view(of query: Query) -> (View, LogPosition) {
    switch query {
    case .user(let id):
      guard let (user, position) = users.look(id) else { break }
      return (.user(user.map { UserView(id: id, credit: $0.credit) }), position)
    case .payment(let id, let order):
      guard let (user, userPosition) = users.look(id) else { break }
      guard user != nil else { return (.payment(isPaid: nil), userPosition) }
      guard let (payment, position) = payments.look(PaymentID(user: id, order: order)) else { break }
      let isPaid = user.map { payment?.counts(for: $0) == true && payment?.status != .refunded } ?? false
      return (.payment(isPaid: isPaid), max(position, userPosition))
    case .order, .item: break
    }
    return (.user(nil), .zero)
  }

  // MARK: Residence

  public mutating func install(_ key: EntityKey, _ entity: Entity?) {
    switch (key, entity) {
    case (.user(let id), .user(let user)?): users.install(id, user)
    case (.user(let id), _): users.install(id, nil)
    case (.payment(let user, let order), .payment(let payment)?):
      payments.install(PaymentID(user: user, order: order), payment)
    case (.payment(let user, let order), _): payments.install(PaymentID(user: user, order: order), nil)
    default: break
    }
  }

  public mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void) {
    users.takeChanges { id, user in body(.user(id), user.map(Entity.user)) }
    payments.takeChanges { id, payment in body(.payment(id.user, id.order), payment.map(Entity.payment)) }
  }

  public mutating func checkpointEnded(isWritten: Bool) {
    users.checkpointEnded(isWritten: isWritten)
    payments.checkpointEnded(isWritten: isWritten)
  }

  public mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int {
    let evicted = payments.evict(excess: excess, scanMax: scanMax) {
      keeping.contains(.payment($0.user, $0.order))
    }
    return evicted
      + users.evict(excess: excess - evicted, scanMax: scanMax) { keeping.contains(.user($0)) }
  }

  public var residentCount: Int { users.residentCount + payments.residentCount }
  public var dirtyCount: Int { users.dirtyCount + payments.dirtyCount }
  public var parkedCount: Int { 0 }

  public func forEach(_ body: (EntityKey, Entity) -> Void) {
    users.forEach { id, user in body(.user(id), .user(user)) }
    payments.forEach { id, payment in body(.payment(id.user, id.order), .payment(payment)) }
  }
}
