extension APIDocument {
  /// The paths of the orders service.
  static let ordersPaths: StaticString = #"""
    "/orders/create/{user_id}": {
      "post": {
        "operationId": "createOrder",
        "tags": ["orders"],
        "summary": "Open an empty order",
        "description": "The user is looked up at checkout, not here.",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The order.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderCreated"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "409": {"$ref": "#/components/responses/Taken"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/OutcomeUnknown"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/remove/{order_id}": {
      "delete": {
        "operationId": "removeOrder",
        "tags": ["orders"],
        "summary": "Remove an order",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "It is gone.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoOrder"},
          "409": {"$ref": "#/components/responses/Frozen"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/OutcomeUnknown"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/addItem/{order_id}/{item_id}": {
      "post": {
        "operationId": "addItem",
        "tags": ["orders"],
        "summary": "Add one unit of an item",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The new total.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderChanged"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoOrderOrItem"},
          "409": {"$ref": "#/components/responses/FrozenOrFull"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/AdditionTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/addItem/{order_id}/{item_id}/{quantity}": {
      "post": {
        "operationId": "addItemQuantity",
        "tags": ["orders"],
        "summary": "Add units of an item",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/quantity"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The new total.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderChanged"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoOrderOrItem"},
          "409": {"$ref": "#/components/responses/FrozenOrFull"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/AdditionTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/removeItem/{order_id}/{item_id}": {
      "delete": {
        "operationId": "removeItem",
        "tags": ["orders"],
        "summary": "Take one unit of an item away",
        "description": "Each repetition takes one more unit, though DELETE is called idempotent: send an \#
    `Idempotency-Key`, or set the quantity with `PUT /orders/items/{order_id}/{item_id}/{quantity}`.",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The new total.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderChanged"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoOrderOrLine"},
          "409": {"$ref": "#/components/responses/Frozen"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/OutcomeUnknown"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/items/{order_id}/{item_id}/{quantity}": {
      "put": {
        "operationId": "setItem",
        "tags": ["orders"],
        "summary": "Set how many units of an item the order has",
        "description": "0 takes the item away, and succeeds as well when the order does not have it. Repeated, it \#
    changes nothing more, with a key or without.",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/new_quantity"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The new total.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderChanged"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoOrderOrItem"},
          "409": {"$ref": "#/components/responses/FrozenOrFull"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/AdditionTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/find/{order_id}": {
      "get": {
        "operationId": "findOrder",
        "tags": ["orders"],
        "summary": "Read an order",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"}
        ],
        "responses": {
          "200": {
            "description": "The order.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedRead"},
          "404": {"$ref": "#/components/responses/NoOrderToRead"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/ReadTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/checkout/{order_id}": {
      "post": {
        "operationId": "checkout",
        "tags": ["orders"],
        "summary": "Buy what is in the order",
        "description": "Holds every line of the order, takes the money, and answers once the order is paid. \#
    Repeated, it answers the same again and takes nothing.",
        "parameters": [
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The order is paid.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoOrder"},
          "409": {"$ref": "#/components/responses/NotPaid"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "429": {"$ref": "#/components/responses/TooManyJoined"},
          "503": {"$ref": "#/components/responses/CheckoutBusy"},
          "504": {"$ref": "#/components/responses/OutcomeUnknown"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}": {
      "post": {
        "operationId": "initOrders",
        "tags": ["orders"],
        "summary": "Make orders 0 to n-1, each of two random items",
        "description": "`item_price` is at most (2^53-1)/2 here.",
        "parameters": [
          {"$ref": "#/components/parameters/n"},
          {"$ref": "#/components/parameters/n_items"},
          {"$ref": "#/components/parameters/n_users"},
          {"$ref": "#/components/parameters/item_price"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "All are there.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "409": {"$ref": "#/components/responses/NotReplaceable"},
          "422": {"$ref": "#/components/responses/KeyReused"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/BatchUnknown"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    }
    """#
}
