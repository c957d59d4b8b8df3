"""Bad input, derived from the document: each parameter of each operation, each path with each method."""

import re

GOOD = {"Id": "nobody", "Amount": "1", "PositiveAmount": "1", "BatchCount": "1"}
BAD_IDS = ["a.b", "a%20b", "%00", "%2F", "%", "%4", "%zz", "a" * 65, "a+b", "a:b", "%C3%A9"]
BAD_NUMBERS = ["-1", "+1", "x", "1.5", "1.", ".0", "1e3", "0x1", "9007199254740992", "9" * 40, "1_000"]


def schema_name(parameter):
    return parameter["schema"]["$ref"].rsplit("/", 1)[1]


def bad_values(parameter):
    name = schema_name(parameter)
    if name == "Id":
        return BAD_IDS
    if name == "PositiveAmount":
        return [*BAD_NUMBERS, "0"]
    if name == "BatchCount":
        return [*BAD_NUMBERS, "10000001"]
    return BAD_NUMBERS


def test_every_parameter_refuses_bad_values(client):
    for operation in client.document.operations:
        parameters = operation.path_parameters()
        good = {one["name"]: GOOD[schema_name(one)] for one in parameters}
        for parameter in parameters:
            for value in bad_values(parameter):
                path = operation.fill(**{**good, parameter["name"]: value})
                answer = client.send(operation.method, path)
                assert answer.status == 400, f"{operation.method} {path}: {answer}"
                expected = {"malformed_id", "malformed_amount", "amount_out_of_range"}
                if "%" in value:
                    expected = {"malformed_path"}
                assert answer.code in expected, f"{operation.method} {path}: {answer}"
                if "%" not in value:
                    assert answer.json["parameter"] == parameter["name"], f"{operation.method} {path}: {answer}"


def test_batches_refuse_what_cannot_be(client):
    for path, parameter in [
        ("/orders/batch_init/1/0/1/1", "n_items"),
        ("/orders/batch_init/1/1/0/1", "n_users"),
        ("/orders/batch_init/1/1/1/4503599627370496", "item_price"),
    ]:
        answer = client.post(path, 400)
        assert answer.json["parameter"] == parameter, answer


def test_every_write_refuses_malformed_keys(client):
    for operation in client.document.operations:
        if not operation.takes_key():
            continue
        path = operation.fill(**{one["name"]: GOOD[schema_name(one)] for one in operation.path_parameters()})
        for key in ["", '""', '"', "a b", 'a"b', "a\\b", "k" * 256]:
            answer = client.send(operation.method, path, 400, Idempotency_Key=key)
            assert answer.code == "malformed_idempotency_key" and answer.json["header"] == "Idempotency-Key", answer
        answer = client.raw(operation.method, path, [("Idempotency-Key", "a"), ("idempotency-key", "a")])
        client.check(operation.method, path, answer)
        assert answer.code == "malformed_idempotency_key", answer


def test_pages_of_other_sites_are_refused(client):
    for operation in client.document.operations:
        if 403 in operation.statuses():
            path = operation.fill(**{one["name"]: GOOD[schema_name(one)] for one in operation.path_parameters()})
            answer = client.send(operation.method, path, 403, Origin="https://evil.example")
            assert answer.code == "cross_site", answer


def test_every_path_refuses_other_methods(client):
    for template in {one.path for one in client.document.operations}:
        path = re.sub(r"\{\w+\}", "1", template)
        allowed = client.document.methods(template)
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - allowed:
            answer = client.send(method, path, 405)
            told = set(answer.header("Allow").split(", "))
            assert told - {"HEAD"} == allowed and ("HEAD" in told) == ("GET" in told), answer


def test_unknown_paths(client):
    for path in [
        "/nothing", "/orders", "/orders/", "/orders/find", "/orders/find/", "/orders/find/x/", "//orders/find/x",
        "/orders//find/x", "/orders/find/x/y", "/ORDERS/find/x", "/orders/find/x/../y", "/a/b/c/d/e/f/g/h",
        "/openapi.json/", "/problems/", "/favicon.ico",
    ]:  # fmt: skip
        for method in ["GET", "POST", "DELETE"]:
            answer = client.send(method, path, 404)
            assert answer.code == "not_found", answer


def test_long_paths(client):
    assert client.send("GET", "/" + "a" * 2_000).status == 414


def test_head_is_get_without_a_body(client):
    client.post("/payment/batch_init/1/5")
    for path in ["/", "/openapi.json", "/problems", "/payment/find_user/0"]:
        get, head = client.get(path), client.send("HEAD", path, 200)
        assert head.header("Content-Length") == get.header("Content-Length"), (get.headers, head.headers)
    assert client.send("HEAD", "/payment/find_user/nobody").status == 404


def test_queries_and_escapes(client):
    client.post("/payment/batch_init/1/5")
    assert client.get("/payment/find_user/0?x=%zz&y").json["credit"] == 5
    assert client.raw("GET", "/%70ayment/find_user/%30").json["user_id"] == "0"
    assert client.raw("GET", "/op%65n%61pi.json").json == client.document.raw


def test_traces_are_echoed(client):
    valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for path, status in [("/", 200), ("/nothing", 404), ("/orders/find/nobody", 404)]:
        assert client.get(path, status, traceparent=valid).header("traceparent") == valid
        assert client.get(path, status, traceparent="00-nonsense").header("traceparent") is None
    assert client.post("/payment/create_user", traceparent=valid).header("traceparent") == valid


def test_what_the_server_itself_refuses(client):
    """Refused before the API saw the request, and yet with a problem like any other."""
    client = client.direct
    post = b"POST /payment/create_user HTTP/1.1\r\nHost: localhost\r\n"
    for request, status, code in [
        (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "malformed_request"),
        (post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "malformed_request"),
        (post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed_request"),
        (post + b"Content-Length: 99999999\r\n\r\n", 413, "body_too_large"),
        (post + b"X-Long: " + b"x" * 10_000 + b"\r\n\r\n", 431, "head_too_large"),
    ]:
        answer = client.raw_bytes(request)
        client.check_refusal_of_server(answer)
        assert (answer.status, answer.code) == (status, code), (request[:80], answer)
