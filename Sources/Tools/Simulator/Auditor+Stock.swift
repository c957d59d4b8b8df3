import Model
import PartitionCore

// The rules for stock, written a second time.

extension Auditor {
  func decide(_ command: StockCommand) -> Outcome {
    switch command {
    case .create(let id, let price, _):
      if items[id] != nil { return .refused(.alreadyExists(id: id.text)) }
      set(id, Item(price: price))
      return .created(id: id.text)
    case .add(let id, let quantity):
      guard var item = items[id] else { return .refused(.unknownItem(id)) }
      guard let received = Self.sum(item.received.value, quantity.value) else {
        return .refused(.amountOutOfRange(id: id.text))
      }
      item.received = Quantity(unchecked: received)
      item.available = Quantity(unchecked: item.available.value + quantity.value)
      set(id, item)
      serve([id])
    case .subtract(let id, let quantity):
      guard var item = items[id] else { return .refused(.unknownItem(id)) }
      if item.available < quantity { return .refused(.lessInStock(id)) }
      item.received = Quantity(unchecked: item.received.value - quantity.value)
      item.available = Quantity(unchecked: item.available.value - quantity.value)
      set(id, item)
    case .batchInit(let batch): return batchInit(batch)
    }
    return .done
  }

  private func batchInit(_ batch: StockBatch) -> Outcome {
    let own = batch.numbers.map { ItemID(unchecked: String($0)) }
      .filter { layout.slot(layout.partitioner.partition(of: $0)) == current.slot }
    for id in own {
      let bound = (items[id]?.held.value ?? 0) + (items[id]?.sold.value ?? 0)
      if Self.sum(batch.stock.value, bound) == nil { return .refused(.amountOutOfRange(id: id.text)) }
    }
    var changed: UInt64 = 0
    for id in own {
      let before = items[id]
      var item = items[id] ?? Item(price: batch.price)
      item.price = batch.price
      item.available = batch.stock
      item.received = Quantity(unchecked: batch.stock.value + item.held.value + item.sold.value)
      set(id, item)
      if item != before { changed += 1 }
    }
    serve(own)
    return ended(changed)
  }

  private func set(_ id: ItemID, _ item: Item) {
    if item.received.value != item.available.value + item.held.value + item.sold.value {
      fail("item \(id) is not conserved: \(item)")
    }
    items[id] = item
    touched(.item(id), .item(ItemView(available: item.available, price: item.price)))
  }

  // MARK: Steps of a checkout

  /// Sends a slip to its stop number `stop`, or after the last one to the payment.
  func forward(_ slip: Slip, to stop: Int) {
    if stop < slip.stops.count {
      expect(.reserve(slip, stop: UInt16(stop)), to: PartitionID(.stock, slip.stops[stop].partition))
    } else {
      expect(.charge(slip), to: layout.partitioner.partition(of: slip.user))
    }
  }

  /// Sends a slip back from its stop number `stop`.
  func back(_ slip: Slip, from stop: Int, _ failure: Failure) {
    if stop > 0 {
      expect(
        .release(slip, stop: UInt16(stop - 1), failure), to: PartitionID(.stock, slip.stops[stop - 1].partition))
    } else {
      expect(.failed(slip.attempt, failure), to: layout.partitioner.partition(of: slip.attempt.order))
    }
  }

  private var index: Int { current.slot - layout.partitioner.count }

  func reserve(_ slip: Slip, _ stop: UInt16) {
    let lines = slip.stops[Int(stop)].lines
    for line in lines {
      guard let item = items[line.item] else { return back(slip, from: Int(stop), .unknownItem(line.item)) }
      if line.quantity.value > item.available.value + item.held.value {
        return back(slip, from: Int(stop), .outOfStock(line.item))
      }
    }
    let isFree = lines.allSatisfy { line in
      items[line.item].map { $0.available >= line.quantity && $0.parked.isEmpty } ?? false
    }
    if isFree { return take(slip, stop) }
    let parkedMax = limits[current.slot].itemParkedMax
    for line in lines where (items[line.item]?.parked.count ?? 0) >= parkedMax {
      return back(slip, from: Int(stop), .tooManyWaiting(line.item))
    }
    for line in lines { change(line.item) { $0.parked.append(slip.attempt) } }
    holds[index][slip.attempt] = Hold(slip: slip, stop: stop, status: .parked)
    parkedCount += 1
  }

  private func take(_ slip: Slip, _ stop: UInt16) {
    for line in slip.stops[Int(stop)].lines {
      change(line.item) { item in
        item.available = Quantity(unchecked: item.available.value - line.quantity.value)
        item.held = Quantity(unchecked: item.held.value + line.quantity.value)
      }
    }
    holds[index][slip.attempt] = Hold(slip: slip, stop: stop, status: .held)
    forward(slip, to: Int(stop) + 1)
  }

  private func change(_ id: ItemID, _ body: (inout Item) -> Void) {
    guard var item = items[id] else { return fail("item \(id) is gone") }
    body(&item)
    if item.available.value < 0 || item.held.value < 0 { fail("item \(id) went below zero: \(item)") }
    set(id, item)
  }

  func commit(_ attempt: AttemptID) {
    guard let hold = holds[index].removeValue(forKey: attempt), hold.status == .held else {
      return fail("\(attempt) was sold and is not held")
    }
    for line in hold.lines {
      change(line.item) { item in
        item.held = Quantity(unchecked: item.held.value - line.quantity.value)
        item.sold = Quantity(unchecked: item.sold.value + line.quantity.value)
      }
      soldUnits += line.quantity.value
    }
    serve(hold.lines.map(\.item))
  }

  func release(_ slip: Slip, _ stop: UInt16, _ failure: Failure) {
    guard let hold = holds[index].removeValue(forKey: slip.attempt), hold.status == .held, hold.stop == stop else {
      return fail("\(slip.attempt) was released and is not held")
    }
    for line in hold.lines {
      change(line.item) { item in
        item.held = Quantity(unchecked: item.held.value - line.quantity.value)
        item.available = Quantity(unchecked: item.available.value + line.quantity.value)
      }
    }
    back(slip, from: Int(stop), failure)
    serve(hold.lines.map(\.item))
  }

  /// Serves whoever is first in line for the items whose numbers changed, until nobody else can proceed. The order of
  /// the items does not matter: two that can proceed share no item.
  private func serve(_ changed: [ItemID]) {
    var items = changed
    while !items.isEmpty {
      let id = items.removeFirst()
      guard let attempt = self.items[id]?.parked.first, let hold = holds[index][attempt] else { continue }
      let failing = hold.lines.first { line in
        self.items[line.item].map { line.quantity.value > $0.available.value + $0.held.value } ?? true
      }
      let isFirst = hold.lines.allSatisfy { line in
        self.items[line.item].map { $0.available >= line.quantity && $0.parked.first == attempt } ?? false
      }
      guard failing != nil || isFirst else { continue }
      for line in hold.lines { change(line.item) { $0.parked.removeAll { $0 == attempt } } }
      if let failing {
        holds[index][attempt] = nil
        back(hold.slip, from: Int(hold.stop), .outOfStock(failing.item))
      } else {
        take(hold.slip, hold.stop)
      }
      items += hold.lines.map(\.item)
    }
  }
}
