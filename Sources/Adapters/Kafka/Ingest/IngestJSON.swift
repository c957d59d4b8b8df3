import JSON
import Model

/// A command as JSON: `{"command": "add_stock", "item": "…", "quantity": 5}`. docs/ingest.schema.json describes it.
struct IngestJSON {
  private let members: [String: JSONValue]

  /// What each command has besides its name and, if it wants one, an idempotency key; `?` marks what can be left out.
  static let commands: [String: [String]] = [
    "create_item": ["item", "price"], "add_stock": ["item", "quantity"], "subtract_stock": ["item", "quantity"],
    "create_user": ["user"], "add_funds": ["user", "amount"], "pay": ["user", "amount", "order?"],
    "cancel_payment": ["user", "order"],
    "create_order": ["order", "user"], "remove_order": ["order"],
    "add_item": ["order", "item", "quantity", "price"], "set_item": ["order", "item", "quantity", "price"],
    "remove_item": ["order", "item"], "checkout": ["order"],
  ]

  init(_ value: [UInt8]) throws(IngestFlaw) {
    guard case .object(let members)? = JSONValue(value) else {
      throw IngestFlaw("The value is not a JSON object, or names a member twice.")
    }
    self.members = members
  }

  func command(as request: RequestID) throws(IngestFlaw) -> ClientCommand {
    guard let name = members["command"]?.text else {
      throw IngestFlaw("The member 'command' is missing or not a string.")
    }
    guard let fields = Self.commands[name] else {
      let known = Self.commands.keys.sorted().joined(separator: ", ")
      throw IngestFlaw("There is no command '\(name.prefix(64))'; it can be one of \(known).")
    }
    let allowed = Set(fields.map { $0.last == "?" ? String($0.dropLast()) : $0 }).union(["command", "key"])
    if let stranger = members.keys.filter({ !allowed.contains($0) }).sorted().first {
      throw IngestFlaw("\(name) has no member '\(stranger.prefix(64))'.")
    }
    let command = try command(name)
    return ClientCommand(request: request, idempotency: try token(name, fields), trace: nil, command: command)
  }

  private func command(_ name: String) throws(IngestFlaw) -> Command {
    switch name {
    case "create_item": .stock(.create(try id("item"), price: try amount("price"), .derived))
    case "add_stock": .stock(.add(try id("item"), try amount("quantity")))
    case "subtract_stock": .stock(.subtract(try id("item"), try amount("quantity")))
    case "create_user": .payments(.create(try id("user"), .derived))
    case "add_funds": .payments(.addFunds(try id("user"), try amount("amount")))
    case "pay":
      .payments(.pay(try id("user"), members["order"] == nil ? nil : try id("order"), try amount("amount")))
    case "cancel_payment": .payments(.cancel(try id("user"), try id("order")))
    case "create_order": .orders(.create(try id("order"), user: try id("user"), .derived))
    case "remove_order": .orders(.remove(try id("order")))
    case "add_item":
      .orders(
        .addItem(try id("order"), try id("item"), try amount("quantity", atLeast: 1), price: try amount("price")))
    case "set_item":
      .orders(.setItem(try id("order"), try id("item"), try amount("quantity"), price: try amount("price")))
    case "remove_item": .orders(.removeItem(try id("order"), try id("item")))
    default: .orders(.checkout(try id("order")))
    }
  }

  private func id<ID: Identifier>(_ name: String) throws(IngestFlaw) -> ID {
    guard let text = members[name]?.text, let id = ID(validating: text) else {
      throw IngestFlaw("The member '\(name)' must be a string of 1 to 64 characters of A-Z a-z 0-9 _ -.")
    }
    return id
  }

  private func amount<Value: Amount>(_ name: String, atLeast least: Int64 = 0) throws(IngestFlaw) -> Value {
    guard let number = members[name]?.number, number >= least, let value = Value(number) else {
      throw IngestFlaw("The member '\(name)' must be a whole number, \(least) to \(Value.max).")
    }
    return value
  }

  /// The idempotency key, with what the command says besides it.
  private func token(_ name: String, _ fields: [String]) throws(IngestFlaw) -> IdempotencyToken? {
    guard let member = members["key"] else { return nil }
    guard let text = member.text, let key = IdempotencyKey(validating: text) else {
      throw IngestFlaw(
        "The member 'key' must be a string of 1 to \(IdempotencyKey.lengthMax) visible ASCII characters other than "
          + "quotation marks and backslashes.")
    }
    var said = "ingest/\(name)"
    for field in fields {
      switch members[field.last == "?" ? String(field.dropLast()) : field] {
      case .string(let text): said += "/\(text)"
      case .number(let number): said += "/\(number)"
      default: said += "/"
      }
    }
    let fingerprint = said.withUTF8 { MurmurHash3(UnsafeRawBufferPointer($0)).first }
    return IdempotencyToken(key: key, fingerprint: fingerprint)
  }
}
