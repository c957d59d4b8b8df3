"""What an answer has to be, whatever was sent: never a failure of the server, and always as the document says."""
import json
import re
import urllib.parse

import jsonschema_rs

# Refusals that a healthy server may give with 5xx: it is asked for more than its bounds, or is stopped.
BUSY = {503: {"overloaded", "too_many_requests"}, 505: {"malformed_request"}}
OPERATOR_TYPES = {"/metrics": "text/plain; version=0.0.4; charset=utf-8", "/livez": "text/plain; charset=utf-8",
                  "/readyz": "text/plain; charset=utf-8", "/startupz": "text/plain; charset=utf-8",
                  "/problems": "text/html; charset=utf-8", "/": "application/json", "/partitions": "application/json"}
OPEN_PATHS = {"/", "/openapi.json", "/problems"}


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:400]!r}"


class Malformed(Exception):
    """Bytes that are not an answer."""


FIRST = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [ -~]+")
FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\t -~]*)")


def answer_in(received, is_head=False):
    """The first answer in the bytes and how many it takes; None when it is not complete. `Malformed` if it is not an answer."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        if received and not received.startswith(b"HTTP/1.1 "[:len(received)]):
            raise Malformed(bytes(received[:200]))
        return None
    first, *fields = bytes(received[:end]).split(b"\r\n")
    line = FIRST.fullmatch(first)
    found = [FIELD.fullmatch(field) for field in fields]
    if line is None or None in found:
        raise Malformed(bytes(received[:end]))
    headers = {}
    for field in found:
        name = field[1].decode().lower()
        if name in headers and name != "www-authenticate":
            raise Malformed(f"{name} twice: {bytes(received[:end])!r}")
        headers[name] = field[2].decode()
    status = int(line[1])
    has_body = not is_head and status >= 200 and status not in (204, 304)
    if has_body and not headers.get("content-length", "").isdigit():
        raise Malformed(f"no length: {bytes(received[:end])!r}")
    length = int(headers["content-length"]) if has_body else 0
    whole = end + 4 + length
    if len(received) < whole:
        return None
    return Answer(status, headers, bytes(received[end + 4:whole])), whole


class Judge:
    """Finds what is wrong with an answer of one port. `document` is that of the REST API."""

    def __init__(self, document, is_operator):
        self.document, self.is_operator = document, is_operator
        components = document.raw["components"]
        self.validators = {}

        def validator(schema):
            text = json.dumps(schema, sort_keys=True)
            if text not in self.validators:
                whole = {**schema, "components": components}
                self.validators[text] = jsonschema_rs.Draft202012Validator(whole)
            return self.validators[text]

        self.schemas = {
            str(operation): {
                (status, kind): validator(content["schema"])
                for status, answer in operation.responses.items() for kind, content in answer.get("content", {}).items()}
            for operation in document.operations}
        problem = dict(components["schemas"]["Problem"])
        if is_operator:
            problem["required"] = [name for name in problem["required"] if name not in ("instance", "request_id")]
        self.problem = validator(problem)
        self.exact = {(one.method, one.path): one for one in document.operations if not one.path_parameters()}
        self.patterns = [(one.method, one.pattern, one) for one in document.operations if one.path_parameters()]

    def operation(self, method, path):
        method = "GET" if method == "HEAD" else method
        exact = self.exact.get((method, path))
        return exact or next((one for name, pattern, one in self.patterns if name == method and pattern.fullmatch(path)), None)

    def finding(self, request, answer):
        """What is wrong, in words; None when nothing is."""
        if answer.status == 100:
            return None
        if answer.status >= 400:
            wrong = self.refusal(request, answer)
        elif answer.status not in (200, 204):
            wrong = "a success that nobody documented"
        else:
            wrong = self.success(request, answer)
        return wrong

    def refusal(self, request, answer):
        if request.method == "HEAD":
            return None if answer.status < 500 or answer.status in BUSY else "a failure of the server"
        if answer.headers.get("content-type") != "application/problem+json":
            return "a refusal that is no problem"
        try:
            problem = json.loads(answer.body)
        except ValueError:
            return "a refusal that is no JSON"
        errors = [error.message for error in self.problem.iter_errors(problem)]
        if errors:
            return f"a problem that the document refuses: {errors}"
        code = problem["code"]
        if answer.status >= 500 and code not in BUSY.get(answer.status, ()):
            return "a failure of the server"
        if problem["status"] != answer.status or code not in self.document.problem_codes:
            return "a status or code that is not the document's"
        if not self.is_operator and problem["request_id"] != answer.headers.get("x-request-id"):
            return "a request id that is not that of the head"
        if code != "rate_limited" and answer.headers.get("retry-after") != self.document.retry_after.get(code):
            return "a Retry-After that is not the document's"
        if self.is_operator or not request.is_whole:
            return None
        return self.documented(request, answer, code)

    def documented(self, request, answer, code):
        operation = self.operation(request.method, path_of(request.target))
        if operation is None or answer.status == 405:
            return None
        # What the server refuses before the API sees it is named with the default, whatever its status.
        named = {*operation.codes.get(str(answer.status), ()), *operation.codes["default"]}
        return None if code in named else f"a code that {operation} does not name with {answer.status}"

    def success(self, request, answer):
        kind = answer.headers.get("content-type")
        if not self.is_operator and "x-request-id" not in answer.headers:
            return "no request id"
        if not request.is_whole:
            return None
        path = path_of(request.target)
        if self.is_operator:
            if kind != OPERATOR_TYPES.get(path):
                return f"content type {kind} for {path}"
            return None if request.method == "HEAD" or answer.body else "no body"
        operation = self.operation(request.method, path) or (request.method == "OPTIONS" and self.operation("OPTIONS", "/"))
        if not operation:
            return "a success where the document has nothing"
        if request.is_stranger and path not in OPEN_PATHS and request.method != "OPTIONS":
            return "a success for somebody without a key"
        if str(answer.status) not in operation.responses:
            return "a success that the document does not name"
        if request.method == "HEAD" or answer.status == 204:
            return None
        validator = self.schemas[str(operation)].get((str(answer.status), kind))
        if validator is None:
            return f"a content type that the document does not name: {kind}"
        value = answer.body.decode() if kind.startswith("text/") else json.loads(answer.body)
        errors = [error.message for error in validator.iter_errors(value)]
        return f"a body that the document refuses: {errors}" if errors else None


def path_of(target):
    """The path that a target means."""
    path = re.sub(r"^http://localhost(?=/)", "", target).split("?")[0]
    return urllib.parse.unquote(path, errors="replace")
