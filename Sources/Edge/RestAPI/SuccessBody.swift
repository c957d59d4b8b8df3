import HTTPServer
import Model
import Telemetry

/// The bodies of answers with status 200.
enum SuccessBody {
  static func done() -> [UInt8] {
    var json = JSONWriter(reserving: 16)
    json.raw("{\"done\":true}")
    return json.bytes
  }

  /// A `batch_init` has made this many entities different from what they were.
  static func done(changed: UInt64) -> [UInt8] {
    var json = JSONWriter(reserving: 48)
    json.raw("{\"done\":true,\"changed\":")
    json.number(Int64(clamping: changed))
    json.raw("}")
    return json.bytes
  }

  /// The body of `outcome`, which is not a refusal, for a command.
  static func body(of outcome: Outcome, for command: Command) -> [UInt8] {
    switch outcome {
    case .created(let id): created(id, by: command.service)
    case .total(let total): changed(total, command)
    case .changed(let count): done(changed: count)
    case .done, .refused: done()
    }
  }

  private static func created(_ id: String, by service: Service) -> [UInt8] {
    var json = JSONWriter(reserving: 96)
    switch service {
    case .orders: json.raw("{\"order_id\":")
    case .stock: json.raw("{\"item_id\":")
    case .payments: json.raw("{\"user_id\":")
    }
    json.string(id)
    json.raw("}")
    return json.bytes
  }

  private static func changed(_ total: Money, _ command: Command) -> [UInt8] {
    var json = JSONWriter(reserving: 160)
    json.raw("{\"total_cost\":")
    json.number(total.value)
    json.raw(",\"message\":\"")
    switch command {
    case .orders(.addItem(let order, let item, let quantity, _)):
      json.raw("Added ")
      json.number(quantity.value)
      json.raw(" of item ")
      json.string(inQuotes: item.text)
      json.raw(" to order ")
      json.string(inQuotes: order.text)
      json.raw("; ")
    case .orders(.setItem(let order, let item, let quantity, _)):
      json.raw("Order ")
      json.string(inQuotes: order.text)
      json.raw(" has ")
      json.number(quantity.value)
      json.raw(" of item ")
      json.string(inQuotes: item.text)
      json.raw("; ")
    case .orders(.removeItem(let order, let item)):
      json.raw("Removed one of item ")
      json.string(inQuotes: item.text)
      json.raw(" from order ")
      json.string(inQuotes: order.text)
      json.raw("; ")
    default: break
    }
    json.raw("total price updated to ")
    json.number(total.value)
    json.raw("\"}")
    return json.bytes
  }

  /// The body of a view; nil when nothing of that id exists.
  ///
  /// - Parameter namesItems: whether an order's lines are objects, not pairs of id and quantity.
  static func body(of view: View, namesItems: Bool) -> [UInt8]? {
    switch view {
    case .order(let order): order.map { body(of: $0, namesItems: namesItems) }
    case .item(let item): item.map(body)
    case .user(let user): user.map(body)
    case .payment(let isPaid):
      isPaid.map { isPaid in
        var json = JSONWriter(reserving: 16)
        json.raw("{\"paid\":")
        json.bool(isPaid)
        json.raw("}")
        return json.bytes
      }
    }
  }

  private static func body(of order: OrderView, namesItems: Bool) -> [UInt8] {
    var json = JSONWriter(reserving: 192 + order.lines.count * 32)
    json.raw("{\"order_id\":")
    json.string(order.id.text)
    json.raw(",\"paid\":")
    json.bool(order.status == .paid)
    json.raw(",\"items\":[")
    for (place, line) in order.lines.enumerated() {
      if place > 0 { json.raw(",") }
      json.raw(namesItems ? "{\"item_id\":" : "[")
      json.string(line.item.text)
      json.raw(namesItems ? ",\"quantity\":" : ",")
      json.number(line.quantity.value)
      json.raw(namesItems ? "}" : "]")
    }
    json.raw("],\"user_id\":")
    json.string(order.user.text)
    json.raw(",\"total_cost\":")
    json.number(order.total.value)
    json.raw(",\"status\":")
    json.string(order.status.rawValue)
    json.raw("}")
    return json.bytes
  }

  private static func body(of item: ItemView) -> [UInt8] {
    var json = JSONWriter(reserving: 64)
    json.raw("{\"stock\":")
    json.number(item.available.value)
    json.raw(",\"price\":")
    json.number(item.price.value)
    json.raw("}")
    return json.bytes
  }

  private static func body(of user: UserView) -> [UInt8] {
    var json = JSONWriter(reserving: 96)
    json.raw("{\"user_id\":")
    json.string(user.id.text)
    json.raw(",\"credit\":")
    json.number(user.credit.value)
    json.raw("}")
    return json.bytes
  }
}
