extension APIDocument {
  /// Refusals that say what does not exist or what its state forbids.
  static let refusals: StaticString = #"""
    "Taken": {
      "description": "The id is taken.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["already_exists"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoOrder": {
      "description": "What does not exist: the order.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_order"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "Frozen": {
      "description": "A checkout is under way, or the order is paid.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["checkout_under_way", "order_paid"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoOrderOrItem": {
      "description": "What does not exist: the order or the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_order", "unknown_item"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "FrozenOrFull": {
      "description": "A checkout is under way, the order is paid, or it is full.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["checkout_under_way", "order_paid", "too_many_lines", "sum_out_of_range"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoOrderOrLine": {
      "description": "What does not exist: the order or the order's line of the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_order", "item_not_in_order"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoOrderToRead": {
      "description": "What does not exist: the order.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["unknown_order"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotPaid": {
      "description": "The order is not paid; stock and credit are as before. `item_id` or `user_id` names why.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": [
        "out_of_stock",
        "out_of_credit",
        "checkout_unknown_item",
        "checkout_unknown_user",
        "payment_conflict",
        "sum_out_of_range"
      ],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotReplaceable": {
      "description": "An order of such an id is being checked out, or a price is too large.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["checkout_under_way", "sum_out_of_range"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoItemToRead": {
      "description": "What does not exist: the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["unknown_item"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoItem": {
      "description": "What does not exist: the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_item"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "SumOutOfRange": {
      "description": "A number would leave its range.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["sum_out_of_range"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "LessInStock": {
      "description": "Less is in stock.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["less_in_stock"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoUserToRead": {
      "description": "What does not exist: the user.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["unknown_user"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoUser": {
      "description": "What does not exist: the user.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_user"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotEnoughCredit": {
      "description": "The credit is not enough.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["not_enough_credit"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotPayable": {
      "description": "The credit is not enough, or the order was paid otherwise.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["not_enough_credit", "payment_conflict"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NoUserOrPayment": {
      "description": "What does not exist: the user or a payment by hand.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["unknown_user", "unknown_payment"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotCancellable": {
      "description": "The payment belongs to a checkout.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "x-codes": ["payment_conflict", "sum_out_of_range"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    """#
}
