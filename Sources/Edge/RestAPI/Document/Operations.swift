import HTTPServer
import Problems

// Every operation of the API, in the order of the document. What follows from the route and the method is in
// `DocumentedOperation`; a row says what does not.
extension DocumentedOperation {
  static let all: [DocumentedOperation] = orders + stock + payment + about

  private static let orders: [DocumentedOperation] = [
    DocumentedOperation(
      .ordersCreate, .post, "createOrder", "Open an empty order",
      description: "The user is looked up at checkout, not here.",
      answer: "The order.", .schema("OrderCreated"), refusals: [.alreadyExists]),
    DocumentedOperation(
      .ordersRemove, .delete, "removeOrder", "Remove an order",
      answer: "The order is gone.", .schema("Done"), refusals: [.unknownOrder, .checkoutUnderWay, .orderPaid]),
    DocumentedOperation(
      .ordersAddItem, .post, "addItem", "Add one unit of an item",
      answer: "The new total.", .schema("OrderChanged"),
      refusals: [.unknownOrder, .unknownItem, .checkoutUnderWay, .orderPaid, .tooManyLines, .sumOutOfRange]),
    DocumentedOperation(
      .ordersAddQuantity, .post, "addItemQuantity", "Add units of an item",
      answer: "The new total.", .schema("OrderChanged"),
      refusals: [.unknownOrder, .unknownItem, .checkoutUnderWay, .orderPaid, .tooManyLines, .sumOutOfRange]),
    DocumentedOperation(
      .ordersRemoveItem, .delete, "removeItem", "Remove one unit of an item",
      description: "Each repetition removes one more unit, though DELETE is called idempotent: send an "
        + "`Idempotency-Key`, or set the quantity with `PUT "
        + "/orders/items/{order_id}/{item_id}/{quantity}`.",
      answer: "The new total.", .schema("OrderChanged"),
      refusals: [.unknownOrder, .itemNotInOrder, .checkoutUnderWay, .orderPaid]),
    DocumentedOperation(
      .ordersSetItem, .put, "setItem", "Set how many units of an item the order has",
      description: "0 removes the item, and succeeds even if the order does not have it. Repeating it changes "
        + "nothing more, with or without a key.",
      answer: "The new total.", .schema("OrderChanged"),
      refusals: [.unknownOrder, .unknownItem, .checkoutUnderWay, .orderPaid, .tooManyLines, .sumOutOfRange]),
    DocumentedOperation(
      .ordersFind, .get, "findOrder", "Read an order",
      answer: "The order.", .schema("Order"), refusals: [.unknownOrder]),
    DocumentedOperation(
      .ordersItems, .get, "findOrderItems", "Read an order, with its items as objects",
      description: "The same as `GET /orders/find/{order_id}`, for clients that prefer names to positions.",
      answer: "The order.", .schema("OrderWithItems"), refusals: [.unknownOrder]),
    DocumentedOperation(
      .ordersCheckout, .post, "checkout", "Buy what is in the order",
      description: "Holds every line of the order, takes the money, and answers once the order is paid. Repeated, "
        + "it answers the same again and takes nothing.",
      answer: "The order is paid.", .schema("Done"),
      refusals: [
        .unknownOrder, .outOfStock, .outOfCredit, .checkoutUnknownItem, .checkoutUnknownUser, .paymentConflict,
        .sumOutOfRange, .tooManyJoined, .tooManyWaiting,
      ]),
    DocumentedOperation(
      .ordersBatchInit, .post, "initOrders", "Make orders 0 to n-1, each of two random items",
      description: "`item_price` is at most (2^53-1)/2 here.",
      answer: "All of them exist now.", .schema("BatchDone"), refusals: [.checkoutUnderWay, .sumOutOfRange]),
  ]

  private static let stock: [DocumentedOperation] = [
    DocumentedOperation(
      .stockCreate, .post, "createItem", "Make an item without stock",
      answer: "The item.", .schema("ItemCreated"), refusals: [.alreadyExists]),
    DocumentedOperation(
      .stockFind, .get, "findItem", "Read an item",
      answer: "What can still be sold, and its price.", .schema("Item"), refusals: [.unknownItem]),
    DocumentedOperation(
      .stockAdd, .post, "addStock", "Put units into stock",
      answer: "The units are in stock.", .schema("Done"), refusals: [.unknownItem, .sumOutOfRange]),
    DocumentedOperation(
      .stockSubtract, .post, "subtractStock", "Take units out of stock",
      answer: "The units are subtracted.", .schema("Done"), refusals: [.unknownItem, .lessInStock]),
    DocumentedOperation(
      .stockBatchInit, .post, "initItems", "Make items 0 to n-1",
      answer: "All of them exist now.", .schema("BatchDone"), refusals: [.sumOutOfRange]),
  ]

  private static let payment: [DocumentedOperation] = [
    DocumentedOperation(
      .paymentCreateUser, .post, "createUser", "Make a user without credit",
      answer: "The user.", .schema("UserCreated"), refusals: [.alreadyExists]),
    DocumentedOperation(
      .paymentFindUser, .get, "findUser", "Read a user",
      answer: "The user.", .schema("User"), refusals: [.unknownUser]),
    DocumentedOperation(
      .paymentAddFunds, .post, "addFunds", "Add credit",
      answer: "The credit is added.", .schema("Done"), refusals: [.unknownUser, .sumOutOfRange]),
    DocumentedOperation(
      .paymentPay, .post, "pay", "Take credit",
      answer: "The credit is taken.", .schema("Done"), refusals: [.unknownUser, .notEnoughCredit]),
    DocumentedOperation(
      .paymentPayOrder, .post, "payOrder", "Take credit for an order, once",
      answer: "The credit is taken, now or earlier.", .schema("Done"),
      refusals: [.unknownUser, .notEnoughCredit, .paymentConflict]),
    DocumentedOperation(
      .paymentCancel, .post, "cancelPayment", "Give back what was paid for an order by hand, once",
      answer: "The credit is given back, now or earlier.", .schema("Done"),
      refusals: [.unknownUser, .unknownPayment, .paymentConflict, .sumOutOfRange]),
    DocumentedOperation(
      .paymentStatus, .get, "paymentStatus", "Whether the user paid for the order",
      answer: "Whether the user paid.", .schema("PaymentStatus"), refusals: [.unknownUser]),
    DocumentedOperation(
      .paymentStatus, .post, "paymentStatusByPost", "Whether the user paid for the order, in the older dialect",
      answer: "Whether the user paid.", .schema("PaymentStatus"), refusals: [.unknownUser]),
    DocumentedOperation(
      .paymentBatchInit, .post, "initUsers", "Make users 0 to n-1",
      answer: "All of them exist now.", .schema("BatchDone"), refusals: [.sumOutOfRange]),
  ]

  private static let about: [DocumentedOperation] = [
    DocumentedOperation(
      .root, .get, "index", "What this is",
      answer: "What this is.", .schema("Index")),
    DocumentedOperation(
      .root, .options, "options", "Whether the server is up",
      description: "For health checks of gateways; `OPTIONS *` is answered in the same way.",
      answer: "`Allow` has the methods.", .nothing),
    DocumentedOperation(
      .openAPI, .get, "openapi", "This document",
      answer: "This document.", .document),
    DocumentedOperation(
      .problems, .get, "problems", "What each problem code means",
      answer: "A page with a place for each code, which the `type` of problems leads to.", .page),
  ]
}
