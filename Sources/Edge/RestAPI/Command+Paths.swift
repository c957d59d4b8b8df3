import Model

extension Command {
  /// The partition whose log the command belongs to; nil for the parts of a `batch_init`, which go to all, and for a
  /// sweep, which nobody asks for.
  func partition(by partitioner: Partitioner) -> PartitionID? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)), .orders(.checkout(let id)):
      partitioner.partition(of: id)
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)):
      partitioner.partition(of: id)
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, _, _)),
      .payments(.cancel(let id, _)):
      partitioner.partition(of: id)
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }

  var isCreation: Bool {
    switch self {
    case .orders(.create), .stock(.create), .payments(.create): true
    default: false
    }
  }

  /// The path that shows what became of the command.
  var findOut: String? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)), .orders(.checkout(let id)):
      "/orders/find/\(id.text)"
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)):
      "/stock/find/\(id.text)"
    case .payments(.pay(let user, let order?, _)), .payments(.cancel(let user, let order)):
      "/payment/status/\(user.text)/\(order.text)"
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, nil, _)):
      "/payment/find_user/\(id.text)"
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }
}
