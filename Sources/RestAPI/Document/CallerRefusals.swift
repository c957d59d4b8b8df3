extension APIDocument {
  /// Refusals of callers, and how they say who they are.
  static let callerRefusals: StaticString = #"""
    "Unauthenticated": {
      "description": "Where the server has API keys: none was presented, or none that is known.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "WWW-Authenticate": {"$ref": "#/components/headers/WWWAuthenticate"}
      },
      "x-codes": ["unauthenticated"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "NotAllowed": {
      "description": "The API key lacks the `scope` that is named; or a page of another site asks.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "WWW-Authenticate": {"$ref": "#/components/headers/WWWAuthenticateScope"}
      },
      "x-codes": ["missing_scope", "cross_site"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    },
    "RateLimited": {
      "description": "The caller asks more often than its API key may. Nothing was changed.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"},
        "RateLimit": {"$ref": "#/components/headers/RateLimit"},
        "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"}
      },
      "x-codes": ["rate_limited"],
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    """#

  static let securitySchemes: StaticString = #"""
    "securitySchemes": {
      "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer ID.SECRET`."
      },
      "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key: `X-API-Key: ID.SECRET`."
      }
    }
    """#
}
