"""The contract of the REST API, checked from outside against the server's own /openapi.json."""
