import Model

extension Arbitrary {
  mutating func query() -> Query {
    switch below(4) {
    case 0: .order(id())
    case 1: .item(id())
    case 2: .user(id())
    default: .payment(id(), id())
    }
  }

  mutating func view() -> View {
    switch below(4) {
    case 0:
      .order(
        maybe { arbitrary in
          OrderView(
            id: arbitrary.id(), user: arbitrary.id(),
            lines: arbitrary.list(max: 4) { Slip.Line(item: $0.id(), quantity: $0.units()) }, total: arbitrary.amount(),
            status: arbitrary.pick([.open, .checkingOut, .paid]))
        })
    case 1: .item(maybe { ItemView(available: $0.amount(), price: $0.amount()) })
    case 2: .user(maybe { UserView(id: $0.id(), credit: $0.amount()) })
    default: .payment(isPaid: maybe { $0.flip() })
    }
  }

  mutating func refusalOfAPeer() -> RequestRefusal {
    pick([.overloaded, .stopping, .starting, .logFailed, .outcomeUnknown, .undecidable, .partitionStopped(partition())])
  }
}
