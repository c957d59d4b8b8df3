extension APIDocument {
  /// The one answer to everything that is refused. Which codes an operation may answer with, by status, is in its
  /// `x-codes`.
  static let responses: StaticString = #"""
    "Problem": {
      "description": "Refused; `code` says why. Where `Retry-After` says when to try again, nothing was done. \#
    With 504 and `outcome_unknown` the request may still take effect: repeat it with the same \#
    `Idempotency-Key`, or read what `find_out` names. What the server refuses before the API sees it (`default`) may \#
    close the connection.",
      "headers": {
        "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
        "traceparent": {"$ref": "#/components/headers/Traceparent"},
        "Idempotent-Replayed": {"$ref": "#/components/headers/IdempotentReplayed"},
        "Retry-After": {"$ref": "#/components/headers/RetryAfter"},
        "RateLimit": {"$ref": "#/components/headers/RateLimit"},
        "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"},
        "WWW-Authenticate": {"$ref": "#/components/headers/WWWAuthenticate"}
      },
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    """#

  /// How callers say who they are.
  static let securitySchemes: StaticString = #"""
    "securitySchemes": {
      "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "API key or JWT",
        "description": "An API key, `Authorization: Bearer ID.SECRET`, or, where the server accepts them, a JSON Web \#
    Token (RS256 or ES256) with the scopes in a claim: `Authorization: Bearer TOKEN`."
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
