extension APIDocument {
  /// Refusals that many operations share.
  static let sharedRefusals: StaticString = #"""
    "OverloadedOrStopping": {
      "description": "Not now: try again after the time that `Retry-After` tells. Nothing was changed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"}
      },
      "x-codes": ["overloaded", "starting", "stopping", "partition_stopped", "log_failed"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "CheckoutBusy": {
      "description": "Not now: try again after the time that `Retry-After` tells. Nothing was changed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"}
      },
      "x-codes": ["overloaded", "starting", "stopping", "partition_stopped", "log_failed", "too_many_waiting"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "OutcomeUnknown": {
      "description": "The request was accepted and its outcome is not known yet; it may still take effect. Repeat \#
    it with the same `Idempotency-Key`, or read what `find_out` names.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["outcome_unknown"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "AdditionTimedOut": {
      "description": "`timed_out`: the price was not told in time and nothing was changed. `outcome_unknown`: the \#
    addition may still take effect.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["outcome_unknown", "timed_out"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "BatchUnknown": {
      "description": "Part of the batch may have taken effect or may still. Repeat the request.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["outcome_unknown"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "ReadTimedOut": {
      "description": "The partition did not answer in time.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["timed_out"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "KeyReused": {
      "description": "The idempotency key was used with another method or path.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["idempotency_key_reused"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "MalformedPath": {
      "description": "The path is malformed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["malformed_path"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "MalformedRead": {
      "description": "The path or an id is malformed; `parameter` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["malformed_path", "malformed_id"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "MalformedWrite": {
      "description": "The path, an id or the idempotency key is malformed; `parameter` or `header` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": ["malformed_path", "malformed_id", "malformed_idempotency_key"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "MalformedAmount": {
      "description": "The path, an id, a number or the idempotency key is malformed or out of range; `parameter` \#
    or `header` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": [
        "malformed_path",
        "malformed_id",
        "malformed_amount",
        "amount_out_of_range",
        "malformed_idempotency_key"
      ],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "ServerRefusal": {
      "description": "Refused by the server before the API saw the request: 400, 408, 413, 414, 417, 429, 431, \#
    500, 501, 503 or 505; the connection may be closed. Or 421 `misdirected_request`: the request reached a pod of \#
    another `service` than the path's. Or 421 `unknown_host`: the `Host` is none of the server's.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "x-codes": [
        "malformed_request",
        "misdirected_request",
        "unknown_host",
        "request_timeout",
        "body_too_large",
        "path_too_long",
        "head_too_large",
        "too_many_requests",
        "overloaded",
        "internal_error"
      ],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "TooManyJoined": {
      "description": "So many requests wait for the order's checkout that this one was not \#
    let in; or the caller asks too often.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"}
      },
      "x-codes": ["too_many_joined", "rate_limited"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    """#
}
