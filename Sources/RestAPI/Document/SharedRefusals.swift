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
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {
                "properties": {
                  "code": {"enum": ["overloaded", "starting", "stopping", "partition_stopped", "log_failed"]}
                }
              }
            ]
          }
        }
      }
    },
    "CheckoutBusy": {
      "description": "Not now: try again after the time that `Retry-After` tells. Nothing was changed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"}
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
                      "overloaded",
                      "starting",
                      "stopping",
                      "partition_stopped",
                      "log_failed",
                      "too_many_waiting"
                    ]
                  }
                }
              }
            ]
          }
        }
      }
    },
    "OutcomeUnknown": {
      "description": "The request was accepted and its outcome is not known yet; it may still take effect. Repeat \#
    it with the same `Idempotency-Key`, or read what `find_out` names.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["outcome_unknown"]}}}
            ]
          }
        }
      }
    },
    "AdditionTimedOut": {
      "description": "`timed_out`: the price was not told in time and nothing was changed. `outcome_unknown`: the \#
    addition may still take effect.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["outcome_unknown", "timed_out"]}}}
            ]
          }
        }
      }
    },
    "BatchUnknown": {
      "description": "Part of the batch may have taken effect or may still. Repeat the request.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["outcome_unknown"]}}}
            ]
          }
        }
      }
    },
    "ReadTimedOut": {
      "description": "The partition did not answer in time.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["timed_out"]}}}
            ]
          }
        }
      }
    },
    "KeyReused": {
      "description": "The idempotency key was used with another method or path.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["idempotency_key_reused"]}}}
            ]
          }
        }
      }
    },
    "MalformedPath": {
      "description": "The path is malformed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["malformed_path"]}}}
            ]
          }
        }
      }
    },
    "MalformedRead": {
      "description": "The path or an id is malformed; `parameter` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["malformed_path", "malformed_id"]}}}
            ]
          }
        }
      }
    },
    "MalformedWrite": {
      "description": "The path, an id or the idempotency key is malformed; `parameter` or `header` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["malformed_path", "malformed_id", "malformed_idempotency_key"]}}}
            ]
          }
        }
      }
    },
    "MalformedAmount": {
      "description": "The path, an id, a number or the idempotency key is malformed or out of range; `parameter` \#
    or `header` names it.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
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
                      "malformed_path",
                      "malformed_id",
                      "malformed_amount",
                      "amount_out_of_range",
                      "malformed_idempotency_key"
                    ]
                  }
                }
              }
            ]
          }
        }
      }
    },
    "ServerRefusal": {
      "description": "Refused by the server before the API saw the request: 400, 408, 413, 414, 417, 429, 431, \#
    500, 501, 503 or 505; the connection may be closed. Or 421 `misdirected_request`: the request reached a pod of \#
    another `service` than the path's. Or 421 `unknown_host`: the `Host` is none of the server's.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"}
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
                    ]
                  }
                }
              }
            ]
          }
        }
      }
    },
    "TooManyJoined": {
      "description": "So many requests wait for the order's checkout that this one was not \#
    let in; or the caller asks too often.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["too_many_joined", "rate_limited"]}}}
            ]
          }
        }
      }
    }
    """#
}
