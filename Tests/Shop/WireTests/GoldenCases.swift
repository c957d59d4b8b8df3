import Model
import PartitionCore

/// The values whose bytes stand in `golden.txt`, under the same names.
enum GoldenCases {
  static let records: [(name: String, record: Record)] =
    commands.map { name, command in
      (
        name,
        Record(entries: [
          Entry(
            time: time,
            body: .command(
              ClientCommand(
                request: request, idempotency: nil, trace: nil, command: command)))
        ])
      )
    }
    + (messages + messagesOfRemovals).map { name, message in
      (
        name,
        Record(entries: [
          Entry(
            time: time,
            body: .message(
              PartitionMessage(
                source: PartitionID(.stock, 63), position: SourcePosition(offset: 1_000_000, index: 2), message: message
              )))
        ])
      )
    } + [
      ("record-mixed", mixed), ("record-zeros", zeros),
      ("control-rules", Record(entries: [Entry(time: time, body: .control(.rules(version: 1)))])),
    ]
    + [
      ("control-owned", Control.owned(Owner(epoch: 3, incarnation: 0xfedc_ba98_7654_3210, address: "10.1.2.3:7000")!)),
      ("control-released", .released(epoch: .max)), ("control-tick", .tick(epoch: 3, number: 77)),
      ("control-limits", .limits(limits)), ("control-limits-retention", .limits(retention)),
    ].map { ($0, Record(entries: [Entry(time: time, body: .control($1))])) }

  static let limits = RuleLimits(
    orderLinesMax: 16_384, orderWaitersMax: 1, itemParkedMax: 300, idempotencyExpiryMilliseconds: 86_400_001)
  static let retention = {
    var retention = limits
    retention.orderRetentionMilliseconds = 7_776_000_000
    return retention
  }()
  static let time = Timestamp(milliseconds: 1_763_900_000_123)
  static let request = RequestID(incarnation: 0x0123_4567_89ab_cdef, lane: 1, number: 300)
  static let token = IdempotencyToken(
    key: IdempotencyKey(unchecked: "try:1/of{2}"), fingerprint: 0xfeed_f00d_dead_beef)
  static let trace = TraceContext(
    traceHigh: 0x4bf9_2f35_77b3_4da6, traceLow: 0xa3ce_929d_0e0e_4736, span: 0x00f0_67aa_0ba9_02b7, flags: 1)
  static let order = OrderID(unchecked: "order_1-A")
  static let item = ItemID(unchecked: "item-7")
  static let user = UserID(unchecked: "u")
  static let attempt = AttemptID(order: order, number: 3)
  private static let numbers: Range<Int64> = 8_192..<16_384
  private static func money(_ value: Int64) -> Money { Money(unchecked: value) }
  private static func units(_ value: Int64) -> Quantity { Quantity(unchecked: value) }

  private static let slip = Slip(
    attempt: attempt, user: user, total: money(9_007_199_254_740_991),
    stops: [
      .init(
        partition: 0,
        lines: [.init(item: ItemID(unchecked: "a"), quantity: .one), .init(item: item, quantity: units(200))]),
      .init(partition: 4_095, lines: [.init(item: ItemID(unchecked: "0"), quantity: units(2))]),
    ], trace: trace)

  private static let commands: [(String, Command)] = [
    ("order-create", .orders(.create(order, user: user, .random))),
    ("order-create-derived", .orders(.create(order, user: user, .derived))),
    ("order-remove", .orders(.remove(order))),
    ("order-add-item", .orders(.addItem(order, item, units(2), price: money(1_999)))),
    ("order-remove-item", .orders(.removeItem(order, item))),
    ("order-set-item", .orders(.setItem(order, item, units(2), price: money(1_999)))),
    ("order-set-item-to-zero", .orders(.setItem(order, item, .zero, price: .zero))),
    ("order-checkout", .orders(.checkout(order))),
    ("order-sweep", .orders(.sweep([order, OrderID(unchecked: "o")]))),
    (
      "order-batch-init",
      .orders(
        .batchInit(
          OrderBatch(
            numbers: numbers, itemCount: 100_000, userCount: 1_000, itemPrice: money(5), seed: 0x8000_0000_0000_0001)))
    ),
    ("item-create", .stock(.create(item, price: money(1_999), .random))),
    ("item-add", .stock(.add(item, units(10)))),
    ("item-subtract", .stock(.subtract(item, units(11)))),
    ("item-batch-init", .stock(.batchInit(StockBatch(numbers: numbers, stock: units(50), price: money(5))))),
    ("user-create", .payments(.create(user, .random))),
    ("user-add-funds", .payments(.addFunds(user, money(12)))),
    ("user-pay", .payments(.pay(user, nil, money(13)))),
    ("user-pay-order", .payments(.pay(user, order, money(13)))),
    ("user-cancel-payment", .payments(.cancel(user, order))),
    ("user-batch-init", .payments(.batchInit(UserBatch(numbers: numbers, credit: money(77))))),
  ]

  static let messages: [(String, Message)] = [
    ("reserve", .reserve(slip, stop: 1)),
    ("charge", .charge(slip)),
    ("charge-without-lines", .charge(Slip(attempt: attempt, user: user, total: .zero, stops: [], trace: nil))),
    ("paid", .paid(attempt)),
    ("commit", .commit(attempt)),
    ("release", .release(slip, stop: 0, .outOfCredit(user))),
    ("failed-out-of-stock", .failed(attempt, .outOfStock(item))),
    ("failed-unknown-item", .failed(attempt, .unknownItem(item))),
    ("failed-out-of-credit", .failed(attempt, .outOfCredit(user))),
    ("failed-unknown-user", .failed(attempt, .unknownUser(user))),
    ("failed-payment-conflict", .failed(attempt, .paymentConflict(order))),
    ("failed-too-many-waiting", .failed(attempt, .tooManyWaiting(item))),
    ("failed-amount-out-of-range", .failed(attempt, .amountOutOfRange(user))),
  ]

  /// Messages since `Rules.retention`.
  static let messagesOfRemovals: [(String, Message)] = [
    ("forget-payment", .forgetPayment(RemovedOrder(order: order, user: user, before: time, paid: nil))),
    (
      "forget-payment-paid",
      .forgetPayment(
        RemovedOrder(
          order: order, user: user, before: time, paid: .init(attempt: 4_294_967_296, amount: money(3_998))))
    ),
  ]

  /// Everything optional, and more than one entry.
  private static let mixed = Record(entries: [
    Entry(
      time: time,
      body: .command(
        ClientCommand(
          request: request, idempotency: token, trace: trace, command: .orders(.checkout(order))))),
    Entry(
      time: Timestamp(milliseconds: 253_402_300_799_999),
      body: .message(
        PartitionMessage(
          source: PartitionID(.orders, 0), position: SourcePosition(offset: .max, index: .max),
          message: .paid(AttemptID(order: order, number: UInt64(UInt32.max)))))),
    Entry(time: time, body: .control(.rules(version: .max))),
  ])

  /// Everything that is left out because it is 0.
  private static let zeros = Record(entries: [
    Entry(
      time: .zero,
      body: .command(
        ClientCommand(
          request: RequestID(incarnation: 0, lane: 0, number: 0),
          idempotency: IdempotencyToken(key: IdempotencyKey(unchecked: "0"), fingerprint: 0),
          trace: TraceContext(traceHigh: 0, traceLow: 0, span: 0, flags: 0),
          command: .orders(
            .batchInit(OrderBatch(numbers: 0..<0, itemCount: 0, userCount: 0, itemPrice: .zero, seed: 0)))))
    ),
    Entry(
      time: .zero,
      body: .message(
        PartitionMessage(
          source: PartitionID(.orders, 0), position: SourcePosition(offset: 0, index: 0), message: .paid(attempt)))),
  ])

  static let rows: [(name: String, key: EntityKey, entity: Entity)] =
    [
      ("row-order-open", .order(order), .order(Order(user: user))),
      (
        "row-order-checking-out", .order(order),
        .order(
          Order(
            user: user,
            lines: [
              .init(item: item, quantity: units(200), price: money(5)),
              .init(item: ItemID(unchecked: "a"), quantity: .one, price: .zero),
            ], status: .checkingOut, attempt: 3,
            waiters: [Waiter(request: request, idempotency: token), Waiter(request: request, idempotency: nil)]))
      ),
      ("row-order-paid", .order(order), .order(Order(user: user, status: .paid, attempt: UInt64(UInt32.max)))),
      ("row-item-empty", .item(item), .item(Item(price: .zero))),
      (
        "row-item", .item(item),
        .item(
          Item(
            price: money(1_999), available: units(1), held: units(2), sold: units(300), received: units(303),
            parked: [attempt, AttemptID(order: OrderID(unchecked: "o"), number: 1)]))
      ),
      ("row-hold-parked", .hold(attempt), .hold(Hold(slip: slip, stop: 1, status: .parked))),
      ("row-hold-held", .hold(attempt), .hold(Hold(slip: slip, stop: 0, status: .held))),
      ("row-user-empty", .user(user), .user(User())),
      (
        "row-user", .user(user),
        .user(
          User(
            credit: money(1), deposited: money(1_000), spent: money(999), spentWithoutOrder: money(9), paymentsByHand: 4
          ))
      ),
      ("row-payment-by-hand", .payment(user, order), .payment(Payment(amount: money(13), status: .byHand))),
      ("row-payment-checkout", .payment(user, order), .payment(Payment(amount: .zero, status: .checkout))),
      ("row-payment-refunded", .payment(user, order), .payment(Payment(amount: money(13), status: .refunded))),
    ] + outcomes.map { name, outcome in (name, .idempotency(token.key), record(outcome)) }

  /// What rows can hold since `Rules.eras`, and since `Rules.retention`.
  static let rowsOfEras: [(name: String, key: EntityKey, entity: Entity)] = [
    ("row-order-attempt", .order(order), .order(Order(user: user, status: .paid, attempt: .max))),
    ("row-user-era", .user(user), .user(User(credit: money(1), deposited: money(1), era: 3))),
    (
      "row-payment-attempt", .payment(user, order),
      .payment(Payment(amount: money(13), status: .checkout, era: 2, attempt: 4_294_967_296))
    ),
    ("outcome-changed", .idempotency(token.key), record(.changed(1_024))),
    ("row-order-changed", .order(order), .order(Order(user: user, changedAt: time))),
    (
      "row-payment-changed", .payment(user, order),
      .payment(Payment(amount: money(13), status: .byHand, changedAt: time))
    ),
  ]

  private static func record(_ outcome: Outcome?) -> Entity {
    .idempotency(IdempotencyRecord(fingerprint: token.fingerprint, outcome: outcome, expiry: time))
  }

  private static let outcomes: [(String, Outcome?)] = [
    ("outcome-none", nil),
    ("outcome-done", .done),
    ("outcome-created", .created(id: "item-7")),
    ("outcome-total", .total(money(3_998))),
    ("outcome-total-zero", .total(.zero)),
    ("refused-unknown-order", .refused(.unknownOrder(order))),
    ("refused-unknown-item", .refused(.unknownItem(item))),
    ("refused-unknown-user", .refused(.unknownUser(user))),
    ("refused-item-not-in-order", .refused(.itemNotInOrder(order, item))),
    ("refused-unknown-payment", .refused(.unknownPayment(user, order))),
    ("refused-already-exists", .refused(.alreadyExists(id: "item-7"))),
    ("refused-checkout-under-way", .refused(.checkoutUnderWay(order))),
    ("refused-order-paid", .refused(.orderPaid(order))),
    ("refused-too-many-lines", .refused(.tooManyLines(order))),
    ("refused-too-many-joined", .refused(.tooManyJoined(order))),
    ("refused-less-in-stock", .refused(.lessInStock(item))),
    ("refused-not-enough-credit", .refused(.notEnoughCredit(user))),
    ("refused-payment-conflict", .refused(.paymentConflict(order))),
    ("refused-amount-out-of-range", .refused(.amountOutOfRange(id: "u"))),
    ("refused-checkout-failed", .refused(.checkoutFailed(order, .tooManyWaiting(item)))),
    ("refused-idempotency-key-reused", .refused(.idempotencyKeyReused(token.key))),
  ]

  static let views: [View] = [
    .order(nil),
    .order(
      OrderView(
        id: order, user: user, lines: [.init(item: item, quantity: units(2))], total: money(3_998),
        status: .checkingOut)),
    .item(nil), .item(ItemView(available: .zero, price: money(1_999))),
    .user(nil), .user(UserView(id: user, credit: money(77))),
    .payment(isPaid: nil), .payment(isPaid: false), .payment(isPaid: true),
  ]

  static let headers: [(name: String, header: CheckpointHeader)] = plainHeaders + streamHeaders

  private static let plainHeaders: [(name: String, header: CheckpointHeader)] = {
    var ledger = Ledger()
    ledger.checkoutMoney = .max
    ledger.checkouts = 1
    ledger.unitsSold = 300
    var removing = Ledger()
    removing.removedOrders = 7
    removing.removedCheckouts = 2
    removing.removedMoney = .max
    return [
      (
        "header-removed",
        CheckpointHeader(
          partition: PartitionID(.orders, 0), offset: 4, now: time, rulesVersion: 4, limits: retention, dedup: [],
          ledger: removing)
      ),
      (
        "header-new",
        CheckpointHeader(
          partition: PartitionID(.orders, 0), offset: -1, now: .zero, rulesVersion: 1, dedup: [], ledger: Ledger())
      ),
      (
        "header",
        CheckpointHeader(
          partition: PartitionID(.payments, 7), offset: 1_000_000, now: time, rulesVersion: 1,
          dedup: [
            DedupRow(source: PartitionID(.orders, 0), position: SourcePosition(offset: 0, index: 0)),
            DedupRow(source: PartitionID(.stock, 4_095), position: SourcePosition(offset: .max, index: 9)),
          ], ledger: ledger)
      ),
      (
        "header-limits",
        CheckpointHeader(
          partition: PartitionID(.orders, 0), offset: 4, now: time, rulesVersion: 1, limits: limits, dedup: [],
          ledger: Ledger())
      ),
    ]
  }()
}
