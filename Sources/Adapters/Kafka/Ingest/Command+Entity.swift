import Model

extension Command {
  /// The id of what it changes; nil for a part of a `batch_init`, and for a sweep.
  var entityID: String? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)), .orders(.checkout(let id)):
      id.text
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)): id.text
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, _, _)),
      .payments(.cancel(let id, _)):
      id.text
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }
}

extension ClientCommand {
  /// The command, made to look whether what it creates exists: its id was not made at random for it.
  var withLookup: ClientCommand {
    let looked: Command =
      switch command {
      case .orders(.create(let id, let user, _)): .orders(.create(id, user: user, .derived))
      case .stock(.create(let id, let price, _)): .stock(.create(id, price: price, .derived))
      case .payments(.create(let id, _)): .payments(.create(id, .derived))
      default: command
      }
    return ClientCommand(request: request, idempotency: idempotency, trace: trace, command: looked)
  }
}
