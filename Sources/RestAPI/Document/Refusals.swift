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
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["already_exists"]}}}
            ]
          }
        }
      }
    },
    "NoOrder": {
      "description": "What does not exist: the order.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_order"]}}}
            ]
          }
        }
      }
    },
    "Frozen": {
      "description": "A checkout is under way, or the order is paid.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["checkout_under_way", "order_paid"]}}}
            ]
          }
        }
      }
    },
    "NoOrderOrItem": {
      "description": "What does not exist: the order or the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_order", "unknown_item"]}}}
            ]
          }
        }
      }
    },
    "FrozenOrFull": {
      "description": "A checkout is under way, the order is paid, or it is full.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {
                "properties": {
                  "code": {"enum": ["checkout_under_way", "order_paid", "too_many_lines", "sum_out_of_range"]}
                }
              }
            ]
          }
        }
      }
    },
    "NoOrderOrLine": {
      "description": "What does not exist: the order or the order's line of the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_order", "item_not_in_order"]}}}
            ]
          }
        }
      }
    },
    "NoOrderToRead": {
      "description": "What does not exist: the order.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_order"]}}}
            ]
          }
        }
      }
    },
    "NotPaid": {
      "description": "The order is not paid; stock and credit are as before. `item_id` or `user_id` names why.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {
                "properties": {
                  "code": {
                    "enum": [
                      "out_of_stock",
                      "out_of_credit",
                      "checkout_unknown_item",
                      "checkout_unknown_user",
                      "payment_conflict",
                      "sum_out_of_range"
                    ]
                  }
                }
              }
            ]
          }
        }
      }
    },
    "NotReplaceable": {
      "description": "An order of such an id is being checked out, or a price is too large.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["checkout_under_way", "sum_out_of_range"]}}}
            ]
          }
        }
      }
    },
    "NoItemToRead": {
      "description": "What does not exist: the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_item"]}}}
            ]
          }
        }
      }
    },
    "NoItem": {
      "description": "What does not exist: the item.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_item"]}}}
            ]
          }
        }
      }
    },
    "SumOutOfRange": {
      "description": "A number would leave its range.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["sum_out_of_range"]}}}
            ]
          }
        }
      }
    },
    "LessInStock": {
      "description": "Less is in stock.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["less_in_stock"]}}}
            ]
          }
        }
      }
    },
    "NoUserToRead": {
      "description": "What does not exist: the user.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_user"]}}}
            ]
          }
        }
      }
    },
    "NoUser": {
      "description": "What does not exist: the user.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_user"]}}}
            ]
          }
        }
      }
    },
    "NotEnoughCredit": {
      "description": "The credit is not enough.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["not_enough_credit"]}}}
            ]
          }
        }
      }
    },
    "NotPayable": {
      "description": "The credit is not enough, or the order was paid otherwise.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["not_enough_credit", "payment_conflict"]}}}
            ]
          }
        }
      }
    },
    "NoUserOrPayment": {
      "description": "What does not exist: the user or a payment by hand.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unknown_user", "unknown_payment"]}}}
            ]
          }
        }
      }
    },
    "NotCancellable": {
      "description": "The payment belongs to a checkout.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["payment_conflict", "sum_out_of_range"]}}}
            ]
          }
        }
      }
    }
    """#
}
