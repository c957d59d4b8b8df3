// One table of everything that Kassa refuses: the status, what it means, who can do what about it, and whether it helps
// to repeat the request. A new code is a case of the enumeration and a row here; `kassa problems` then regenerates
// `docs/problems.md`.

extension ProblemCode {
  var row: ProblemRow {
    switch self {
    case .malformedRequest:
      ProblemRow(
        400, "The request is malformed",
        meaning: "The bytes are not HTTP as Kassa speaks it, or two readers could read them in two ways. Also answered "
          + "with 417 and 505. [http.md](http.md) has the whole list.",
        caller: "Fix the client, or whatever is between it and the server: `detail` says what is wrong.")
    case .malformedPath:
      ProblemRow(
        400, "The path is malformed",
        meaning: "An escape (`%…`) in the path is broken, or stands for a character that no path has.",
        caller: "Escape ids before putting them into a path; the ids that Kassa makes need no escape.")
    case .malformedID:
      ProblemRow(
        400, "An id is malformed",
        meaning: "An id has 1 to 64 characters of `A–Z a–z 0–9 _ -`. `parameter` names the malformed one.",
        caller: "Send the id as Kassa returned it.")
    case .malformedAmount:
      ProblemRow(
        400, "A number is malformed",
        meaning:
          "Amounts, prices and quantities are whole numbers: `5` or `5.0`, not `5.5`, `+5` or `1e3`. `parameter` "
          + "names the one that is not.",
        caller: "Send money in minor units, as a whole number.")
    case .amountOutOfRange:
      ProblemRow(
        400, "A number is out of its range",
        meaning: "A number is over 2^53−1, or outside the range of its `parameter`; a quantity to add is at least 1.",
        caller: "Send a number in the range that `/openapi.json` gives.")
    case .malformedIdempotencyKey:
      ProblemRow(
        400, "The idempotency key is malformed",
        meaning: "An `Idempotency-Key` has 1 to 255 visible ASCII characters without quotes and backslashes, bare or "
          + "between double quotes, and is given once.",
        caller: "Send a UUID.")

    case .unauthenticated:
      ProblemRow(
        401, "The caller is not known",
        meaning:
          "The server asks for API keys or tokens, and the request has none, more than one, or one that it does not "
          + "accept.",
        caller:
          "Send the key as `Authorization: Bearer ID.SECRET` or `X-API-Key: ID.SECRET`, a token as `Authorization: "
          + "Bearer TOKEN`. `detail` says what is wrong with a token; fetch a new one if it has expired.",
        operator:
          "`kassa api-keys list` shows the keys, `kassa api-keys add` makes one; SIGHUP makes a server read them, and "
          + "the keys of tokens ([authentication](authentication.md#json-web-tokens)).")
    case .missingScope:
      ProblemRow(
        403, "The caller may not do this",
        meaning: "The API key or token is valid but lacks the scope that `scope` names.",
        caller: "Use a key or token with that scope, or ask the operator for one.",
        operator: "Make a key with the scope, or let tokens have it ([authentication](authentication.md)).")
    case .crossSite:
      ProblemRow(
        403, "A page of another site sent the request",
        meaning: "A browser sent the request for a page of a site that the server does not allow.",
        caller: "Send requests from the server's own site, or from a program that is not a browser.",
        operator: "Name the site in [`cors-origins`](settings.md#cors-origins) if its pages may ask.")
    case .unknownHost:
      ProblemRow(
        421, "The host is not this server's",
        meaning: "The request's `Host` is a name that this server does not have. This keeps web pages from reaching "
          + "the server under a name of their own.",
        caller: "Use an address or a name that the server knows.",
        operator: "Name the host in [`hosts`](settings.md#hosts).")

    case .notFound:
      ProblemRow(
        404, "There is nothing at this path", meaning: "The path is not one of the API's.",
        caller: "`/openapi.json` lists the paths; they end without a slash, and capitals count.",
        operator: "A gateway has to leave paths as they are ([gateways](gateways.md)).")
    case .methodNotAllowed:
      ProblemRow(
        405, "The path does not accept this method", meaning: "The path exists and accepts other methods.",
        caller: "Use a method that `Allow` names.")
    case .misdirectedRequest:
      ProblemRow(
        421, "The path belongs to another service",
        meaning: "The request reached a pod that serves another service than the path's, which `service` names.",
        caller: "Send requests to the gateway, not to a pod.",
        operator: "Fix the gateway's routes: `/orders`, `/stock` and `/payment` each to their pods.")
    case .unknownOrder:
      ProblemRow(
        404, "The order does not exist", meaning: "No order has the `order_id`: it was removed, or never made.",
        caller: "Check the id.", repetition: .afterChange)
    case .unknownItem:
      ProblemRow(
        404, "The item does not exist", meaning: "No item has the `item_id`.", caller: "Check the id.",
        repetition: .afterChange)
    case .unknownUser:
      ProblemRow(
        404, "The user does not exist", meaning: "No user has the `user_id`.", caller: "Check the id.",
        repetition: .afterChange)
    case .itemNotInOrder:
      ProblemRow(
        404, "The order does not have the item", meaning: "There is no unit of the item left to remove from the order.",
        caller: "Read the order.", repetition: .afterChange)
    case .unknownPayment:
      ProblemRow(
        404, "The user did not pay for the order",
        meaning: "There is no payment by hand of this user for this order. Checkouts are not payments by hand.",
        caller: "Check both ids.", repetition: .afterChange)

    case .alreadyExists:
      ProblemRow(
        409, "The id is taken",
        meaning: "The id that was made for the new thing belongs to another one. This practically never "
          + "happens.",
        caller: "Send the request again with a new key.", repetition: .afterChange)
    case .checkoutUnderWay:
      ProblemRow(
        409, "The order is being checked out", meaning: "While its checkout is under way, an order cannot change.",
        caller: "Wait until the order is `paid` or `open` again, then decide.",
        repetition: .later(1, "a checkout ends within moments"))
    case .orderPaid:
      ProblemRow(
        409, "The order is paid", meaning: "A paid order cannot change any more.", caller: "Make a new order.")
    case .tooManyLines:
      ProblemRow(
        409, "The order is full", meaning: "The order has as many different items as an order can have.",
        caller: "Split the purchase into two orders.", repetition: .afterChange)
    case .lessInStock:
      ProblemRow(
        409, "Not enough is in stock", meaning: "Fewer units are available than were to be subtracted.",
        caller: "Read the item, and subtract at most what is available.", repetition: .afterChange)
    case .notEnoughCredit:
      ProblemRow(
        409, "There is not enough credit", meaning: "The user has less credit than was to be paid.",
        caller: "Add funds, then pay under a new key.", repetition: .afterChange)
    case .paymentConflict:
      ProblemRow(
        409, "The payment does not match",
        meaning: "The order has another payment: one by its checkout, or one by hand with another amount.",
        caller: "Read the payment's status. A payment by hand with a wrong amount can be cancelled.",
        repetition: .afterChange)
    case .sumOutOfRange:
      ProblemRow(
        409, "A sum would leave its range", meaning: "Stock, credit or a total would be over 2^53−1.",
        caller: "Use smaller numbers.", repetition: .afterChange)
    case .outOfStock:
      ProblemRow(
        409, "The item is out of stock",
        meaning:
          "The checkout failed because `item_id` is not available in the wanted quantity. Nothing was taken or paid.",
        caller: "Change the order, or wait for stock; then check out under a new key.", repetition: .afterChange)
    case .outOfCredit:
      ProblemRow(
        409, "The user is out of credit",
        meaning: "The checkout failed because the user has less credit than the order costs. The items are in stock "
          + "again.",
        caller: "Add funds, then check out under a new key.", repetition: .afterChange)
    case .checkoutUnknownItem:
      ProblemRow(
        409, "An item of the order does not exist",
        meaning: "The checkout failed because the order has an item that does not exist.",
        caller: "Remove the item from the order, then check out under a new key.", repetition: .afterChange)
    case .checkoutUnknownUser:
      ProblemRow(
        409, "The user of the order does not exist",
        meaning: "The checkout failed because the order belongs to a user who does not exist.",
        caller: "Make the order for a user who exists.", repetition: .afterChange)
    case .idempotencyKeyReused:
      ProblemRow(
        422, "The idempotency key was used for another request",
        meaning: "The key was sent before, with another method or path.",
        caller: "Use a key for one request only, and for each repetition of that.")

    case .rateLimited:
      ProblemRow(
        429, "The caller sends too many requests",
        meaning: "The rate of the API key, or of the token's subject, is used up.",
        caller: "Wait as long as `Retry-After` says, and send more slowly: `RateLimit-Policy` gives the rate.",
        operator:
          "`kassa api-keys add` gives a key its rate, [`jwt-rate`](settings.md#jwt-rate) subjects of tokens theirs.",
        repetition: .later(1, "the key's rate allows another request by then; at a low rate the wait is longer"))
    case .tooManyJoined:
      ProblemRow(
        429, "Too many requests wait for this checkout",
        meaning: "The order is being checked out, and as many requests as may wait for that already do.",
        caller: "Send one request per checkout, and read the order.",
        repetition: .later(1, "a checkout ends within moments"))
    case .tooManyWaiting:
      ProblemRow(
        503, "Too many buyers wait for this item",
        meaning:
          "All units of `item_id` are held by checkouts under way, and as many buyers as may wait already do. It may "
          + "become available.",
        caller: "Check out again.",
        repetition: .later(1, "the checkouts that hold the item's units end within moments"))
    case .overloaded:
      ProblemRow(
        503, "The server is at its limit",
        meaning: "A queue is full, or the gateway finds no pod that takes requests. The request was not taken.",
        caller: "Wait longer with each repetition.",
        operator: "See [scale](scale.md) and the [runbook](runbook.md).",
        repetition: .later(1, "a queue gets shorter within moments, or a gateway finds a pod"))
    case .starting:
      ProblemRow(
        503, "The server is starting", meaning: "The server is still replaying its log. The request was not taken.",
        caller: "Wait.", operator: "Send requests to pods whose `/readyz` answers 200.",
        repetition: .later(5, "a replay takes seconds"))
    case .stopping:
      ProblemRow(
        503, "The server is stopping", meaning: "The server is shutting down. The request was not taken.",
        caller: "Send it again; a gateway finds another pod.",
        operator: "[`drain-delay`](settings.md#drain-delay) gives gateways time to notice.",
        repetition: .later(2, "behind a gateway another pod serves; alone, a server has to restart"))
    case .partitionStopped:
      ProblemRow(
        503, "The partition is stopped",
        meaning: "The partition came to a record that it cannot apply, and waits for the operator.", caller: "Wait.",
        operator: "The server's log says which record; see [troubleshooting](troubleshooting.md).",
        repetition: .later(60, "an operator has to act"))
    case .partitionUnserved:
      ProblemRow(
        503, "A partition that the request needs is unavailable",
        meaning:
          "A partition of the order, its items or the user is stopped, had no owner for 15 s, or its owner could not "
          + "write to the log for as long as a request may take (`request-deadline`). Nothing was started.",
        caller: "Send it again later; other requests may not need that partition.",
        operator: "`/readyz` names a stopped partition, or brokers that cannot be reached; without an owner, see the "
          + "[runbook](runbook.md).",
        repetition: .later(5, "a partition without an owner gets one, brokers return, or an operator has to act"))
    case .logFailed:
      ProblemRow(
        503, "The log cannot be written",
        meaning: "The disk or the brokers accept no more records. What was answered before is safe, and can be read.",
        caller: "Wait.", operator: "Free disk space or fix the brokers ([runbook](runbook.md)).",
        repetition: .later(30, "the server has to be restarted, or its brokers have to return"))
    case .outcomeUnknown:
      ProblemRow(
        504, "The outcome is not known yet",
        meaning:
          "The request was taken, and whether it took effect is not known yet. `find_out`, where given, is a path "
          + "that shows it.",
        caller: "Repeat the request under its key, or read what `find_out` names.",
        operator: "Check whether a partition or a database hangs ([runbook](runbook.md)).", repetition: .underItsKey)
    case .timedOut:
      ProblemRow(
        504, "The answer did not come in time",
        meaning: "Something that had to be read first was not read in time. Nothing was changed.", caller: "Ask again.",
        operator: "Check whether a partition or a database hangs ([runbook](runbook.md)).",
        repetition: .later(5, "other pods take over from one that hangs within seconds"))

    case .requestTimeout:
      ProblemRow(
        408, "The request did not arrive in time", meaning: "The head or the body was not complete in time.",
        caller: "Send each request without delay, over a better connection.", repetition: .atOnce)
    case .tooManyRequests:
      ProblemRow(
        429, "Too many connections come from this address",
        meaning: "The address has as many connections as one address may have.",
        caller: "Keep connections open and use them again.",
        operator:
          "[`connections-per-address-max`](settings.md#connections-per-address-max): behind a gateway it has to be "
          + "large.",
        repetition: .later(1, "a connection that was idle for a second makes room"))
    case .bodyTooLarge:
      ProblemRow(
        413, "The body is too large", meaning: "The body is longer than `body-bytes-max`. Kassa ignores bodies.",
        caller: "Send no body.")
    case .pathTooLong:
      ProblemRow(
        414, "The path is too long", meaning: "The path is longer than any of the API's.", caller: "Check the ids.")
    case .headTooLarge:
      ProblemRow(
        431, "The head is too large", meaning: "The headers are too long or too many.",
        caller: "Send fewer headers; cookies mean nothing here.",
        operator: "See what the gateway adds.")
    case .internalError:
      ProblemRow(
        500, "The server made a mistake", meaning: "Something happened that must never happen. Also answered with 501.",
        caller: "Give the operator the `request_id`.",
        operator: "Look the `request_id` up in the server's log, and report it.", repetition: .underItsKey)
    case .reloadFailed:
      ProblemRow(
        500, "Something could not be reloaded",
        meaning: "`POST /reload` of the operator's port: `detail` says which file or setting cannot be used, and why.",
        caller: "Fix it, and send the request again.",
        operator: "The server's log names every part that could not be reloaded.", repetition: .afterRepair)
    }
  }
}
