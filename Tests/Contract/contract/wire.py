"""What the HTTP port says to malformed requests, compared with the table in docs/http.md, row by row."""

import json
import pathlib
import re
import socket
from concurrent.futures import ThreadPoolExecutor

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "http.md"
HOST = b"Host: localhost\r\n"
GET = b"GET /payment/find_user/0 HTTP/1.1\r\n"
POST = b"POST /payment/create_user HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def get(*headers):
    return GET + b"".join(header + b"\r\n" for header in (b"Host: localhost", *headers)) + b"\r\n"


def line(text):
    return text + b"\r\n" + HOST + b"\r\n"


def post(*headers, body=b""):
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


# By the first column of the page's rows: what is sent, each of which has to be answered as the row says.
REQUESTS = {
    "on a loopback address, a host that is neither an address nor `localhost` nor one of `hosts`": [
        GET + b"Host: evil.example\r\n\r\n", GET + b"Host: localhost.evil.example:8000\r\n\r\n"],
    "a request that a page of another site sends (`Sec-Fetch-Site`, `Origin`)": [
        get(b"Sec-Fetch-Site: cross-site"), get(b"Origin: https://evil.example"), get(b"Origin: null"),
        post(b"Origin: http://localhost:1")],
    "bytes that are not HTTP, without an end of line": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 500],
    "a first line of one word, or with a blank first": [
        b"GET\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\r\n\r\n", line(b" GET / HTTP/1.1"),
    ],
    "a request line without a version or a target, or a version that is no `HTTP/n.n`": [
        b"GET /\r\n", line(b"GET /"), line(b"GET  HTTP/1.1"), line(b"GET / http/1.1"),
    ],
    "HTTP/1.2 and the like": [line(b"GET / HTTP/1.2"), line(b"GET / HTTP/1.9")],
    "another version of HTTP, the preface of HTTP/2 among them": [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", line(b"GET / HTTP/2.0"), line(b"GET / HTTP/0.9"),
    ],
    "further blanks, NUL or control bytes in the request line": [
        line(b"GET  / HTTP/1.1"), line(b"GET /  HTTP/1.1"), line(b"GET /a\0b HTTP/1.1"), line(b"GET /a\x01 HTTP/1.1"),
    ],
    "an absolute target of another host than `Host`, `*` without OPTIONS, CONNECT, a fragment, bytes beyond ASCII": [
        line(b"GET http://a/payment/find_user/0 HTTP/1.1"), line(b"GET * HTTP/1.1"), line(b"CONNECT a:80 HTTP/1.1"),
        line(b"GET /#x HTTP/1.1"), line(b"GET /\xc3\xa9 HTTP/1.1"),
    ],
    "a target longer than 1024 bytes": [line(b"GET /" + b"a" * 1_100 + b" HTTP/1.1")],
    "a target longer than the connection's memory, or as many empty lines": [
        line(b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), b"\r\n" * 20_000,
    ],
    "a head larger than 8192 bytes, or of more than 100 headers": [
        get(b"X: " + b"a" * 9_000), get(*[b"X: y"] * 120),
    ],
    "a head larger than the connection's memory": [get(b"X: " + b"a" * 20_000), get(*[b"X: y"] * 3_000)],
    "cookies larger than the connection's memory": [get(b"Cookie: " + b"a=b;" * 1_500)],
    "bare line feeds, folded headers": [
        (GET + HOST + b"\r\n").replace(b"\r\n", b"\n"), GET.replace(b"\r", b"") + HOST + b"\r\n",
        get(b"X: y", b" z"), GET + b" Host: localhost\r\n\r\n",
    ],
    "a header without a name, with a blank before its colon, or with NUL or control bytes": [
        get(b": y"), get(b"X : y"), get(b"X: a\0b"), get(b"X: a\x01b"),
        get(b"X: a\0\nContent-Length: 30"), get(b"X: a\0\nY: b"), get(b"X: a\0\nTransfer-Encoding: chunked"),
    ],
    "a header without a colon": [get(b"Xy")],
    "no `Host` in HTTP/1.1, two of them, or an invalid one": [
        GET + b"\r\n", get(b"Host: localhost"), GET + b"Host: a b\r\n\r\n", GET + b"Host: \r\n\r\n",
    ],
    "two lengths, or a length and chunks": [
        post(b"Content-Length: 1", b"Content-Length: 1", body=b"a"),
        post(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    ],
    "a length that is not a number": [
        post(b"Content-Length: " + text, body=b"abc") for text in [b"-3", b"+3", b"3, 3", b"0x3", b"", b"3a"]
    ],
    "a length over 65536, or one that no number holds": [
        post(b"Content-Length: 70000", body=b"a" * 70_000), post(b"Content-Length: 9999999"),
        post(b"Content-Length: 99999999999999999999999"),
    ],
    "a transfer coding other than chunked, or chunks in HTTP/1.0": [
        post(b"Transfer-Encoding: gzip"), post(b"Transfer-Encoding: gzip, chunked"),
        CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    ],
    "a chunk whose size is not a number, or that is longer than it says; a trailer without a colon": [
        CHUNKED + b"xyz\r\n", CHUNKED + b"-1\r\n", CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", CHUNKED + b"0\r\nxyz\r\n\r\n",
    ],
    "a chunk's size that no number holds": [CHUNKED + b"fffffffffffffffff\r\n"],
    "chunks of more than 65536 bytes": [CHUNKED + b"10001\r\n" + b"a" * 65_537 + b"\r\n0\r\n\r\n"],
    "trailers larger than the connection's memory": [CHUNKED + b"0\r\n" + b"T: u\r\n" * 5_000 + b"\r\n"],
    "an `Expect` other than `100-continue`": [get(b"Expect: 200-ok")],
    "a request that is not complete after 10 s": [
        get()[:-2], post(b"Content-Length: 5", body=b"abc"), CHUNKED + b"3;" + b"a" * 40_000,
    ],
    "a good request in HTTP/1.1": [get()],
    "a good request with an absolute target": [line(b"GET http://localhost/payment/find_user/0 HTTP/1.1")],
    "`OPTIONS /` and `OPTIONS *`": [line(b"OPTIONS / HTTP/1.1"), line(b"OPTIONS * HTTP/1.1")],
    "a good request in HTTP/1.0": [b"GET /payment/find_user/0 HTTP/1.0\r\n\r\n"],
    "a good request in chunks": [CHUNKED + b"3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n"],
    "a few empty lines before a good request": [b"\r\n" * 3 + get()],
    "bytes beyond ASCII in a header's value": [get(b"X: \xe9\xff")],
    "an offer to upgrade (h2c, WebSocket)": [
        get(b"Connection: Upgrade", b"Upgrade: h2c"), get(b"Connection: Upgrade", b"Upgrade: websocket"),
    ],
    "a method that the path does not have, an unknown one, or one in lower case": [
        line(method + b" /payment/find_user/0 HTTP/1.1") for method in [b"PUT", b"OPTIONS", b"TRACE", b"BREW", b"get"]
    ],
    "invalid escapes, or escapes of a slash or NUL": [
        line(b"GET /payment/find_user/" + text + b" HTTP/1.1") for text in [b"%zz", b"%2f", b"%00", b"%"]
    ],
    "a path that the API does not have": [line(b"GET //payment HTTP/1.1"), line(b"GET /payment/../payment HTTP/1.1")],
}


def rows():
    """The page's rows: first column → (status, body, connection)."""
    table = {}
    for text in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in text.strip("|").split(" | ")]
        if text.startswith("|") and len(cells) == 4 and cells[0] != "what is sent" and not cells[0].startswith("-"):
            assert cells[0] not in table, cells[0]
            table[cells[0]] = tuple(cells[1:])
    return table


def exchange(client, request, is_open):
    """All bytes that come back until the connection ends."""
    with socket.create_connection((client.host, client.port), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(request)
            if is_open:
                # It stays open exactly if a second request is answered.
                connection.sendall(get(b"Connection: close"))
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionError:
            # What is refused before it is read may be cut off after its answer.
            pass
    return received


def answers(received):
    """Splits what came back into (status, headers, body); whatever does not parse to its end fails."""
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        assert separator, received[:200]
        first, *fields = head.decode("ascii").split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        status = re.fullmatch(r"HTTP/1\.1 (\d{3}) .+", first)[1]
        length = 0 if status == "204" else int(headers["content-length"])
        assert len(rest) >= length, (head, len(rest))
        yield status, headers, rest[:length]
        received = rest[length:]


def finding(client, name, request, row):
    """What is not as the row says; None when everything is."""
    try:
        check(client, request, *row)
    except (AssertionError, KeyError, ValueError) as error:
        return f"{name}: {request[:100]}: {error!r}"
    return None


def check(client, request, status, kind, fate):
    is_open = fate == "stays open"
    found = list(answers(exchange(client, request, is_open)))
    if status == "none":
        assert not found and not is_open, found
        return
    assert len(found) == (2 if is_open else 1), found
    got, headers, body = found[0]
    assert got == status, found
    assert (headers.get("connection") == "close") == (not is_open), headers
    if kind == "problem":
        assert headers["content-type"] == "application/problem+json", headers
        problem = json.loads(body)
        assert problem["status"] == int(status), body
        client.codes.add(problem["code"])
    elif kind == "":
        assert not body, body
    else:
        assert kind == "JSON" and isinstance(json.loads(body), dict), body
    if is_open:
        assert found[1][0] == "200", found


def test_every_row_of_the_page(client):
    client.post("/payment/batch_init/1/5")
    client = client.direct
    table = rows()
    assert table.keys() == REQUESTS.keys(), table.keys() ^ REQUESTS.keys()
    cases = [(name, request) for name in table for request in REQUESTS[name]]
    # Together, because some are answered only when their time is over.
    with ThreadPoolExecutor(8) as pool:
        broken = [one for one in pool.map(lambda case: finding(client, *case, table[case[0]]), cases) if one]
    assert not broken, "\n".join(broken)
