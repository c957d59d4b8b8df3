extension APIDocument {
  /// The paths of the payment service.
  static let paymentPaths: StaticString = #"""
    "/payment/create_user": {
      "post": {
        "operationId": "createUser",
        "tags": ["payment"],
        "summary": "Make a user without credit",
        "parameters": [
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The user.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UserCreated"}}}
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
    "/payment/find_user/{user_id}": {
      "get": {
        "operationId": "findUser",
        "tags": ["payment"],
        "summary": "Read a user",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/traceparent"}
        ],
        "responses": {
          "200": {
            "description": "The user.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedRead"},
          "404": {"$ref": "#/components/responses/NoUserToRead"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/ReadTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/payment/add_funds/{user_id}/{amount}": {
      "post": {
        "operationId": "addFunds",
        "tags": ["payment"],
        "summary": "Add credit",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/amount"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "It is added.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoUser"},
          "409": {"$ref": "#/components/responses/SumOutOfRange"},
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
    "/payment/pay/{user_id}/{amount}": {
      "post": {
        "operationId": "pay",
        "tags": ["payment"],
        "summary": "Take credit",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/amount"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "It is taken.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoUser"},
          "409": {"$ref": "#/components/responses/NotEnoughCredit"},
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
    "/payment/pay/{user_id}/{order_id}/{amount}": {
      "post": {
        "operationId": "payOrder",
        "tags": ["payment"],
        "summary": "Take credit for an order, once",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/amount"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "It is taken, now or before.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoUser"},
          "409": {"$ref": "#/components/responses/NotPayable"},
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
    "/payment/cancel/{user_id}/{order_id}": {
      "post": {
        "operationId": "cancelPayment",
        "tags": ["payment"],
        "summary": "Give back what was paid for an order by hand, once",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "It is given back, now or before.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoUserOrPayment"},
          "409": {"$ref": "#/components/responses/NotCancellable"},
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
    "/payment/status/{user_id}/{order_id}": {
      "get": {
        "operationId": "paymentStatus",
        "tags": ["payment"],
        "summary": "Whether the user paid for the order",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"}
        ],
        "responses": {
          "200": {
            "description": "Whether.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PaymentStatus"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedRead"},
          "404": {"$ref": "#/components/responses/NoUserToRead"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/ReadTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      },
      "post": {
        "operationId": "paymentStatusByPost",
        "tags": ["payment"],
        "summary": "Whether the user paid for the order, in the older dialect",
        "parameters": [
          {"$ref": "#/components/parameters/user_id"},
          {"$ref": "#/components/parameters/order_id"},
          {"$ref": "#/components/parameters/traceparent"}
        ],
        "responses": {
          "200": {
            "description": "Whether.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PaymentStatus"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedWrite"},
          "404": {"$ref": "#/components/responses/NoUserToRead"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/ReadTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/payment/batch_init/{n}/{starting_money}": {
      "post": {
        "operationId": "initUsers",
        "tags": ["payment"],
        "summary": "Make users 0 to n-1",
        "parameters": [
          {"$ref": "#/components/parameters/n"},
          {"$ref": "#/components/parameters/starting_money"},
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
          "409": {"$ref": "#/components/responses/SumOutOfRange"},
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
