import Problems
import Telemetry

extension APIDocument {
  /// The codes are an open enumeration: the pattern, not the list, is what a value has to fit.
  static func problemCode(_ json: inout JSONWriter) {
    json.raw(
      #"""
      "ProblemCode": {
        "type": "string",
        "description": "Stable: clients decide by it. Later versions may add codes: then go by the status.",
        "pattern": "^[a-z_]+$",
        "x-extensible-enum": [
      """#)
    for (place, code) in ProblemCode.allCases.enumerated() {
      if place > 0 { json.raw(",") }
      json.string(code.rawValue)
    }
    json.raw(#"],"x-retry-after":{"#)
    var isFirst = true
    for code in ProblemCode.allCases {
      guard let seconds = code.retryAfterSeconds else { continue }
      if !isFirst { json.raw(",") }
      isFirst = false
      json.string(code.rawValue)
      json.raw(":")
      json.number(Int64(seconds))
    }
    json.raw("}}")
  }

  /// The bodies.
  static let schemas: StaticString = #"""
      "Id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "examples": ["4mVz07dQx9LkTzB"]},
      "Amount": {
        "type": "integer",
        "format": "int64",
        "minimum": 0,
        "maximum": 9007199254740991,
        "description": "A whole number; money in minor units. In paths `5.0` is 5.",
        "examples": [250]
      },
      "PositiveAmount": {
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "maximum": 9007199254740991,
        "examples": [2]
      },
      "BatchCount": {
        "type": "integer",
        "format": "int64",
        "minimum": 0,
        "maximum": 10000000,
        "examples": [1000]
      },
      "Done": {
        "type": "object",
        "required": ["done"],
        "properties": {"done": {"const": true}},
        "additionalProperties": false,
        "examples": [{"done": true}]
      },
      "BatchDone": {
        "type": "object",
        "required": ["done"],
        "properties": {
          "done": {"const": true},
          "changed": {
            "type": "integer",
            "format": "int64",
            "minimum": 0,
            "description": "How many are new or different now; a user who has spent something always is."
          }
        },
        "additionalProperties": false,
        "examples": [{"done": true, "changed": 1000}]
      },
      "OrderCreated": {
        "type": "object",
        "required": ["order_id"],
        "properties": {"order_id": {"$ref": "#/components/schemas/Id"}},
        "additionalProperties": false,
        "examples": [{"order_id": "9tQmB2xW1rTz0aK"}]
      },
      "ItemCreated": {
        "type": "object",
        "required": ["item_id"],
        "properties": {"item_id": {"$ref": "#/components/schemas/Id"}},
        "additionalProperties": false,
        "examples": [{"item_id": "4mVz07dQx9LkTzB"}]
      },
      "UserCreated": {
        "type": "object",
        "required": ["user_id"],
        "properties": {"user_id": {"$ref": "#/components/schemas/Id"}},
        "additionalProperties": false,
        "examples": [{"user_id": "Gh3nP5yUe7sLq8J"}]
      },
      "OrderChanged": {
        "type": "object",
        "required": ["total_cost", "message"],
        "properties": {
          "total_cost": {"$ref": "#/components/schemas/Amount"},
          "message": {"type": "string", "description": "The same as a sentence."}
        },
        "additionalProperties": false,
        "examples": [
          {
            "total_cost": 500,
            "message": "Added 2 of item 4mVz07dQx9LkTzB to order 9tQmB2xW1rTz0aK; total price updated to 500"
          }
        ]
      },
      "Order": {
        "type": "object",
        "required": ["order_id", "paid", "items", "user_id", "total_cost", "status"],
        "properties": {
          "order_id": {"$ref": "#/components/schemas/Id"},
          "paid": {"type": "boolean"},
          "items": {
            "type": "array",
            "description": "Pairs of item id and quantity, in the order of their first addition.",
            "items": {"$ref": "#/components/schemas/OrderLine"}
          },
          "user_id": {"$ref": "#/components/schemas/Id"},
          "total_cost": {"$ref": "#/components/schemas/Amount"},
          "status": {"$ref": "#/components/schemas/OrderStatus"}
        },
        "additionalProperties": false,
        "examples": [
          {
            "order_id": "9tQmB2xW1rTz0aK",
            "paid": false,
            "items": [["4mVz07dQx9LkTzB", 2]],
            "user_id": "Gh3nP5yUe7sLq8J",
            "total_cost": 500,
            "status": "open"
          }
        ]
      },
      "OrderWithItems": {
        "type": "object",
        "required": ["order_id", "paid", "items", "user_id", "total_cost", "status"],
        "properties": {
          "order_id": {"$ref": "#/components/schemas/Id"},
          "paid": {"type": "boolean"},
          "items": {
            "type": "array",
            "description": "In the order of their first addition.",
            "items": {"$ref": "#/components/schemas/OrderItem"}
          },
          "user_id": {"$ref": "#/components/schemas/Id"},
          "total_cost": {"$ref": "#/components/schemas/Amount"},
          "status": {"$ref": "#/components/schemas/OrderStatus"}
        },
        "additionalProperties": false,
        "examples": [
          {
            "order_id": "9tQmB2xW1rTz0aK",
            "paid": false,
            "items": [{"item_id": "4mVz07dQx9LkTzB", "quantity": 2}],
            "user_id": "Gh3nP5yUe7sLq8J",
            "total_cost": 500,
            "status": "open"
          }
        ]
      },
      "OrderItem": {
        "type": "object",
        "required": ["item_id", "quantity"],
        "properties": {
          "item_id": {"$ref": "#/components/schemas/Id"},
          "quantity": {"$ref": "#/components/schemas/PositiveAmount"}
        },
        "additionalProperties": false
      },
      "OrderLine": {
        "type": "array",
        "description": "Item id and quantity.",
        "prefixItems": [
          {"$ref": "#/components/schemas/Id"},
          {"$ref": "#/components/schemas/PositiveAmount"}
        ],
        "minItems": 2,
        "maxItems": 2
      },
      "OrderStatus": {
        "type": "string",
        "pattern": "^[a-z_]+$",
        "description": "open, checking_out or paid. Later versions may add others.",
        "examples": ["open", "checking_out", "paid"]
      },
      "Item": {
        "type": "object",
        "required": ["stock", "price"],
        "properties": {
          "stock": {"$ref": "#/components/schemas/Amount"},
          "price": {"$ref": "#/components/schemas/Amount"}
        },
        "additionalProperties": false,
        "examples": [{"stock": 12, "price": 250}]
      },
      "User": {
        "type": "object",
        "required": ["user_id", "credit"],
        "properties": {
          "user_id": {"$ref": "#/components/schemas/Id"},
          "credit": {"$ref": "#/components/schemas/Amount"}
        },
        "additionalProperties": false,
        "examples": [{"user_id": "Gh3nP5yUe7sLq8J", "credit": 1000}]
      },
      "PaymentStatus": {
        "type": "object",
        "required": ["paid"],
        "properties": {"paid": {"type": "boolean"}},
        "additionalProperties": false,
        "examples": [{"paid": true}]
      },
      "Index": {
        "type": "object",
        "required": ["name", "version", "openapi"],
        "properties": {
          "name": {"const": "kassa"},
          "version": {"type": "string"},
          "openapi": {"const": "/openapi.json"}
        },
        "additionalProperties": false,
        "examples": [{"name": "kassa", "version": "0.2.0", "openapi": "/openapi.json"}]
      },
      "Problem": {
        "type": "object",
        "description": "RFC 9457.",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
          "type": {
            "type": "string",
            "format": "uri-reference",
            "pattern": "^/problems#[a-z_]+$",
            "description": "Where the page of this server explains the code."
          },
          "title": {"type": "string"},
          "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
          "detail": {"type": "string"},
          "instance": {"type": "string", "pattern": "^urn:kassa:request:[0-9A-Za-z-]{1,64}$"},
          "code": {"$ref": "#/components/schemas/ProblemCode"},
          "request_id": {"type": "string", "pattern": "^[0-9A-Za-z-]{1,64}$"},
          "order_id": {"$ref": "#/components/schemas/Id"},
          "item_id": {"$ref": "#/components/schemas/Id"},
          "user_id": {"$ref": "#/components/schemas/Id"},
          "id": {"$ref": "#/components/schemas/Id"},
          "parameter": {"type": "string"},
          "header": {"type": "string"},
          "idempotency_key": {"type": "string"},
          "partition": {"type": "string"},
          "scope": {"type": "string"},
          "service": {"type": "string", "pattern": "^[a-z]+$", "examples": ["orders", "stock", "payments"]},
          "find_out": {"type": "string", "description": "A path that shows what became of the request."}
        },
        "additionalProperties": false,
        "examples": [
          {
            "type": "/problems#less_in_stock",
            "title": "Not enough is in stock",
            "status": 409,
            "detail": "Not enough of item 4mVz07dQx9LkTzB is in stock.",
            "instance": "urn:kassa:request:8f1c2d3e4a5b6978-0-12a",
            "code": "less_in_stock",
            "request_id": "8f1c2d3e4a5b6978-0-12a",
            "item_id": "4mVz07dQx9LkTzB"
          }
        ]
      }
    """#
}
