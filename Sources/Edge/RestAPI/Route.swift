import Callers
import HTTPServer
import Model

/// Every path of the API. The raw values count from 0 and are the indices of the routes' metrics.
public enum Route: UInt8, CaseIterable, Sendable {
  case ordersCreate, ordersRemove, ordersAddItem, ordersAddQuantity, ordersRemoveItem, ordersSetItem, ordersFind,
    ordersItems, ordersCheckout, ordersBatchInit
  case stockCreate, stockFind, stockAdd, stockSubtract, stockBatchInit
  case paymentCreateUser, paymentFindUser, paymentAddFunds, paymentPay, paymentPayOrder, paymentCancel, paymentStatus,
    paymentBatchInit
  case root, openAPI, problems
  /// Any other path.
  case unmatched

  /// The path as `/openapi.json` writes it, for metrics.
  public var template: StaticString {
    switch self {
    case .ordersCreate: "/orders/create/{user_id}"
    case .ordersRemove: "/orders/remove/{order_id}"
    case .ordersAddItem: "/orders/addItem/{order_id}/{item_id}"
    case .ordersAddQuantity: "/orders/addItem/{order_id}/{item_id}/{quantity}"
    case .ordersRemoveItem: "/orders/removeItem/{order_id}/{item_id}"
    case .ordersSetItem: "/orders/items/{order_id}/{item_id}/{quantity}"
    case .ordersFind: "/orders/find/{order_id}"
    case .ordersItems: "/orders/items/{order_id}"
    case .ordersCheckout: "/orders/checkout/{order_id}"
    case .ordersBatchInit: "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}"
    case .stockCreate: "/stock/item/create/{price}"
    case .stockFind: "/stock/find/{item_id}"
    case .stockAdd: "/stock/add/{item_id}/{amount}"
    case .stockSubtract: "/stock/subtract/{item_id}/{amount}"
    case .stockBatchInit: "/stock/batch_init/{n}/{starting_stock}/{item_price}"
    case .paymentCreateUser: "/payment/create_user"
    case .paymentFindUser: "/payment/find_user/{user_id}"
    case .paymentAddFunds: "/payment/add_funds/{user_id}/{amount}"
    case .paymentPay: "/payment/pay/{user_id}/{amount}"
    case .paymentPayOrder: "/payment/pay/{user_id}/{order_id}/{amount}"
    case .paymentCancel: "/payment/cancel/{user_id}/{order_id}"
    case .paymentStatus: "/payment/status/{user_id}/{order_id}"
    case .paymentBatchInit: "/payment/batch_init/{n}/{starting_money}"
    case .root: "/"
    case .openAPI: "/openapi.json"
    case .problems: "/problems"
    case .unmatched: "unmatched"
    }
  }

  /// The service that the path belongs to; nil for what every process answers.
  var service: Service? {
    switch self {
    case .ordersCreate, .ordersRemove, .ordersAddItem, .ordersAddQuantity, .ordersRemoveItem, .ordersSetItem,
      .ordersFind, .ordersItems, .ordersCheckout, .ordersBatchInit:
      .orders
    case .stockCreate, .stockFind, .stockAdd, .stockSubtract, .stockBatchInit: .stock
    case .paymentCreateUser, .paymentFindUser, .paymentAddFunds, .paymentPay, .paymentPayOrder, .paymentCancel,
      .paymentStatus, .paymentBatchInit:
      .payments
    case .root, .openAPI, .problems, .unmatched: nil
    }
  }

  /// What a caller needs for it; nil: nothing.
  var scope: CallerScopes? {
    switch self {
    case .ordersFind, .ordersItems: .ordersRead
    case .ordersCreate, .ordersRemove, .ordersAddItem, .ordersAddQuantity, .ordersRemoveItem, .ordersSetItem,
      .ordersCheckout:
      .ordersWrite
    case .stockFind: .stockRead
    case .stockCreate, .stockAdd, .stockSubtract: .stockWrite
    case .paymentFindUser, .paymentStatus: .paymentRead
    case .paymentCreateUser, .paymentAddFunds, .paymentPay, .paymentPayOrder, .paymentCancel: .paymentWrite
    case .ordersBatchInit, .stockBatchInit, .paymentBatchInit: .admin
    case .root, .openAPI, .problems, .unmatched: nil
    }
  }

  /// Whether its answer never changes, and contains nobody's data.
  var isConstant: Bool { self == .root || self == .openAPI || self == .problems }

  /// The methods that the path takes, as `Allow` lists them.
  public var allow: StaticString {
    switch self {
    case .ordersRemove, .ordersRemoveItem: "DELETE"
    case .ordersSetItem: "PUT"
    case .ordersFind, .ordersItems, .stockFind, .paymentFindUser, .openAPI, .problems: "GET, HEAD"
    case .root: "GET, HEAD, OPTIONS"
    case .paymentStatus: "GET, HEAD, POST"
    default: "POST"
    }
  }

  func takes(_ method: HTTPMethod) -> Bool {
    switch self {
    case .ordersRemove, .ordersRemoveItem: method == .delete
    case .ordersSetItem: method == .put
    case .ordersFind, .ordersItems, .stockFind, .paymentFindUser, .openAPI, .problems: method == .get || method == .head
    case .root: method == .get || method == .head || method == .options
    case .paymentStatus: method == .get || method == .head || method == .post
    case .unmatched: false
    default: method == .post
    }
  }

  /// Finds the route of a path that has segments.
  static func match(_ path: borrowing PathSegments) -> Route {
    if path.segment(0, is: "orders") { return matchOrders(path) }
    if path.segment(0, is: "stock") { return matchStock(path) }
    if path.segment(0, is: "payment") { return matchPayment(path) }
    return path.count == 1 && path.segment(0, is: "problems") ? .problems : .unmatched
  }

  private static func matchOrders(_ path: borrowing PathSegments) -> Route {
    switch path.count {
    case 3:
      if path.segment(1, is: "checkout") { return .ordersCheckout }
      if path.segment(1, is: "find") { return .ordersFind }
      if path.segment(1, is: "items") { return .ordersItems }
      if path.segment(1, is: "create") { return .ordersCreate }
      if path.segment(1, is: "remove") { return .ordersRemove }
    case 4:
      if path.segment(1, is: "addItem") { return .ordersAddItem }
      if path.segment(1, is: "removeItem") { return .ordersRemoveItem }
    case 5:
      if path.segment(1, is: "addItem") { return .ordersAddQuantity }
      if path.segment(1, is: "items") { return .ordersSetItem }
    case 6: if path.segment(1, is: "batch_init") { return .ordersBatchInit }
    default: break
    }
    return .unmatched
  }

  private static func matchStock(_ path: borrowing PathSegments) -> Route {
    switch path.count {
    case 3: if path.segment(1, is: "find") { return .stockFind }
    case 4:
      if path.segment(1, is: "add") { return .stockAdd }
      if path.segment(1, is: "subtract") { return .stockSubtract }
      if path.segment(1, is: "item"), path.segment(2, is: "create") { return .stockCreate }
    case 5: if path.segment(1, is: "batch_init") { return .stockBatchInit }
    default: break
    }
    return .unmatched
  }

  private static func matchPayment(_ path: borrowing PathSegments) -> Route {
    switch path.count {
    case 2: if path.segment(1, is: "create_user") { return .paymentCreateUser }
    case 3: if path.segment(1, is: "find_user") { return .paymentFindUser }
    case 4:
      if path.segment(1, is: "pay") { return .paymentPay }
      if path.segment(1, is: "add_funds") { return .paymentAddFunds }
      if path.segment(1, is: "status") { return .paymentStatus }
      if path.segment(1, is: "cancel") { return .paymentCancel }
      if path.segment(1, is: "batch_init") { return .paymentBatchInit }
    case 5: if path.segment(1, is: "pay") { return .paymentPayOrder }
    default: break
    }
    return .unmatched
  }
}
