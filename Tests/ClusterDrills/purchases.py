"""Clients that buy with a new order each time, and what the shop says later of what it sold them."""
import concurrent.futures
import dataclasses
import http.client
import json
import threading
import time

import location  # noqa: F401  pylint: disable=unused-import

from checks import DrillFailure
from deposits import Tally

FUNDS = 1_000_000
PRICE = 3
# That all share. A purchase takes one unit of two of them, most often of two partitions.
ITEMS = 6
# Clients that ask for old answers again, at the same time.
ASKING = 8


@dataclasses.dataclass(frozen=True)
class Purchase:
    """A checkout that was answered with 200. `began` is when its first request was sent, in monotonic seconds."""
    user: str
    number: int
    order: str
    began: float
    body: bytes


class Purchases(Tally):
    """Each buys two units of items that all share, with its own order each time and every request under a key."""
    what = "checkouts"

    def __init__(self, server, **options):
        self.server = server
        self.made_of = []
        self.items = [self.made(f"/stock/item/create/{PRICE}", "item_id") for _ in range(ITEMS)]
        for item in self.items:
            self.must(f"/stock/add/{item}/{FUNDS}")
        super().__init__(server, **options)

    def must(self, path):
        """A POST that has to succeed."""
        status, body = self.server.ask(path, method="POST")
        if status != 200:
            raise DrillFailure(f"{path}: {status} {body}")

    def create(self):
        user = self.made("/payment/create_user", "user_id")
        self.must(f"/payment/add_funds/{user}/{FUNDS}")
        return user

    def question(self, account):
        return f"/payment/find_user/{account}"

    def count_in(self, document):
        return (FUNDS - document["credit"]) // (2 * PRICE)

    def add(self, connection, account, number):
        began = time.monotonic()
        order, body = None, b""
        for step in STEPS:
            body = self.answered(connection, *request(step, account, number, order, self.items))
            if body is None:
                return False
            order = order or json.loads(body)["order_id"]
        self.note_wait(account, began, "checkout")
        with self.lock:
            self.made_of.append(Purchase(account, number, order, began, body))
        return True

    def answered(self, connection, path, key):
        """The body of the 200 that a request gets in the end; None when the client goes before."""
        while True:
            self.may_ask.wait()
            if self.is_abandoned:
                return None
            status, body = self.ask_once(connection, "POST", path, {"Idempotency-Key": key})
            if status == 200:
                return body
            time.sleep(0.02)

    def purchases(self):
        """What was bought until now."""
        with self.lock:
            return list(self.made_of)


STEPS = ("create", "first", "second", "checkout")


def request(step, user, number, order, items):
    """The path and the key of a purchase's step."""
    paths = {"create": f"/orders/create/{user}", "checkout": f"/orders/checkout/{order}"}
    for place, line in enumerate(("first", "second")):
        paths[line] = f"/orders/addItem/{order}/{items[(number + place) % len(items)]}/1"
    return paths[step], f"{user}.{number}.{step}"


class Books:
    """What the shop says now of purchases that it confirmed before."""

    def __init__(self, cluster, purchases):
        self.cluster, self.local = cluster, threading.local()
        with concurrent.futures.ThreadPoolExecutor(ASKING) as pool:
            self.states = dict(zip(purchases, pool.map(self.state, purchases)))

    def ask(self, method, path, key=None):
        """The status and the body of an answer, asked again where there was none and while it is no outcome."""
        for _ in range(20):
            connection = getattr(self.local, "connection", None) or http.client.HTTPConnection(
                "127.0.0.1", self.cluster.http, timeout=20)
            self.local.connection = connection
            try:
                connection.request(method, path, headers={"Idempotency-Key": key} if key else {})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                continue
            if answer.status not in (503, 504):
                return answer.status, body
            time.sleep(0.1)
        raise DrillFailure(f"{method} {path} is not answered")

    def state(self, purchase):
        """`paid`, `unpaid` or `unknown`."""
        status, body = self.ask("GET", f"/orders/find/{purchase.order}")
        if status != 200:
            return "unknown"
        return "paid" if json.loads(body)["paid"] else "unpaid"

    def count(self, state):
        """How many are in a state."""
        return sum(1 for one in self.states.values() if one == state)

    def differing(self, purchases, items):
        """Those whose requests, repeated under their keys, get other answers than before."""
        def differs(one):
            status, body = self.ask("POST", *request("create", one.user, one.number, None, items))
            if status != 200 or json.loads(body)["order_id"] != one.order:
                return f"{one.order}: created as {status} {body[:80]!r}"
            status, body = self.ask("POST", *request("checkout", one.user, one.number, one.order, items))
            return None if (status, body) == (200, one.body) else f"{one.order}: {status} {body[:80]!r}, was {one.body!r}"

        with concurrent.futures.ThreadPoolExecutor(ASKING) as pool:
            return [text for text in pool.map(differs, purchases) if text]

    def sold(self, items):
        """Units of some items that are gone."""
        gone = 0
        for item in items:
            status, body = self.ask("GET", f"/stock/find/{item}")
            if status != 200:
                raise DrillFailure(f"{item}: {status} {body!r}")
            gone += FUNDS - json.loads(body)["stock"]
        return gone
