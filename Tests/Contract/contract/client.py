"""A client that checks every answer against the document and remembers what it has seen."""

import contextlib
import http.client
import json
import socket
import threading
import urllib.parse


class ContractBroken(AssertionError):
    """An answer that the document does not allow."""


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        return self.headers.get(name.lower())

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The problem's code; None on success."""
        return self.json["code"] if self.status >= 400 else None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """One keep-alive connection per thread.

    `direct` speaks to the program's own port: it is the same client, unless a gateway is in front of the pods of a
    cluster. Then it speaks to one pod of payments.
    """

    def __init__(self, url, document=None):
        self.direct = self
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.document = document
        self.seen = {}
        # What the document has and this server cannot be brought to: pairs of operation and status.
        self.unreachable = set()
        self.codes = set()
        self.request_ids = set()
        self.lock = threading.Lock()
        self.local = threading.local()

    @property
    def is_alone(self):
        """Whether one process answers everything."""
        return self.direct is self

    def connection(self):
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        return self.local.connection

    def raw(self, method, path, headers=()):
        """Sends a request and reads its answer, unchecked."""
        connection = self.connection()
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if method in ("POST", "DELETE", "PUT", "PATCH"):
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
        if response.will_close:
            connection.close()
        return answer

    def raw_bytes(self, request):
        """Sends bytes on their own connection and reads what comes until it is closed."""
        with socket.create_connection((self.host, self.port), timeout=30) as connection:
            # Refused before all of it was sent; the answer is there to be read.
            with contextlib.suppress(OSError):
                connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            body = response.read()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def check_refusal_of_server(self, answer):
        """Checks an answer against the response that every operation has for what the server refuses."""

        def broken(why):
            raise ContractBroken(f"{why}: {answer}")

        operation = self.document.operation("GET", "/")
        described = operation.responses["default"]
        self.check_headers(described, answer, broken)
        errors = self.document.schema_errors(described["content"]["application/problem+json"]["schema"], answer.json)
        if errors:
            broken(f"a body that the schema refuses: {errors}")
        self.check_problem(answer, broken)
        self.check_code(operation, "default", answer, broken)

    def send(self, method, path, expect=None, **headers):
        """Sends a request, checks the answer against the document, and that its status is the expected one."""
        answer = self.raw(method, path, [(name.replace("_", "-"), value) for name, value in headers.items()])
        self.check(method, path, answer)
        if expect is not None and answer.status != expect:
            raise ContractBroken(f"{method} {path}: expected {expect}, got {answer}")
        return answer

    def get(self, path, expect=200, **headers):
        return self.send("GET", path, expect, **headers)

    def post(self, path, expect=200, **headers):
        return self.send("POST", path, expect, **headers)

    def delete(self, path, expect=200, **headers):
        return self.send("DELETE", path, expect, **headers)

    def put(self, path, expect=200, **headers):
        return self.send("PUT", path, expect, **headers)

    def check(self, method, path, answer):
        """Checks an answer against the document."""

        def broken(why):
            raise ContractBroken(f"{method} {path}: {why}: {answer}")

        request_id = answer.header("X-Request-Id")
        if request_id is None or len(request_id) < 16:
            broken("no X-Request-Id")
        with self.lock:
            if request_id in self.request_ids:
                broken("an X-Request-Id that another answer had")
            self.request_ids.add(request_id)

        operation = self.document.operation(method, path.split("?")[0])
        if operation is None or answer.status == 405:
            if answer.status not in (400, 404, 405, 414):
                broken("a path that the document does not have")
            self.check_problem(answer, broken)
            return
        described = operation.responses.get(str(answer.status))
        if described is None:
            broken("a status that the document does not name")
        with self.lock:
            self.seen.setdefault(str(operation), set()).add(answer.status)
        self.check_headers(described, answer, broken)
        if method == "HEAD":
            if answer.body:
                broken("a body after HEAD")
            return
        if "content" not in described:
            if answer.body:
                broken("a body that the document does not name")
            return
        content_type = answer.header("Content-Type")
        if content_type not in described["content"]:
            broken(f"a content type that the document does not name: {content_type}")
        value = answer.body.decode() if content_type.startswith("text/") else answer.json
        errors = self.document.schema_errors(described["content"][content_type]["schema"], value)
        if errors:
            broken(f"a body that the schema refuses: {errors}")
        if answer.status >= 400:
            self.check_problem(answer, broken)
            self.check_code(operation, str(answer.status), answer, broken)

    def check_headers(self, described, answer, broken):
        for name, header in described["headers"].items():
            header = self.document.resolve(header)
            value = answer.header(name)
            if value is None:
                if header.get("required"):
                    broken(f"no header {name}")
                continue
            errors = self.document.schema_errors(header["schema"], value)
            if errors:
                broken(f"header {name}: {errors}")

    def check_code(self, operation, status, answer, broken):
        if answer.code not in operation.codes[status]:
            broken("a code that the document does not name here")

    def check_problem(self, answer, broken):
        if answer.header("Content-Type") != "application/problem+json":
            broken("a refusal that is no problem+json")
        problem = answer.json
        errors = self.document.schema_errors({"$ref": "#/components/schemas/Problem"}, problem)
        if errors:
            broken(f"a problem that the schema refuses: {errors}")
        if problem["code"] not in self.document.problem_codes:
            broken("a code that the document does not name")
        if problem["status"] != answer.status:
            broken("another status in the body")
        if problem["request_id"] != answer.header("X-Request-Id"):
            broken("another request id in the body")
        if problem["type"] != "/problems#" + problem["code"]:
            broken("a type that does not fit the code")
        seconds = answer.header("Retry-After")
        if seconds != self.document.retry_after.get(problem["code"]) and not (
                problem["code"] == "rate_limited" and seconds and int(seconds) >= 1):
            broken("another Retry-After than the document names")
        if answer.status == 401 and answer.header("WWW-Authenticate") is None:
            broken("401 without WWW-Authenticate")
        with self.lock:
            self.codes.add(problem["code"])
