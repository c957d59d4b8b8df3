"""A client of the shop's three services: one connection to each, and what came back as it came."""
import dataclasses
import http.client
import json
import time
import urllib.parse

SERVICES = ("orders", "stock", "payment")
SECONDS_MAX = 30.0
# A pod that starts, stops or has too much to do says that it did nothing: the same request is sent again.
NOT_TAKEN = (429, 503)
ATTEMPTS_MAX = 20


@dataclasses.dataclass(frozen=True)
class Answer:
    """Status, headers with names in small letters, and body."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body as JSON; a body that is no JSON is an error of the shop."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"no JSON: {self}") from error

    @property
    def code(self):
        """The stable name of a refusal; None when the body has none."""
        value = self.json
        return value.get("code") if isinstance(value, dict) else None

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Shop:
    """The services behind one gateway, or each at its own address."""

    def __init__(self, addresses):
        self.addresses = {service: urllib.parse.urlsplit(addresses[service]) for service in SERVICES}
        self.connections = {}
        self.seen = set()

    def _connection(self, service):
        address = self.addresses[service]
        key = (address.scheme, address.netloc)
        if key not in self.connections:
            kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
            self.connections[key] = kind(address.hostname, address.port, timeout=SECONDS_MAX)
        return self.connections[key]

    def _exchange(self, service, method, path, headers):
        connection = self._connection(service)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())

    def _send_once(self, service, method, path, headers):
        """Sends a request. A kept connection that the server closed while nobody used it is reopened, once."""
        was_open = self._connection(service).sock is not None
        try:
            return self._exchange(service, method, path, headers)
        except (ConnectionError, http.client.RemoteDisconnected):
            self._connection(service).close()
            if not was_open or (method != "GET" and "Idempotency-Key" not in headers):
                raise
            return self._exchange(service, method, path, headers)
        except (OSError, http.client.HTTPException):
            self._connection(service).close()
            raise

    def send(self, method, path, **headers):
        """The answer to a request; what was not taken is sent again after the time that the server names."""
        service = path.split("/")[1]
        service = service if service in SERVICES else "orders"
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        for _ in range(ATTEMPTS_MAX):
            answer = self._send_once(service, method, path, fields)
            self.seen.add((method, path.split("?")[0], answer.status))
            if answer.status not in NOT_TAKEN:
                break
            time.sleep(min(float(answer.headers.get("retry-after", "1")), 5.0))
        return answer

    def close(self):
        """Ends all connections."""
        for connection in self.connections.values():
            connection.close()
