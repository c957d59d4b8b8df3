import Clocks

extension World {
  /// The call that checks out an order.
  func checkout(of order: Int, key: UInt32) -> Call {
    orders[order].askedAt = MonotonicClock.nanoseconds
    return Call(kind: .checkout, subject: order, key: key)
  }

  /// Notes the answer to a checkout.
  func settleCheckout(of order: Int, _ result: CallResult, allowsRefusals: Bool) -> Verdict {
    orders[order].answeredAt = MonotonicClock.nanoseconds
    switch result {
    case .answered(status: 200, _):
      orders[order].answer = .paid
      return .expected
    case .answered(status: 409, let body):
      guard let problem = ProblemBody(body) else {
        orders[order].answer = .unknown
        return .failed(.wrongBody)
      }
      let subject = problem.code == "out_of_credit" ? problem.user : problem.item
      orders[order].answer = .refused(code: problem.code, subject: subject ?? "")
      return allowsRefusals ? .expected : .failed(.unexpectedStatus)
    default:
      orders[order].answer = .unknown
      return result.verdict
    }
  }

  /// The id of what a call concerns, for the history.
  func subjectID(of call: Call) -> String {
    switch call.kind {
    case .createUsers, .createItems, .createOrders: String(call.subject)
    case .createItem, .get: ""
    case .addStock, .findItem: items[call.subject].id
    case .createOrder, .findUser: users[call.subject].id
    case .addItem, .checkout, .findOrder: orders[call.subject].id
    }
  }
}
