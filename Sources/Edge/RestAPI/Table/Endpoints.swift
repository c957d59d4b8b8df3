import HTTPServer
import Model
import Problems

// The table of the API, in the order of `/openapi.json`. Two dialects stand side by side: the older one knows no
// quantities, and names the order when it pays.
extension Endpoint {
  static let all: [Endpoint] = orders + stock + payment + about

  /// What is refused when a line of an order gets a quantity.
  private static let lineRefusals: [ProblemCode] = [
    .unknownOrder, .unknownItem, .checkoutUnderWay, .orderPaid, .tooManyLines, .sumOutOfRange,
  ]

  private static let orders: [Endpoint] = [
    Endpoint(
      .post, "/orders/create/{user_id}", "createOrder", "Open an empty order",
      description: "The user is looked up at checkout, not here.",
      .orderCreated, "The order.", refusals: [.alreadyExists],
      .change { path, ids throws(Problem) in
        let user = try path.user(2)
        let (id, freshness) = ids.newID()
        return .orders(.create(OrderID(unchecked: id), user: user, freshness))
      }),
    Endpoint(
      .delete, "/orders/remove/{order_id}", "removeOrder", "Remove an order",
      .done, "The order is gone.", refusals: [.unknownOrder, .checkoutUnderWay, .orderPaid],
      .change { path, _ throws(Problem) in .orders(.remove(try path.order(2))) }),
    Endpoint(
      .post, "/orders/addItem/{order_id}/{item_id}", "addItem", "Add one unit of an item",
      .orderChanged, "The new total.", refusals: lineRefusals,
      .price { path throws(Problem) in LineChange(order: try path.order(2), item: try path.item(3), quantity: .one) }),
    Endpoint(
      .post, "/orders/addItem/{order_id}/{item_id}/{quantity}", "addItemQuantity", "Add units of an item",
      .orderChanged, "The new total.", refusals: lineRefusals,
      .price { path throws(Problem) in
        LineChange(
          order: try path.order(2), item: try path.item(3), quantity: try path.quantity(4, "quantity", atLeast: 1))
      }),
    Endpoint(
      .delete, "/orders/removeItem/{order_id}/{item_id}", "removeItem", "Remove one unit of an item",
      description: "Each repetition removes one more unit, though DELETE is called idempotent: send an "
        + "`Idempotency-Key`, or set the quantity with `PUT "
        + "/orders/items/{order_id}/{item_id}/{quantity}`.",
      .orderChanged, "The new total.", refusals: [.unknownOrder, .itemNotInOrder, .checkoutUnderWay, .orderPaid],
      .change { path, _ throws(Problem) in .orders(.removeItem(try path.order(2), try path.item(3))) }),
    Endpoint(
      .put, "/orders/items/{order_id}/{item_id}/{quantity}", "setItem", "Set how many units of an item the order has",
      description: "0 removes the item, and succeeds even if the order does not have it. Repeating it changes "
        + "nothing more, with or without a key.",
      .orderChanged, "The new total.", refusals: lineRefusals,
      .price { path throws(Problem) in
        LineChange(
          order: try path.order(2), item: try path.item(3), quantity: try path.quantity(4, "quantity"),
          isAbsolute: true)
      }),
    Endpoint(
      .get, "/orders/find/{order_id}", "findOrder", "Read an order",
      .order, "The order.", refusals: [.unknownOrder],
      .read { path throws(Problem) in .order(try path.order(2)) }),
    Endpoint(
      .get, "/orders/items/{order_id}", "findOrderItems", "Read an order, with its items as objects",
      description: "The same as `GET /orders/find/{order_id}`, for clients that prefer names to positions.",
      .orderWithItems, "The order.", refusals: [.unknownOrder],
      .read { path throws(Problem) in .order(try path.order(2)) }),
    Endpoint(
      .post, "/orders/checkout/{order_id}", "checkout", "Buy what is in the order",
      description: "Holds every line of the order, takes the money, and answers once the order is paid. Repeated, "
        + "it answers the same again and takes nothing.",
      .done, "The order is paid.",
      refusals: [
        .unknownOrder, .outOfStock, .outOfCredit, .checkoutUnknownItem, .checkoutUnknownUser, .paymentConflict,
        .sumOutOfRange, .tooManyJoined, .tooManyWaiting,
      ],
      .change { path, _ throws(Problem) in .orders(.checkout(try path.order(2))) }),
    Endpoint(
      .post, "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}", "initOrders",
      "Make orders 0 to n-1, each of two random items", description: "`item_price` is at most (2^53-1)/2 here.",
      .batchDone, "All of them exist now.", refusals: [.checkoutUnderWay, .sumOutOfRange],
      .batch { path, ids throws(Problem) in try .orders(path, ids: &ids) }),
  ]

  private static let stock: [Endpoint] = [
    Endpoint(
      .post, "/stock/item/create/{price}", "createItem", "Make an item without stock",
      .itemCreated, "The item.", refusals: [.alreadyExists],
      .change { path, ids throws(Problem) in
        let price = try path.money(3, "price")
        let (id, freshness) = ids.newID()
        return .stock(.create(ItemID(unchecked: id), price: price, freshness))
      }),
    Endpoint(
      .get, "/stock/find/{item_id}", "findItem", "Read an item",
      .item, "What can still be sold, and its price.", refusals: [.unknownItem],
      .read { path throws(Problem) in .item(try path.item(2)) }),
    Endpoint(
      .post, "/stock/add/{item_id}/{amount}", "addStock", "Put units into stock",
      .done, "The units are in stock.", refusals: [.unknownItem, .sumOutOfRange],
      .change { path, _ throws(Problem) in .stock(.add(try path.item(2), try path.quantity(3, "amount"))) }),
    Endpoint(
      .post, "/stock/subtract/{item_id}/{amount}", "subtractStock", "Take units out of stock",
      .done, "The units are subtracted.", refusals: [.unknownItem, .lessInStock],
      .change { path, _ throws(Problem) in .stock(.subtract(try path.item(2), try path.quantity(3, "amount"))) }),
    Endpoint(
      .post, "/stock/batch_init/{n}/{starting_stock}/{item_price}", "initItems", "Make items 0 to n-1",
      .batchDone, "All of them exist now.", refusals: [.sumOutOfRange],
      .batch { path, _ throws(Problem) in try .stock(path) }),
  ]

  private static let payment: [Endpoint] = [
    Endpoint(
      .post, "/payment/create_user", "createUser", "Make a user without credit",
      .userCreated, "The user.", refusals: [.alreadyExists],
      .change { _, ids throws(Problem) in
        let (id, freshness) = ids.newID()
        return .payments(.create(UserID(unchecked: id), freshness))
      }),
    Endpoint(
      .get, "/payment/find_user/{user_id}", "findUser", "Read a user",
      .user, "The user.", refusals: [.unknownUser],
      .read { path throws(Problem) in .user(try path.user(2)) }),
    Endpoint(
      .post, "/payment/add_funds/{user_id}/{amount}", "addFunds", "Add credit",
      .done, "The credit is added.", refusals: [.unknownUser, .sumOutOfRange],
      .change { path, _ throws(Problem) in .payments(.addFunds(try path.user(2), try path.money(3, "amount"))) }),
    Endpoint(
      .post, "/payment/pay/{user_id}/{amount}", "pay", "Take credit",
      .done, "The credit is taken.", refusals: [.unknownUser, .notEnoughCredit],
      .change { path, _ throws(Problem) in .payments(.pay(try path.user(2), nil, try path.money(3, "amount"))) }),
    Endpoint(
      .post, "/payment/pay/{user_id}/{order_id}/{amount}", "payOrder", "Take credit for an order, once",
      .done, "The credit is taken, now or earlier.", refusals: [.unknownUser, .notEnoughCredit, .paymentConflict],
      .change { path, _ throws(Problem) in
        .payments(.pay(try path.user(2), try path.order(3), try path.money(4, "amount")))
      }),
    Endpoint(
      .post, "/payment/cancel/{user_id}/{order_id}", "cancelPayment",
      "Give back what was paid for an order by hand, once",
      .done, "The credit is given back, now or earlier.",
      refusals: [.unknownUser, .unknownPayment, .paymentConflict, .sumOutOfRange],
      .change { path, _ throws(Problem) in .payments(.cancel(try path.user(2), try path.order(3))) }),
    paymentStatus(.get, "paymentStatus", "Whether the user paid for the order"),
    paymentStatus(.post, "paymentStatusByPost", "Whether the user paid for the order, in the older dialect"),
    Endpoint(
      .post, "/payment/batch_init/{n}/{starting_money}", "initUsers", "Make users 0 to n-1",
      .batchDone, "All of them exist now.", refusals: [.sumOutOfRange],
      .batch { path, _ throws(Problem) in try .users(path) }),
  ]

  /// The dialects differ in the method only.
  private static func paymentStatus(_ method: HTTPMethod, _ id: StaticString, _ summary: StaticString) -> Endpoint {
    Endpoint(
      method, "/payment/status/{user_id}/{order_id}", id, summary,
      .paymentStatus, "Whether the user paid.", refusals: [.unknownUser],
      .read { path throws(Problem) in .payment(try path.user(2), try path.order(3)) })
  }

  private static let about: [Endpoint] = [
    Endpoint(.get, "/", "index", "What this is", .index, "What this is.", .constant(.index)),
    Endpoint(
      .options, "/", "options", "Whether the server is up",
      description: "For health checks of gateways; `OPTIONS *` is answered in the same way.",
      .nothing, "`Allow` has the methods.", .constant(.options)),
    Endpoint(.get, "/openapi.json", "openapi", "This document", .document, "This document.", .constant(.document)),
    Endpoint(
      .get, "/problems", "problems", "What each problem code means",
      .page, "A page with a place for each code, which the `type` of problems leads to.", .constant(.problems)),
  ]
}
