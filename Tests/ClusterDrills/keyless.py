"""Clients without idempotency keys, for the time without a database, in which keys are looked up."""
import collections
import contextlib
import http.client
import json
import threading
import time

from checks import DrillFailure, ask, wait_until
from deposits import Cartloads, Deliveries, Deposits

RESUME_SECONDS_MAX = 60
CONNECTION_SECONDS_MAX = 20
FOUND_MAX = 2000


class Keyless:
    """Clients in threads; `course` is what each does again and again over its connection."""

    def __init__(self, server, clients):
        self.server = server
        self.seen = collections.Counter()
        self.done = []
        self.unknown = 0
        self.is_ending = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def run(self, number):
        with contextlib.closing(http.client.HTTPConnection(
                "127.0.0.1", self.server.http, timeout=CONNECTION_SECONDS_MAX)) as connection:
            while not self.is_ending:
                self.course(connection, number)

    def course(self, connection, number):
        raise NotImplementedError

    def post(self, connection, path):
        """Asks until it is not refused with 503, which says that nothing was done. The answer's document; None where
        nobody knows, and at the end."""
        while not self.is_ending:
            try:
                connection.request("POST", path)
                answer = connection.getresponse()
                status, body = answer.status, json.loads(answer.read() or b"{}")
            except (OSError, ValueError, http.client.HTTPException):
                connection.close()
                status, body = None, {}
            with self.lock:
                code = body.get("code", "") if isinstance(body, dict) else ""
                self.seen[f"{status} {code if status != 200 else ''}".strip()] += 1
            if status == 200:
                return body
            if status != 503:
                with self.lock:
                    self.unknown += 1
                return None
            time.sleep(0.1)
        return None

    def note(self, what):
        with self.lock:
            self.done.append(what)

    def resumed(self, count=50):
        """Waits until so many more courses have ended well."""
        before = len(self.done)
        wait_until(lambda: len(self.done) >= before + count, f"{type(self).__name__} continue", RESUME_SECONDS_MAX)

    def close(self):
        """Ends the clients."""
        self.is_ending = True
        for thread in self.threads:
            if thread.is_alive():
                thread.join(CONNECTION_SECONDS_MAX)


class Newcomers(Keyless):
    """Each creates a user, again and again: one more change that waits for its checkpoint."""

    def course(self, connection, number):
        made = self.post(connection, "/payment/create_user")
        if made:
            self.note(made["user_id"])
        time.sleep(0.004)

    def finish(self, checks, created_min):
        """Looks for every user that they know of."""
        self.close()
        lost = [user for user in self.done[-FOUND_MAX:]
                if ask(self.server.http, f"/payment/find_user/{user}")[0] != 200]
        checks.check(len(self.done) >= created_min and not lost,
                     f"{len(self.done)} users created, at least {created_min}, all found again {lost[:3] or ''}")


class Buyers(Keyless):
    """Each fills an order with a unit of an item and checks it out, again and again."""
    price, credit, stock = 7, 1_000_000, 100_000

    def __init__(self, server, clients):
        super().__init__(server, clients)
        self.users = [self.made("/payment/create_user", "user_id") for _ in range(clients)]
        self.items = [self.made(f"/stock/item/create/{self.price}", "item_id") for _ in range(clients)]
        for user, item in zip(self.users, self.items):
            self.made(f"/payment/add_funds/{user}/{self.credit}")
            self.made(f"/stock/add/{item}/{self.stock}")

    def made(self, path, member=None):
        status, body = ask(self.server.http, path, "POST")
        if status != 200:
            raise DrillFailure(f"{path}: {status} {body}")
        return json.loads(body)[member] if member else None

    def course(self, connection, number):
        order = self.post(connection, f"/orders/create/{self.users[number]}")
        if not order or self.post(connection, f"/orders/addItem/{order['order_id']}/{self.items[number]}") is None:
            return
        if self.post(connection, f"/orders/checkout/{order['order_id']}") is not None:
            self.note((number, order["order_id"]))
        time.sleep(0.01)

    def finish(self, checks, paid_min):
        """Compares stock, money and orders with what they were answered."""
        self.close()
        paid = collections.Counter(number for number, _ in self.done)
        wrong = [order for _, order in self.done[-FOUND_MAX:]
                 if '"paid":true' not in ask(self.server.http, f"/orders/find/{order}")[1].replace(" ", "")]
        for number, (user, item) in enumerate(zip(self.users, self.items)):
            sold = self.stock - json.loads(ask(self.server.http, f"/stock/find/{item}")[1])["stock"]
            spent = self.credit - json.loads(ask(self.server.http, f"/payment/find_user/{user}")[1])["credit"]
            if spent != sold * self.price or not paid[number] <= sold <= paid[number] + self.unknown:
                wrong.append(f"{paid[number]} paid, {sold} sold, {spent} spent")
        checks.check(len(self.done) >= paid_min and not wrong,
                     f"{len(self.done)} checkouts paid, at least {paid_min}, stock and money conserved "
                     f"{wrong[:3] or ''}")


class KeylessCrowd:
    """All of them at once, and those that count."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.tallies = []
        self.buyers = Buyers(cluster, clients=4)
        self.newcomers = Newcomers(cluster, clients=8)
        try:
            for kind in (Deposits, Deliveries, Cartloads):
                self.tallies.append(kind(cluster, clients=6, pause_seconds=0.03, keyed=False, reads=True))
            self.buyers.start()
            self.newcomers.start()
        except BaseException:
            self.close()
            raise

    def longest_waits(self):
        """The longest wait at each service since the question before, by the service's name."""
        return dict(zip(("payments", "stock", "orders"), (tally.longest_wait() for tally in self.tallies)))

    def seen(self):
        """What became of all requests."""
        everybody = [*self.tallies, self.buyers, self.newcomers]
        return dict(sum((one.seen for one in everybody), start=collections.Counter()))

    def finish(self, checks, paid_min, additions_min):
        """Ends all of them, and compares what they were answered with what is there."""
        self.newcomers.finish(checks, created_min=10 * additions_min)
        self.buyers.finish(checks, paid_min)
        for tally in self.tallies:
            made, wrong = tally.finish(), tally.wrong_accounts()
            checks.check(made >= additions_min and not wrong,
                         f"{made} {tally.what}, at least {additions_min}, each made once {'; '.join(wrong)[:300]}")
        print(f"       {checks.name}: what became of single requests: {self.seen()}", flush=True)

    def close(self):
        """Ends what is left of the clients."""
        for tally in self.tallies:
            tally.abandon()
        for one in (self.buyers, self.newcomers):
            one.is_ending = True
