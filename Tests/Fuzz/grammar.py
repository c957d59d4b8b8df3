"""Requests as bytes: from well-formed ones about anything to what only looks like HTTP."""
import dataclasses
import json

# Ids that a batch makes, so that many requests mean something; and some that nobody has.
IDS = [str(number) for number in range(12)] + ["nobody", "a" * 64, "-", "_", "A-Z_09"]
BAD_IDS = ["a" * 65, "a.b", "%00", "%2F", "%", "%4", "%zz", "%C3%A9", "a+b", "a:b", "", "..", "%2e%2e", "\xe9",
           "a%20b", "%0d%0aX:y"]
AMOUNTS = ["0", "1", "2", "3", "5", "10", "100", "5.0", "007", "9007199254740991", "4503599627370496"]
BAD_AMOUNTS = ["-1", "+1", "1.5", "1.", ".0", "1e3", "0x1", "x", "", "9007199254740992", "18446744073709551616", "9" * 400,
               "1_000", "NaN", "-0", "%31", "1%30", "0" * 300 + "1", "5.00000", "٣"]
# Small ones, or none: the largest legal batch would keep a server busy for minutes.
COUNTS = ["0", "1", "5", "12", "12"]
BAD_COUNTS = ["-1", "10000001", "9007199254740992", "x", "1.5"]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "get", "A" * 30]
ODD_PATHS = ["/", "/openapi.json", "/problems", "/livez", "/readyz", "/startupz", "/metrics", "/partitions", "/owners",
"/peers",
             "/nothing", "//", "/orders", "/orders/", "/orders/find/", "/ORDERS/find/1", "/orders/find/1/../2", "/%", "/%00",
             "/favicon.ico", "/" + "a" * 1_000, "/" + "a" * 1_100, "/payment//find_user/0", "/stock/find/1/", "/a;b",
             "/?", "/?#"]
QUERIES = ["?", "?x", "?x=%zz&y", "?" + "q" * 200, "?a=b?c=d", "?id=1&id=2", "?\"<>"]
KEYS = [*(f"k{number}" for number in range(40)), '"quoted"', "k" * 255]
BAD_KEYS = ["", '""', '"', "a b", 'a"b', "a\\b", "k" * 256, "\xe9", "a\tb", "a,b", '"a", "b"']
TRACES = ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-nonsense", "ff-" + "0" * 51, "",
          "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra"]
HEADERS = [("Accept", "text/html;q=0.1"), ("Accept", "\xff"), ("Content-Type", "application/xml"), ("Cookie", "a=b; c=d"),
           ("Content-Encoding", "gzip"), ("X-Forwarded-For", "1.2.3.4"), ("X-Http-Method-Override", "DELETE"), ("Range",
           "bytes=0-"),
           ("If-None-Match", "*"), ("Upgrade", "h2c"), ("X-Request-Id", "mine"), ("Accept-Encoding", "gzip, br"), ("X", ""),
           ("X", "\t\t"), ("Authorization", "Basic eDp5"), ("Authorization", "Bearer"), ("Authorization", "Bearer x.y"),
           ("X-API-Key", "a.b"), ("X-API-Key", "."), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site"),
           ("Origin", "https://evil.example"), ("Origin", "null"), ("Expect", "100-continue"), ("TE", "trailers"),
           ("!#$%&'*+-.^_`|~", "token"), ("X-Long", "x" * 4_000), ("Max-Forwards", "0"), ("Via", "1.1 \xe9")]
HOSTS = ["localhost", "127.0.0.1", "localhost:80", "[::1]", "LOCALHOST", "localhost.", "evil.example"]
# What the mutations put between and in place of other bytes.
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"/", b"%", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"\r\n\r\n",
          b"GET / ",
          b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n",
          b"Content-Length: 0\r\n",
          b"Content-Length: 1, 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Host: a\r\n",
          b"Transfer-Encoding: chunked, chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"Connection: close\r\n",
          b"Connection: Host\r\n", b" folded\r\n", b"X : y\r\n", b": y\r\n", b"0\r\n\r\n", b"5\r\nabcde\r\n",
          b"ffffffffffffffff\r\n",
          b"8000000000000000\r\n", b"-5\r\n", b"5;x=\"y\r\n", b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
          b"Expect: 100-continue\r\n", b"Expect: x\r\n", b"X: " + b"a" * 9_000 + b"\r\n", b"X: y\r\n" * 120, b"\xff\xfe",
          b"#", b"?"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What is sent, and what is known about it."""
    data: bytes
    method: str
    target: str
    # Whether exactly one answer has to come.
    is_whole: bool
    # Whether the API may do nothing for it: it carries no key that is known.
    is_stranger: bool = False

    @property
    def may_close(self):
        """Whether the server may end the connection after its answer. What is sent after it could cost the answer: a
        connection with unread bytes is reset. With a body it depends on the pieces in which the head arrives."""
        head, _, body = self.data.partition(b"\r\n\r\n")
        return (bool(body) or len(head) > 8_000 or len(self.target) > 1_000
                or any(not "!" <= letter <= "~" or letter in '#"<>' for letter in self.target))

    def __str__(self):
        return f"{self.data!r}"


class Grammar:
    """Makes requests for one port from one source of randomness.

    `document` gives the REST API's operations; `credentials` is None where the server has no keys, and otherwise the
    keys that it knows. At the operator port most paths are none of the API's.
    """

    def __init__(self, random, document, credentials=None, is_operator=False):
        self.random, self.operations, self.credentials = random, document.operations, credentials
        self.odd_share = 0.8 if is_operator else 0.12

    def one_of(self, good, bad, bad_share=0.12):
        return self.random.choice(bad if self.random.random() < bad_share else good)

    def value(self, parameter):
        """A value of a path's parameter, as written in the target."""
        kind = parameter["schema"]["$ref"].rsplit("/", 1)[1]
        if kind == "Id":
            return self.one_of(IDS, BAD_IDS)
        if kind == "BatchCount":
            return self.one_of(COUNTS, BAD_COUNTS)
        return self.one_of(AMOUNTS, BAD_AMOUNTS)

    def escaped(self, path):
        """The same path with some letters as escapes."""
        return "".join(f"%{ord(letter):02x}" if letter.isalnum() and self.random.random() < 0.1 else letter for letter in path)

    def target(self):
        """A method and a target, mostly of an existing operation."""
        chance = self.random.random()
        if chance < self.odd_share:
            method, target = self.one_of(["GET"], METHODS, 0.5), self.random.choice(ODD_PATHS)
        else:
            operation = self.random.choice(self.operations)
            if "batch_init" in operation.path and self.random.random() < 0.7:
                operation = self.random.choice(self.operations)
            method = operation.method if self.random.random() < 0.95 else self.random.choice(METHODS)
            target = operation.fill(**{one["name"]: self.value(one) for one in operation.path_parameters()})
        chance = self.random.random()
        if chance < 0.05:
            target = self.escaped(target)
        elif chance < 0.1:
            target += self.random.choice(QUERIES)
        elif chance < 0.12:
            target = "http://localhost" + target
        return method, target

    def body(self):
        """JSON of any kind, or something else: the API ignores it."""
        kinds = [b"", b"{}", b"null", b"[" * 2_000, b'{"amount":1e999}', b"\xff\xfe\x00", b'{"a":"\\ud800"}', b"a" * 5_000,
                 json.dumps({"user_id": "0", "amount": -1, "deep": [[[[{}]]]]}).encode(), b"123456789012345678901234567890",
                 b"NaN"]
        return self.random.choice(kinds)

    def caller(self):
        """The headers that identify the caller, and whether the server does not know it."""
        if self.credentials is None:
            return [], False
        chance = self.random.random()
        if chance < 0.8:
            key = self.random.choice(self.credentials)
            return [self.random.choice([("Authorization", f"Bearer {key}"), ("X-API-Key", key)])], False
        key = self.random.choice(self.credentials)
        wrong = [[], [("Authorization", f"Bearer {key}x")], [("X-API-Key", key[:-1])], [("Authorization", key)],
                 [("X-API-Key", key), ("X-API-Key", key)], [("Authorization", f"Bearer {key}"), ("X-API-Key", key)],
                 [("Authorization", "Bearer " + "a" * 3_000)], [("X-API-Key", "\xe9.\xe9")], [("Authorization",
                 f"Basic {key}")]]
        return self.random.choice(wrong), True

    def whole(self):
        """A request that every reader divides in the same way, about anything: exactly one answer has to come."""
        method, target = self.target()
        callers, is_stranger = self.caller()
        headers = [("Host", self.random.choice(HOSTS) if self.random.random() < 0.05 else "localhost"), *callers]
        if self.random.random() < 0.3:
            headers.append(("Idempotency-Key", self.one_of(KEYS, BAD_KEYS, 0.2)))
        if self.random.random() < 0.1:
            headers.append(("traceparent", self.random.choice(TRACES)))
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2, 3])):
            name, value = self.random.choice(HEADERS)
            if not (self.credentials is not None and name in ("Authorization", "X-API-Key")):
                headers.append((name, value))
        body = b""
        if method not in ("GET", "HEAD", "OPTIONS") and self.random.random() < 0.3:
            body = self.body()
        if body and self.random.random() < 0.2:
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"%x;a=b\r\n%b\r\n0\r\nT: u\r\n\r\n" % (len(body), body)
        elif body or method in ("POST", "PUT", "DELETE"):
            headers.append(("Content-Length", str(len(body))))
        self.random.shuffle(headers)
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        return Request(head.encode("utf-8" if "٣" in head else "latin-1") + body, method, target, True, is_stranger)

    def hostile(self):
        """The bytes of one or two requests after some accidents: what comes back is one or more answers, or none."""
        data = b"".join(self.whole().data for _ in range(self.random.choice([1, 1, 1, 2])))
        for _ in range(self.random.choice([1, 1, 2, 3, 6])):
            data = self.accident(data)
        data = data[:60_000]
        # Where the bytes before it end as they should, the server ends the connection.
        last = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" if self.random.random() < 0.8 else b""
        return Request(data + last, "", "", False)

    def accident(self, data):
        at, length = self.random.randrange(len(data) + 1), self.random.choice([1, 1, 2, 5, 30])
        line = data.find(b"\r\n", at) + 2
        match self.random.randrange(8):
            case 0:
                return data[:at] + bytes([self.random.randrange(256)]) + data[at + 1:]
            case 1:
                return data[:at] + data[at + length:]
            case 2:
                return data[:at] + data[at:at + length] * 2 + data[at + length:]
            case 3:
                return data[:at] + self.random.choice(PIECES) + data[at:]
            case 4:
                return data[:line] + self.random.choice(PIECES) + data[line:]
            case 5:
                following = data.find(b"\r\n", line) + 2
                return data[:line] + data[line:following] * 2 + data[following:]
            case 6:
                return data[:at] + self.random.randbytes(length) + data[at:]
            case _:
                return data[:at] if self.random.random() < 0.3 else data.replace(b"\r\n", self.random.choice([b"\n", b"\r"]), 1)
