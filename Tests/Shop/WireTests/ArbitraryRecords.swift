import Model
import PartitionCore

extension Arbitrary {
  /// A record of up to `entriesMax` entries of all kinds.
  mutating func record(entriesMax: Int = 4) -> Record { Record(entries: list(max: entriesMax) { $0.entry() }) }

  mutating func entry() -> Entry {
    let body: Entry.Body =
      switch below(5) {
      case 0, 1: .command(clientCommand())
      case 2, 3: .message(PartitionMessage(source: partition(), position: position(), message: message()))
      default: .control(control())
      }
    return Entry(time: time(), body: body)
  }

  mutating func control() -> Control {
    let epoch = 1 + number(max: UInt64.max - 1)
    switch below(5) {
    case 0:
      let address = "pod-\(below(100)).example:\(below(65_536))"
      if let owner = Owner(epoch: epoch, incarnation: number(max: .max), address: address) { return .owned(owner) }
      return .released(epoch: epoch)
    case 1: return .released(epoch: epoch)
    case 2: return .tick(epoch: epoch, number: number(max: .max))
    case 3: return .limits(limits())
    default: return .rules(version: 1 + UInt32(number(max: UInt64(UInt32.max) - 1)))
    }
  }

  mutating func limits() -> RuleLimits {
    func one(_ highest: Int) -> Int { 1 + below(highest) }
    return RuleLimits(
      orderLinesMax: one(RuleLimits.Highest.orderLinesMax), orderWaitersMax: one(RuleLimits.Highest.orderWaitersMax),
      itemParkedMax: one(RuleLimits.Highest.itemParkedMax),
      idempotencyExpiryMilliseconds: Int64(one(Int(RuleLimits.Highest.idempotencyExpiryMilliseconds))),
      orderRetentionMilliseconds: maybe { $0.retention() })
  }

  private mutating func retention() -> Int64 {
    let span = RuleLimits.Highest.orderRetentionMilliseconds - RuleLimits.orderRetentionMillisecondsMin
    return RuleLimits.orderRetentionMillisecondsMin + Int64(below(Int(span) + 1))
  }

  mutating func clientCommand() -> ClientCommand {
    ClientCommand(
      request: request(), idempotency: maybe { $0.token() }, trace: maybe { $0.trace() }, command: command())
  }

  mutating func command() -> Command {
    switch below(17) {
    case 0: .orders(.create(id(), user: id(), pick([.random, .derived])))
    case 1: .orders(.remove(id()))
    case 2: .orders(.addItem(id(), id(), amount(), price: amount()))
    case 3: .orders(.removeItem(id(), id()))
    case 4: .orders(.checkout(id()))
    case 5:
      .orders(
        .batchInit(
          OrderBatch(
            numbers: numbers(), itemCount: count(), userCount: count(), itemPrice: amount(),
            seed: number(max: .max))))
    case 6: .stock(.create(id(), price: amount(), pick([.random, .derived])))
    case 7: .stock(.add(id(), amount()))
    case 8: .stock(.subtract(id(), amount()))
    case 9: .stock(.batchInit(StockBatch(numbers: numbers(), stock: amount(), price: amount())))
    case 10: .payments(.create(id(), pick([.random, .derived])))
    case 11: .payments(.addFunds(id(), amount()))
    case 12: .payments(.pay(id(), maybe { $0.id() }, amount()))
    case 13: .payments(.cancel(id(), id()))
    case 14: .orders(.setItem(id(), id(), amount(), price: amount()))
    case 15: .orders(.sweep(list(max: 5) { $0.id() }))
    default: .payments(.batchInit(UserBatch(numbers: numbers(), credit: amount())))
    }
  }

  private mutating func count() -> Int64 { (amount() as Quantity).value }

  private mutating func numbers() -> Range<Int64> {
    let span = Int64(number(max: UInt64(BatchLimits.numbersMax)))
    let first = min(count(), Quantity.max - span)
    return first..<first + span
  }

  mutating func message() -> Message {
    let slip = slip()
    let stop = UInt16(below(slip.stops.count))
    return switch below(7) {
    case 0: .reserve(slip, stop: stop)
    case 1: .charge(self.slip(hasStops: false))
    case 2: .paid(attempt())
    case 3: .commit(attempt())
    case 4: .release(slip, stop: stop, failure())
    case 5: .forgetPayment(removedOrder())
    default: .failed(attempt(), failure())
    }
  }

  private mutating func removedOrder() -> RemovedOrder {
    RemovedOrder(
      order: id(), user: id(), before: time(),
      paid: maybe { RemovedOrder.Receipt(attempt: $0.number(max: .max), amount: $0.amount()) })
  }
}
