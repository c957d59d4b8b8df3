extension APIDocument {
  /// What the document says about itself.
  static let about: StaticString = #"""
    "openapi": "3.1.0",
    "info": {
      "title": "Kassa",
      "version": "1",
      "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
      "description": "A checkout backend: orders, stock and payments. Two dialects of one API side by side, with \#
    and without quantities in paths. Refusals are RFC 9457 problems with a stable `code`; \#
    `x-codes` of an operation names its codes by status. A path takes only the \#
    methods listed here, and HEAD where GET is listed; others get 405 with `Allow`. Query strings and request \#
    bodies are ignored. Where the server has API keys or accepts tokens, every path \#
    but `/`, `/openapi.json` and `/problems` needs one with a scope \#
    of the path's service: `orders:read`, `stock:write` and the like; `batch_init` needs `admin`."
    },
    "servers": [{"url": "/"}],
    "security": [{"bearer": []}, {"apiKey": []}, {}],
    "tags": [{"name": "orders"}, {"name": "stock"}, {"name": "payment"}, {"name": "about"}]
    """#
}
