/// What `GET /stock/find` answers.
struct ItemBody: Equatable {
  var stock: Int64
  var price: Int64

  /// nil if the bytes are not such a body.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var stock: Int64?
    var price: Int64?
    var cursor = JSONCursor(bytes)
    let isObject = cursor.object { name, cursor in
      if name.isText("stock") { return cursor.integer(into: &stock) }
      if name.isText("price") { return cursor.integer(into: &price) }
      return cursor.skipValue()
    }
    guard isObject, cursor.isAtEnd(), let stock, let price, stock >= 0, price >= 0 else { return nil }
    self.stock = stock
    self.price = price
  }
}

/// What `GET /payment/find_user` answers.
struct UserBody: Equatable {
  var id: String
  var credit: Int64

  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var id: String?
    var credit: Int64?
    var cursor = JSONCursor(bytes)
    let isObject = cursor.object { name, cursor in
      if name.isText("user_id") { return cursor.text(into: &id) }
      if name.isText("credit") { return cursor.integer(into: &credit) }
      return cursor.skipValue()
    }
    guard isObject, cursor.isAtEnd(), let id, let credit, credit >= 0 else { return nil }
    self.id = id
    self.credit = credit
  }
}

/// What `GET /orders/find` answers.
struct OrderBody: Equatable {
  struct Line: Equatable {
    var item: String
    var quantity: Int64
  }

  var id = ""
  var user = ""
  var isPaid = false
  var lines: [Line] = []
  var total: Int64 = 0
  /// A checkout of the order is under way.
  var isCheckingOut = false

  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var cursor = JSONCursor(bytes)
    // One bit for each required member.
    var seen: UInt8 = 0
    let isObject = cursor.object { name, cursor in
      if name.isText("order_id"), let text = cursor.text() {
        id = text
        seen |= 1
      } else if name.isText("user_id"), let text = cursor.text() {
        user = text
        seen |= 2
      } else if name.isText("paid"), let flag = cursor.boolean() {
        isPaid = flag
        seen |= 4
      } else if name.isText("total_cost"), let number = cursor.integer(), number >= 0 {
        total = number
        seen |= 8
      } else if name.isText("items") {
        seen |= 16
        return cursor.array { cursor in
          guard cursor.take("["), let item = cursor.text(), cursor.take(","), let quantity = cursor.integer(),
            quantity > 0, cursor.take("]")
          else { return false }
          lines.append(Line(item: item, quantity: quantity))
          return true
        }
      } else if name.isText("status"), let text = cursor.plainString() {
        isCheckingOut = text.isText("checking_out")
      } else {
        return cursor.skipValue()
      }
      return true
    }
    guard isObject, cursor.isAtEnd(), seen == 31 else { return nil }
  }
}

/// The part of a problem body that says what is wrong.
struct ProblemBody: Equatable {
  var code = ""
  var item: String?
  var user: String?

  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var cursor = JSONCursor(bytes)
    let isObject = cursor.object { name, cursor in
      if name.isText("code"), let text = cursor.text() {
        code = text
      } else if name.isText("item_id"), let text = cursor.text() {
        item = text
      } else if name.isText("user_id"), let text = cursor.text() {
        user = text
      } else {
        return cursor.skipValue()
      }
      return true
    }
    guard isObject, cursor.isAtEnd(), !code.isEmpty else { return nil }
  }
}

/// The answer to creating something: the one member's value.
struct CreatedBody {
  let id: String

  init?(_ bytes: UnsafeBufferPointer<UInt8>, member: StaticString) {
    var id: String?
    var cursor = JSONCursor(bytes)
    let isObject = cursor.object { name, cursor in
      if name.isText(member) { return cursor.text(into: &id) }
      return cursor.skipValue()
    }
    guard isObject, cursor.isAtEnd(), let id, (1...64).contains(id.utf8.count) else { return nil }
    self.id = id
  }
}

extension JSONCursor {
  /// A string without escapes.
  mutating func text() -> String? {
    plainString().map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads a string; false if there is none.
  mutating func text(into text: inout String?) -> Bool {
    text = self.text()
    return text != nil
  }

  /// Reads a whole number; false if there is none.
  mutating func integer(into number: inout Int64?) -> Bool {
    number = integer()
    return number != nil
  }
}
