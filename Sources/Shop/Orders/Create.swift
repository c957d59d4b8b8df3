import Model
import PartitionCore

extension OrdersMachine {
  mutating func create(_ id: OrderID, for user: UserID, in context: borrowing ApplyContext) -> Outcome {
    guard orders[id] == nil else { return .refused(.alreadyExists(id: id.text)) }
    let order = Order(user: user, changedAt: context.stamp)
    orders.update(id, at: context.position) { $0 = order }
    return .created(id: id.text)
  }

  mutating func remove(_ id: OrderID, at position: LogPosition) -> Outcome {
    guard let order = orders[id] else { return .refused(.unknownOrder(id)) }
    if let refusal = order.refusalToChange(id) { return .refused(refusal) }
    orders.update(id, at: position) { $0 = nil }
    return .done
  }
}
