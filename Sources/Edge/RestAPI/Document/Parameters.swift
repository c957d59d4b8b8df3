import Telemetry

/// A parameter in paths, as the document describes it.
struct PathParameter {
  let name: StaticString
  /// What the document calls it where that is not its name.
  let key: StaticString
  let schema: StaticString
  let description: StaticString

  private init(
    _ key: StaticString, _ schema: StaticString, _ description: StaticString, as name: StaticString? = nil
  ) {
    self.name = name ?? key
    self.key = key
    self.schema = schema
    self.description = description
  }

  static let all = [
    PathParameter("user_id", "Id", "Names a user."),
    PathParameter("order_id", "Id", "Names an order."),
    PathParameter("item_id", "Id", "Names an item."),
    PathParameter("quantity", "PositiveAmount", "How many units, at least 1."),
    PathParameter("new_quantity", "Amount", "How many units; 0 for none.", as: "quantity"),
    PathParameter("amount", "Amount", "How much or how many."),
    PathParameter("price", "Amount", "The price of one unit."),
    PathParameter("n", "BatchCount", "How many to make; their ids are 0 to n-1."),
    PathParameter("n_items", "BatchCount", "Items 0 to n_items-1 are chosen from; at least 1 when n is."),
    PathParameter("n_users", "BatchCount", "Users 0 to n_users-1 are chosen from; at least 1 when n is."),
    PathParameter("item_price", "Amount", "The price of one unit of every item."),
    PathParameter("starting_stock", "Amount", "The stock of every item."),
    PathParameter("starting_money", "Amount", "The credit of every user."),
  ]

  func write(_ json: inout JSONWriter) {
    json.string(key)
    json.raw(":{\"name\":")
    json.string(name)
    json.raw(",\"in\":\"path\",\"required\":true,\"description\":")
    json.string(description)
    json.raw(",\"schema\":{\"$ref\":\"#/components/schemas/")
    json.raw(schema)
    json.raw("\"}},")
  }
}

extension APIDocument {
  /// The parameters in headers.
  static let headerParameters: StaticString = #"""
      "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "1-255 visible ASCII characters without quotes and backslashes, bare or between double \#
    quotes. The same key with the same method and path gets the stored outcome for as long as the server \#
    remembers it (24 hours if its operator did not decide otherwise). A refusal is an outcome, too: a new attempt \#
    needs a new key. What may pass is none: a checkout under way, 429 and 503. With another method or path it is \#
    refused with 422; where the two belong to different partitions this is noticed only by the process that took the \#
    first one, until it restarts: never use a key for two requests.",
        "schema": {
          "type": "string",
          "pattern": "^([!#-\\[\\]-~]{1,255}|\"[!#-\\[\\]-~]{1,255}\")$",
          "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"]
        }
      },
      "traceparent": {
        "name": "traceparent",
        "in": "header",
        "required": false,
        "description": "W3C trace context; ignored when invalid.",
        "schema": {
          "type": "string",
          "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]
        }
      }
    """#

  /// The headers of answers.
  static let headers: StaticString = #"""
    "headers": {
      "XRequestId": {
        "description": "The id of the request; a command is in the log under it.",
        "required": true,
        "schema": {"type": "string", "pattern": "^[0-9A-Za-z-]{1,64}$"}
      },
      "Traceparent": {
        "description": "As it was sent, when it was valid.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"}
      },
      "IdempotentReplayed": {
        "description": "The outcome is that of an earlier request with the same key; nothing was done now.",
        "schema": {"const": "true"}
      },
      "Allow": {
        "description": "The methods of the path.",
        "required": true,
        "schema": {"type": "string", "pattern": "^[A-Z]+(, [A-Z]+)*$"}
      },
      "RetryAfter": {
        "description": "After how many seconds to try again, for each code as `x-retry-after` of `ProblemCode` says, \#
    with `rate_limited` at least. Other codes come without it.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"}
      },
      "WWWAuthenticate": {
        "description": "With 401, how to say who asks; with 403, the scope that the API key or token lacks.",
        "schema": {"type": "string", "pattern": "^Bearer realm="}
      },
      "RateLimit": {
        "description": "With `rate_limited`: that no request is left, and in how many seconds one is.",
        "schema": {"type": "string", "pattern": "^\"caller\";r=[0-9]+;t=[0-9]+$"}
      },
      "RateLimitPolicy": {
        "description": "With `rate_limited`: how many requests may come within how many seconds.",
        "schema": {"type": "string", "pattern": "^\"caller\";q=[0-9]+;w=[0-9]+$"}
      }
    }
    """#
}
