/// What a call asks the server for.
public enum CallKind: UInt8, CaseIterable, Sendable {
  case createUsers, createItems, createOrders
  case createItem, addStock, createOrder, addItem, checkout, findOrder, findItem, findUser
  /// Of `LoadConfiguration.path`.
  case get

  /// Whether it changes something, and so takes an idempotency key.
  public var isWrite: Bool {
    switch self {
    case .findOrder, .findItem, .findUser, .get: false
    default: true
    }
  }

  /// The name in reports.
  public var name: String {
    switch self {
    case .createUsers: "payment batch_init"
    case .createItems: "stock batch_init"
    case .createOrders: "orders batch_init"
    case .createItem: "stock item create"
    case .addStock: "stock add"
    case .createOrder: "orders create"
    case .addItem: "orders addItem"
    case .checkout: "orders checkout"
    case .findOrder: "orders find"
    case .findItem: "stock find"
    case .findUser: "payment find_user"
    case .get: "get"
    }
  }
}

/// One call; the numbers' meaning depends on the kind.
struct Call: Equatable {
  var kind: CallKind
  /// The index of the user, item or order it concerns; of a batch: how many entities.
  var subject = 0
  /// The item added to an order; of a batch of orders: how many items and, in `amount`, users.
  var object = 0
  var amount: Int64 = 0
  /// The price, if it has one.
  var price: Int64 = 0
  /// The number of the idempotency key; 0 without one.
  var key: UInt32 = 0
}

/// The result of a call.
enum CallResult {
  /// The body is only valid during `settle`.
  case answered(status: UInt16, body: UnsafeBufferPointer<UInt8>)
  /// It may have taken effect or not.
  case unknown(CallFailure)
}

/// Writes the requests of calls.
struct CallWriter {
  private let world: World
  private let tail: [UInt8]
  private let keyHead: [UInt8]
  private let getTail: [UInt8]
  private let path: String

  /// - Parameters:
  ///   - path: what `CallKind.get` gets.
  ///   - apiKey: is sent with each of them.
  ///   - keyPrefix: makes the run's idempotency keys differ from those of all others.
  init(world: World, host: String, path: String, apiKey: String? = nil, keyPrefix: String) {
    self.world = world
    self.path = path
    let caller = apiKey.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    getTail = Array(" HTTP/1.1\r\nHost: \(host)\r\n\(caller)\r\n".utf8)
    tail = Array(" HTTP/1.1\r\nHost: \(host)\r\n\(caller)Content-Length: 0\r\n".utf8)
    keyHead = Array("Idempotency-Key: \(keyPrefix)-".utf8)
  }

  /// Replaces `bytes` by the request of the call.
  func write(_ call: Call, into bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    switch call.kind {
    case .createUsers: bytes.append("POST /payment/batch_init/", call.subject, call.amount)
    case .createItems: bytes.append("POST /stock/batch_init/", call.subject, call.amount, call.price)
    case .createOrders:
      bytes.append("POST /orders/batch_init/", call.subject, call.object, call.amount, call.price)
    case .createItem: bytes.append("POST /stock/item/create/", call.price)
    case .addStock: bytes.append("POST /stock/add/", world.items[call.subject].id, call.amount)
    case .createOrder: bytes.append("POST /orders/create/", world.users[call.subject].id)
    case .addItem:
      bytes.append(
        "POST /orders/addItem/", world.orders[call.subject].id, world.items[call.object].id, call.amount)
    case .checkout: bytes.append("POST /orders/checkout/", world.orders[call.subject].id)
    case .findOrder: bytes.append("GET /orders/find/", world.orders[call.subject].id)
    case .findItem: bytes.append("GET /stock/find/", world.items[call.subject].id)
    case .findUser: bytes.append("GET /payment/find_user/", world.users[call.subject].id)
    case .get: bytes.append("GET ", path)
    }
    guard call.kind.isWrite else {
      bytes.append(contentsOf: getTail)
      return
    }
    bytes.append(contentsOf: tail)
    if call.key > 0 {
      bytes.append(contentsOf: keyHead)
      bytes.append(segment: call.key)
      bytes.append(0x0D)
      bytes.append(0x0A)
    }
    bytes.append(0x0D)
    bytes.append(0x0A)
  }
}

/// A part of a path.
protocol PathSegment {
  func append(to bytes: inout [UInt8])
}

extension String: PathSegment {
  func append(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

extension FixedWidthInteger {
  func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = magnitude
    repeat {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }
}
extension Int: PathSegment {}
extension Int64: PathSegment {}
extension UInt32: PathSegment {}

extension [UInt8] {
  fileprivate mutating func append<each Segment: PathSegment>(_ head: StaticString, _ segments: repeat each Segment) {
    append(contentsOf: UnsafeBufferPointer(start: head.utf8Start, count: head.utf8CodeUnitCount))
    var isFirst = true
    for segment in repeat each segments {
      if !isFirst { append(UInt8(ascii: "/")) }
      isFirst = false
      segment.append(to: &self)
    }
  }

  fileprivate mutating func append(segment: some PathSegment) { segment.append(to: &self) }
}
