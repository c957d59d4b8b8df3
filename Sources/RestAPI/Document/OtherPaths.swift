extension APIDocument {
  /// The paths that need no partition.
  static let otherPaths: StaticString = #"""
    "/": {
      "get": {
        "operationId": "index",
        "tags": ["about"],
        "security": [],
        "summary": "What this is",
        "parameters": [{"$ref": "#/components/parameters/traceparent"}],
        "responses": {
          "200": {
            "description": "What this is.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Index"}}}
          },
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      },
      "options": {
        "operationId": "options",
        "tags": ["about"],
        "security": [],
        "summary": "Whether somebody is there",
        "description": "For health checks of gateways; `OPTIONS *` is answered in the same way.",
        "parameters": [{"$ref": "#/components/parameters/traceparent"}],
        "responses": {
          "204": {
            "description": "`Allow` has the methods.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"},
              "Allow": {"$ref": "#/components/headers/Allow"}
            }
          },
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/openapi.json": {
      "get": {
        "operationId": "openapi",
        "tags": ["about"],
        "security": [],
        "summary": "This document",
        "parameters": [{"$ref": "#/components/parameters/traceparent"}],
        "responses": {
          "200": {
            "description": "This document.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {
              "application/json": {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}
            }
          },
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    },
    "/problems": {
      "get": {
        "operationId": "problems",
        "tags": ["about"],
        "security": [],
        "summary": "What each problem code means",
        "parameters": [{"$ref": "#/components/parameters/traceparent"}],
        "responses": {
          "200": {
            "description": "A page with a place for each code, which the `type` of problems leads to.",
            "headers": {
              "X-Request-Id": {"$ref": "#/components/headers/XRequestId"},
              "traceparent": {"$ref": "#/components/headers/Traceparent"}
            },
            "content": {"text/html; charset=utf-8": {"schema": {"type": "string"}}}
          },
          "default": {"$ref": "#/components/responses/ServerRefusal"}
        }
      }
    }
    """#
}
