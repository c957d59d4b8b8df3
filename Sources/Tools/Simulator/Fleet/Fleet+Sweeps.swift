import Model
import Tenancy

// Old orders are removed.

extension Fleet {
  /// An owner looks at some orders; which of them are old it finds out when it applies the sweep.
  func sweep() {
    let owner = randomSeat { $0.tenancy.partition.service == .orders && $0.tenancy.takesSweep }
    guard let (_, slot, seat) = owner else { return }
    sweep(slot, seat, (0..<random.within(2...12)).compactMap { _ in random.pick(clients.orders) })
  }

  /// Days pass in which nothing happens. What was under way then still is, and owners look at their newest orders.
  func passDays() {
    age += Int64(random.within(90_000_000...200_000_000))
    for pod in pods where isAwake(pod) {
      for (slot, seat) in pod.seats.enumerated() {
        guard let seat, seat.tenancy.partition.service == .orders else { continue }
        sweep(slot, seat, clients.orders.suffix(24))
      }
    }
  }

  private func sweep(_ slot: Int, _ seat: Seat, _ orders: some Sequence<OrderID>) {
    let own = orders.filter { layout.slot(layout.partitioner.partition(of: $0)) == slot }
    if seat.tenancy.sweep(own) { tally.sweeps += 1 }
  }
}
