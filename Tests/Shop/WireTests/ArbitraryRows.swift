import Model
import PartitionCore
import Streams

extension Arbitrary {
  /// A row of any kind with a key that fits.
  mutating func row() -> (key: EntityKey, entity: Entity) {
    switch below(6) {
    case 0: return (.order(id()), .order(order()))
    case 1:
      let item = Item(
        price: amount(), available: amount(), held: amount(), sold: amount(), received: amount(),
        parked: list(max: 5) { $0.attempt() })
      return (.item(id()), .item(item))
    case 2:
      let slip = slip()
      let hold = Hold(slip: slip, stop: UInt16(below(slip.stops.count)), status: pick([.parked, .held]))
      return (.hold(slip.attempt), .hold(hold))
    case 3:
      let user = User(
        credit: amount(), deposited: amount(), spent: amount(), spentWithoutOrder: amount(),
        paymentsByHand: UInt32(number(max: UInt64(UInt32.max))), era: UInt32(number(max: UInt64(UInt32.max))))
      return (.user(id()), .user(user))
    case 4:
      let payment = Payment(
        amount: amount(), status: pick([.byHand, .checkout, .refunded]), era: UInt32(number(max: UInt64(UInt32.max))),
        attempt: number(max: .max), changedAt: maybe { $0.pick([.zero, $0.time()]) })
      return (.payment(id(), id()), .payment(payment))
    default:
      let record = IdempotencyRecord(
        fingerprint: number(max: .max), outcome: maybe { $0.outcome() },
        expiry: Timestamp(milliseconds: Int64(number(max: UInt64(Money.max)))))
      return (.idempotency(key()), .idempotency(record))
    }
  }

  mutating func order() -> Order {
    let items = Set(list(max: pick([0, 2, 20])) { $0.id() as ItemID }).sorted()
    var lines: [Order.Line] = []
    for item in items {
      lines.insert(.init(item: item, quantity: units(), price: amount()), at: below(lines.count + 1))
    }
    return Order(
      user: id(), lines: lines, status: pick([.open, .checkingOut, .paid]),
      attempt: number(max: .max),
      waiters: list(max: 3) { Waiter(request: $0.request(), idempotency: $0.maybe { $0.token() }) },
      changedAt: maybe { $0.pick([.zero, $0.time()]) })
  }

  mutating func outcome() -> Outcome {
    switch below(6) {
    case 0: .done
    case 1: .created(id: idText())
    case 2: .total(amount())
    case 3: .changed(number(max: .max))
    default: .refused(refusal())
    }
  }

  mutating func refusal() -> Refusal {
    switch below(16) {
    case 0: .unknownOrder(id())
    case 1: .unknownItem(id())
    case 2: .unknownUser(id())
    case 3: .itemNotInOrder(id(), id())
    case 4: .unknownPayment(id(), id())
    case 5: .alreadyExists(id: idText())
    case 6: .checkoutUnderWay(id())
    case 7: .orderPaid(id())
    case 8: .tooManyLines(id())
    case 9: .tooManyJoined(id())
    case 10: .lessInStock(id())
    case 11: .notEnoughCredit(id())
    case 12: .paymentConflict(id())
    case 13: .amountOutOfRange(id: idText())
    case 14: .checkoutFailed(id(), failure())
    default: .idempotencyKeyReused(key())
    }
  }

  mutating func header() -> CheckpointHeader {
    var ledger = Ledger()
    ledger.checkoutMoney = number(max: .max)
    ledger.checkouts = number(max: .max)
    ledger.unitsSold = number(max: .max)
    ledger.attempts = number(max: .max)
    ledger.removedOrders = number(max: .max)
    ledger.removedCheckouts = number(max: .max)
    ledger.removedMoney = number(max: .max)
    let sources = Set(list(max: 6) { $0.partition() }).sorted()
    var rows: [DedupRow] = []
    for source in sources { rows.append(DedupRow(source: source, position: position())) }
    let senders = Set(list(max: 4) { $0.partition() }).sorted().map { StreamSource.partition($0) }
    let sessions = Set(list(max: 4) { $0.session() }).sorted().map { StreamSource.session($0) }
    var received: [ReceivedNumbers.Row] = []
    for source in senders + sessions + (flip() ? [.ingest] : []) {
      received.append(.init(source: source, number: streamNumber(), at: pick([.zero, time()])))
    }
    var caused: [CausedCount] = []
    for destination in Set(list(max: 4) { $0.partition() }).sorted() {
      caused.append(CausedCount(destination: destination, number: streamNumber()))
    }
    return CheckpointHeader(
      partition: partition(), owner: maybe { $0.ownerID() }, number: pick([0, streamNumber()]), isReleased: flip(),
      offset: Int64(number(max: UInt64(Int64.max) - 1)) - 1, now: time(),
      rulesVersion: 1 + UInt32(number(max: UInt64(UInt32.max) - 1)), limits: pick([.initial, limits()]), dedup: rows,
      ledger: ledger, received: received, caused: caused)
  }

  mutating func reply() -> CommandReply {
    if below(4) == 0 { return .skipped(request(), pick(SkipReason.allCases)) }
    return .outcome(Reply(request: request(), outcome: outcome(), isReplayed: flip()))
  }
}
