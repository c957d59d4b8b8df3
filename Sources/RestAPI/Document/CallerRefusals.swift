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
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["unauthenticated"]}}}
            ]
          }
        }
      }
    },
    "NotAllowed": {
      "description": "The API key lacks the `scope` that is named; or a page of another site asks.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "WWW-Authenticate": {"$ref": "#/components/headers/WWWAuthenticateScope"}
      },
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["missing_scope", "cross_site"]}}}
            ]
          }
        }
      }
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
      "content": {
        "application/problem+json": {
          "schema": {
            "allOf": [
              {"$ref": "#/components/schemas/Problem"},
              {"properties": {"code": {"enum": ["rate_limited"]}}}
            ]
          }
        }
      }
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
