"""The server's OpenAPI document: validates it, and answers against it."""

import re

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

METHODS = ("get", "post", "put", "delete", "patch", "options")


class Operation:
    """One method of one path."""

    def __init__(self, document, method, path, raw):
        self.document = document
        self.method = method.upper()
        self.path = path
        self.parameters = [document.resolve(parameter) for parameter in raw["parameters"]]
        self.codes = raw["x-codes"]
        self.responses = {status: document.resolve(answer) for status, answer in raw["responses"].items()}
        literals = re.split(r"\{\w+\}", path)
        self.pattern = re.compile("([^/]+)".join(re.escape(literal) for literal in literals))

    def __str__(self):
        return f"{self.method} {self.path}"

    def statuses(self):
        return {int(status) for status in self.responses if status != "default"}

    def path_parameters(self):
        return [parameter for parameter in self.parameters if parameter["in"] == "path"]

    def takes_key(self):
        return any(parameter["name"] == "Idempotency-Key" for parameter in self.parameters)

    def fill(self, **values):
        """The path with values for its parameters."""
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), self.path)


class Document:
    """The whole document."""

    def __init__(self, raw):
        self.raw = raw
        self.operations = [
            Operation(self, method, path, operation)
            for path, methods in raw["paths"].items()
            for method, operation in methods.items()
        ]
        codes = raw["components"]["schemas"]["ProblemCode"]
        self.problem_codes = set(codes["x-extensible-enum"])
        # What Retry-After says with a code.
        self.retry_after = {code: str(seconds) for code, seconds in codes["x-retry-after"].items()}

    def validate(self):
        """Raises unless the document is valid OpenAPI 3.1."""
        OpenAPIV31SpecValidator(self.raw).validate()

    def examples(self):
        """Every example of a schema, with the schema."""
        found = [self.raw]
        while found:
            node = found.pop()
            if isinstance(node, dict):
                if "properties" in node or "type" in node:
                    yield from ((node, example) for example in node.get("examples", []))
                found += node.values()
            elif isinstance(node, list):
                found += node

    def resolve(self, node):
        while "$ref" in node:
            target = self.raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def schema_errors(self, schema, value):
        """What is wrong with a value, as a list of sentences."""
        whole = {"$defs": {}, **schema, "components": self.raw["components"]}
        validator = Draft202012Validator(whole)
        return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]

    def operation(self, method, path):
        """The operation that a request means; None when the document has none."""
        method = "GET" if method == "HEAD" else method
        exact = [one for one in self.operations if one.path == path and one.method == method]
        found = exact or [one for one in self.operations if one.method == method and one.pattern.fullmatch(path)]
        return found[0] if found else None

    def methods(self, path):
        """The methods that the document names for a concrete path."""
        return {one.method for one in self.operations if one.path == path or one.pattern.fullmatch(path)}
