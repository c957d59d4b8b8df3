import Model
import PartitionCore

extension StockMachine {
  mutating func create(_ id: ItemID, at price: Money, in context: borrowing ApplyContext) -> Outcome {
    guard items[id] == nil else { return .refused(.alreadyExists(id: id.text)) }
    items.update(id, at: context.position) { $0 = Item(price: price) }
    return .created(id: id.text)
  }

  /// Adds units, for which parked checkouts may be waiting.
  mutating func add(_ quantity: Quantity, to id: ItemID, in context: inout ApplyContext) throws(Poison) -> Outcome {
    guard let item = items[id] else { return .refused(.unknownItem(id)) }
    // The units ever received bound every other number of the item.
    guard let received = item.received.adding(quantity), let available = item.available.adding(quantity) else {
      return .refused(.amountOutOfRange(id: id.text))
    }
    items.update(id, at: context.position) { item in
      item?.received = received
      item?.available = available
    }
    try serveParked(at: [id], in: &context)
    return .done
  }

  /// Takes units that are neither held nor sold.
  mutating func subtract(_ quantity: Quantity, from id: ItemID, in context: borrowing ApplyContext) -> Outcome {
    guard let item = items[id] else { return .refused(.unknownItem(id)) }
    guard let available = item.available.subtracting(quantity),
      let received = item.received.subtracting(quantity)
    else { return .refused(.lessInStock(id)) }
    items.update(id, at: context.position) { item in
      item?.available = available
      item?.received = received
    }
    return .done
  }

  /// Sets stock and price of this partition's items of the batch. Held and sold units are unchanged.
  mutating func batchInit(_ batch: StockBatch, in context: inout ApplyContext) throws(Poison) -> Outcome {
    let own = batch.numbers.map { ItemID(unchecked: String($0)) }.filter { owns($0) }
    for id in own {
      guard received(batch.stock, items[id]) != nil else { return .refused(.amountOutOfRange(id: id.text)) }
    }
    var toServe: [ItemID] = []
    var changed: UInt64 = 0
    for id in own {
      let before = items[id]
      let received = received(batch.stock, items[id]) ?? batch.stock
      items.update(id, at: context.position) { item in
        var new = item ?? Item(price: batch.price)
        new.price = batch.price
        new.available = batch.stock
        new.received = received
        item = new
      }
      if items[id] != before { changed += 1 }
      if items[id]?.parked.isEmpty == false { toServe.append(id) }
    }
    try serveParked(at: toServe, in: &context)
    return context.changed(changed)
  }

  /// The units an item has received if `stock` of them are available.
  private func received(_ stock: Quantity, _ item: Item?) -> Quantity? {
    guard let item else { return stock }
    return stock.adding(item.held)?.adding(item.sold)
  }
}
