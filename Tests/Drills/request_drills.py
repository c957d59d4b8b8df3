"""Drills of single requests: many of them for one balance at the same time, and keys that outlive a server."""
import contextlib
import http.client
import json
import signal
import threading

from checks import DrillFailure, ask
from processes import Server


def posted(server, path, key=None):
    """The status, the code or nothing, the headers and the body of a POST on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=20)
    try:
        connection.request("POST", path, headers={"Idempotency-Key": key} if key else {})
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
    """What `work(number)` returned for each number, all of them begun at the same moment."""
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
                told = json.loads(ask(server.http, question)[1])[member]
                checks.check(told == left, f"{turn}: {told} is left, {left} should be")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")


def reused_keys(checks, kassa, folder, _seed):
    """A key outlives kill -9 and an orderly end: its request gets the old answer, another one of its account 422."""
    with contextlib.closing(Server(kassa, folder, "--checkpoint-interval", "100ms")) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        poor = created(server, "/payment/create_user", "user_id")
        first = {f"/payment/add_funds/{user}/5": "k1", f"/payment/pay/{poor}/5": "k2"}
        told = {path: posted(server, path, key) for path, key in first.items()}
        checks.check([told[path][0] for path in first] == [200, 409], "a deposit succeeds, a payment is refused")
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
                checks.check((status, code) == told[path][:2] and headers.get("Idempotent-Replayed") == "true",
                             f"after {number.name} {path} under its key gets the old answer: {status} {code} {body}")
        credits = [json.loads(ask(server.http, f"/payment/find_user/{one}")[1])["credit"] for one in (user, poor)]
        checks.check(credits == [5, 9], f"the accounts have {credits}")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server, compared="")
