import Model
import PartitionCore

// The end of a hold: committed (sold) or released (available again), once. Those waiting for the items are served right
// after, because they wait for holds to end.

extension StockMachine {
  /// The money is taken: sells what is held.
  mutating func commit(_ attempt: AttemptID, in context: inout ApplyContext) throws(Poison) {
    // A missing hold was resolved before; a parked one has not passed on its slip, so nobody can commit it.
    guard let hold = holds[attempt], hold.status == .held else { return }
    for line in hold.lines {
      try change(line.item, at: context.position) { item in
        guard let held = item.held.subtracting(line.quantity), let sold = item.sold.adding(line.quantity)
        else { return false }
        item.held = held
        item.sold = sold
        return true
      }
      ledger.unitsSold &+= UInt64(line.quantity.value)
    }
    holds.update(attempt, at: context.position) { $0 = nil }
    try serveParked(at: hold.lines.map(\.item), in: &context)
  }

  /// The checkout failed further on: gives back what is held and passes the failure backwards.
  mutating func release(_ slip: Slip, _ stop: UInt16, _ failure: Failure, in context: inout ApplyContext)
    throws(Poison)
  {
    guard let hold = holds[slip.attempt], hold.status == .held, hold.stop == stop else { return }
    for line in hold.lines {
      try change(line.item, at: context.position) { item in
        guard let held = item.held.subtracting(line.quantity),
          let available = item.available.adding(line.quantity)
        else { return false }
        item.held = held
        item.available = available
        return true
      }
    }
    holds.update(slip.attempt, at: context.position) { $0 = nil }
    sendBack(hold, failure, in: &context)
    try serveParked(at: hold.lines.map(\.item), in: &context)
  }

  /// Serves the queues of items whose numbers changed: the first in a queue is held or refused once its verdict is
  /// certain; then the next becomes first, perhaps in other queues as well.
  mutating func serveParked(at changed: [ItemID], in context: inout ApplyContext) throws(Poison) {
    var toServe = changed
    while let id = toServe.popLast() {
      guard let attempt = items[id]?.parked.first else { continue }
      guard let hold = holds[attempt] else {
        throw Poison("\(attempt) waits for item \(id) and is not known")
      }
      let verdict = verdict(on: hold)
      if case .wait = verdict { continue }
      try unpark(hold, in: &context)
      switch verdict {
      case .hold:
        try take(hold, in: &context)
      case .refuse(let failure):
        holds.update(attempt, at: context.position) { $0 = nil }
        sendBack(hold, failure, in: &context)
      case .wait:
        break
      }
      toServe.append(contentsOf: hold.lines.map(\.item))
    }
  }

  /// Removes a parked hold from the queues of all its items.
  private mutating func unpark(_ hold: Hold, in context: inout ApplyContext) throws(Poison) {
    for line in hold.lines {
      try change(line.item, at: context.position) { item in
        guard let place = item.parked.firstIndex(of: hold.slip.attempt) else { return false }
        item.parked.remove(at: place)
        return true
      }
    }
    parkedCount -= 1
  }
}
