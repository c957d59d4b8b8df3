extension APIDocument {
  /// The paths of the stock service.
  static let stockPaths: StaticString = #"""
    "/stock/item/create/{price}": {
      "post": {
        "operationId": "createItem",
        "tags": ["stock"],
        "summary": "Make an item without stock",
        "parameters": [
          {"$ref": "#/components/parameters/price"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "The item.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ItemCreated"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
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
    "/stock/find/{item_id}": {
      "get": {
        "operationId": "findItem",
        "tags": ["stock"],
        "summary": "Read an item",
        "parameters": [
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/traceparent"}
        ],
        "responses": {
          "200": {
            "description": "What can still be sold, and its price.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedRead"},
          "404": {"$ref": "#/components/responses/NoItemToRead"},
          "503": {"$ref": "#/components/responses/OverloadedOrStopping"},
          "504": {"$ref": "#/components/responses/ReadTimedOut"},
          "401": {"$ref": "#/components/responses/Unauthenticated"},
          "403": {"$ref": "#/components/responses/NotAllowed"},
          "429": {"$ref": "#/components/responses/RateLimited"},
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/stock/add/{item_id}/{amount}": {
      "post": {
        "operationId": "addStock",
        "tags": ["stock"],
        "summary": "Put units into stock",
        "parameters": [
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/amount"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "They are there.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoItem"},
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
    "/stock/subtract/{item_id}/{amount}": {
      "post": {
        "operationId": "subtractStock",
        "tags": ["stock"],
        "summary": "Take units out of stock",
        "parameters": [
          {"$ref": "#/components/parameters/item_id"},
          {"$ref": "#/components/parameters/amount"},
          {"$ref": "#/components/parameters/traceparent"},
          {"$ref": "#/components/parameters/IdempotencyKey"}
        ],
        "responses": {
          "200": {
            "description": "They are gone.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
          },
          "400": {"$ref": "#/components/responses/MalformedAmount"},
          "404": {"$ref": "#/components/responses/NoItem"},
          "409": {"$ref": "#/components/responses/LessInStock"},
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
    "/stock/batch_init/{n}/{starting_stock}/{item_price}": {
      "post": {
        "operationId": "initItems",
        "tags": ["stock"],
        "summary": "Make items 0 to n-1",
        "parameters": [
          {"$ref": "#/components/parameters/n"},
          {"$ref": "#/components/parameters/starting_stock"},
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
