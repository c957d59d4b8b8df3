"""Drills of single requests: many of them for one balance at the same time, keys that outlive a server, and what an
operator finds out about one."""
import contextlib
import http.client
import json
import signal
import subprocess
import threading

from checks import DrillFailure, ask, wait_until
from processes import Server


def posted(server, path, key=None, name=None):
    """The status, the code or nothing, the headers and the body of a POST on its own connection. `name` is the
    client's own id of it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=20)
    try:
        headers = {"Idempotency-Key": key} if key else {}
        connection.request("POST", path, headers=headers | ({"X-Request-Id": name} if name else {}))
        answer = connection.getresponse()
        body = json.loads(answer.read() or b"{}")
        code = body.get("code", "") if isinstance(body, dict) else ""
        return answer.status, code, answer.headers, body
    finally:
        connection.close()


def created(server, path, member):
    status, _, _, body = posted(server, path)
    if status != 200:
        raise DrillFailure(f"{path}: {status} {body}")
    return body[member]


def together(count, work):
    """What `work(number)` returned for each number, all of them started at the same moment."""
    results, start = [None] * count, threading.Barrier(count)

    def run(number):
        start.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def one_balance(checks, kassa, folder, _seed, clients=40, enough_for=13):
    """More clients than a balance or a stock suffices for: exactly so many as it suffices for succeed."""
    with contextlib.closing(Server(kassa, folder)) as server:
        server.start()
        for turn in range(3):
            user = created(server, "/payment/create_user", "user_id")
            item = created(server, "/stock/item/create/5", "item_id")
            posted(server, f"/payment/add_funds/{user}/{7 * enough_for + 6}")
            posted(server, f"/stock/add/{item}/{2 * enough_for + 1}")
            for path, code, question, member, left in (
                    (f"/payment/pay/{user}/7", "not_enough_credit", f"/payment/find_user/{user}", "credit", 6),
                    (f"/stock/subtract/{item}/2", "less_in_stock", f"/stock/find/{item}", "stock", 1)):
                said = [answer[:2] for answer in together(clients, lambda number, path=path: posted(server, path))]
                served, refused = said.count((200, "")), said.count((409, code))
                what = path.split("/")[2]
                checks.check(served == enough_for and refused == clients - enough_for,
                             f"{turn}: of {clients} {what} at once {served} succeeded, {refused} got {code}")
                reported = json.loads(ask(server.http, question)[1])[member]
                checks.check(reported == left, f"{turn}: {reported} is left, {left} should be")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")


def reused_keys(checks, kassa, folder, _seed):
    """A key outlives kill -9 and an orderly end: its request gets the old answer, another one of its account 422."""
    with contextlib.closing(Server(kassa, folder, "--checkpoint-interval", "100ms")) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        poor = created(server, "/payment/create_user", "user_id")
        first = {f"/payment/add_funds/{user}/5": "k1", f"/payment/pay/{poor}/5": "k2"}
        reported = {path: posted(server, path, key) for path, key in first.items()}
        checks.check([reported[path][0] for path in first] == [200, 409], "a deposit succeeds, a payment is refused")
        posted(server, f"/payment/add_funds/{poor}/9")
        for number in (signal.SIGKILL, signal.SIGTERM):
            server.end(number)
            server.start()
            # The wrong ones first: the process knows nothing of the keys yet, their partitions do.
            for path, key in ((f"/payment/add_funds/{user}/6", "k1"), (f"/payment/pay/{user}/5", "k1"),
                              (f"/payment/pay/{poor}/4", "k2")):
                status, code, _, _ = posted(server, path, key)
                checks.check((status, code) == (422, "idempotency_key_reused"),
                             f"after {number.name} {path} under another's key gets {status} {code}")
            for path, key in first.items():
                status, code, headers, body = posted(server, path, key)
                checks.check((status, code) == reported[path][:2] and headers.get("Idempotent-Replayed") == "true",
                             f"after {number.name} {path} under its key gets the old answer: {status} {code} {body}")
        credits = [json.loads(ask(server.http, f"/payment/find_user/{one}")[1])["credit"] for one in (user, poor)]
        checks.check(credits == [5, 9], f"the accounts have {credits}")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server, compared="")


def inspected(server, *words):
    """The exit status, and what `kassa inspect request` says."""
    done = subprocess.run([server.kassa, "inspect", "request", *words, "--data", server.data], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def logged(server, name):
    """The lines of the access log about the request that its client called this, as soon as there is one."""
    def lines():
        with open(server.journal.name, encoding="utf-8") as journal:
            reported = [json.loads(line) for line in journal if line.startswith("{")]
        return [line for line in reported if line.get("client_request_id") == name]

    wait_until(lines, f"the access log has {name}", 10)
    return lines()


def looked_up(checks, kassa, folder, _seed):
    """The access log leads from a client's id of a request to Kassa's, and that to its records and outcome."""
    options = ("--access-log", "all", "--log-format", "json", "--checkpoint-interval", "100ms")
    with contextlib.closing(Server(kassa, folder, *options)) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        item = created(server, "/stock/item/create/5", "item_id")
        order = created(server, f"/orders/create/{user}", "order_id")
        posted(server, f"/payment/add_funds/{user}/9")
        posted(server, f"/stock/add/{item}/2")
        posted(server, f"/orders/addItem/{order}/{item}/1")
        for name, path, key, status, outcome in (
                ("pay-1", f"/payment/pay/{user}/10?secret=1", None, 409, "outcome     refused: notEnoughCredit"),
                ("check out", f"/orders/checkout/{order}", "k1", 200, "outcome     done"),
                ("again", f"/orders/checkout/{order}", "k1", 200, "as an earlier request under its key"),
                ("many", "/stock/batch_init/1000/1/1", None, 200, "are different now")):
            answer = posted(server, path, key, name)
            number = answer[2]["X-Request-Id"]
            lines = logged(server, name)
            checks.check(len(lines) == 1, f"{name}: one line: {lines}")
            line = lines[0]
            checks.check((line["request_id"], line["method"], line["path"], line["status"])
                         == (number, "POST", path.split("?")[0], status) and answer[0] == status,
                         f"{name}: the line is the answer's: {line}")
            checks.check(line.get("code", "") == answer[1] and 0 < line["milliseconds"] < 20_000 and line["bytes"] > 0,
                         f"{name}: code, time and size: {line}")
            checks.check(line.get("replayed") == ("yes" if name == "again" else None), f"{name}: replayed or not")
            code, reported = inspected(server, number)
            checks.check(code == 0 and outcome in reported and "counts      yes" in reported, f"{name}: {reported}")
        code, reported = inspected(server, "--order", order)
        checks.check(code == 0 and all(f"{service}-" in reported for service in ("orders", "stock", "payments")),
                     f"the order's history is in all services: {reported}")
        code, reported = inspected(server, "--key", "k1")
        checks.check(code == 0 and "key         known to orders-" in reported, f"the key is known: {reported}")
        code, reported = inspected(server, "1-0-6")
        checks.check(code == 1 and "no record" in reported, f"a request of nobody has no records: {reported}")
        checks.check(server.metric("kassa_access_log_dropped_total") == 0, "no line was dropped")
        checks.check(server.ask("/reload", method="POST")[0] == 200, "the operator port reads settings again")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.check("secret" not in open(server.journal.name, encoding="utf-8").read(), "no query is in the log")
