"""Buyers at the gateway, and what must add up once they have gone: stock and money."""
import dataclasses
import http.client
import json
import random
import threading
import time
import uuid

import limits

ITEMS, STOCK, PRICE = 8, 100000, 7
USERS, CREDIT = 32, 50000
BUYERS = 16
# Longer than the pause after a pod's crash.
PATIENCE_SECONDS = 60


class Shop:
    """One connection a thread; what had no answer is sent again with its key."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.local = threading.local()

    def ask(self, method, path):
        """The status and body of an answer that is one: neither 5xx nor a broken connection."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method != "GET" else {}
        deadline = time.monotonic() + limits.seconds(PATIENCE_SECONDS)
        said = None
        while time.monotonic() < deadline:
            try:
                status, body = self._once(method, path, headers)
                said = f"{status} {body!r}"
                if status < 500:
                    return status, body
            except (OSError, http.client.HTTPException) as reason:
                said = repr(reason)
                self.local.connection = None
            time.sleep(0.1)
        raise AssertionError(f"{method} {path}: no answer in time, at last {said}")

    def _once(self, method, path, headers):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def value(self, method, path):
        """The JSON of a success."""
        status, body = self.ask(method, path)
        assert status == 200, f"{method} {path}: {status} {body!r}"
        return json.loads(body) if body.startswith(b"{") else None


@dataclasses.dataclass
class Sale:
    """An order whose checkout was answered."""
    order: str
    units: int
    status: int


class Load:
    """Buyers who continue until they are told to stop."""

    def __init__(self, shop):
        self.shop = shop
        self.items = [shop.value("POST", f"/stock/item/create/{PRICE}")["item_id"] for _ in range(ITEMS)]
        for item in self.items:
            shop.value("POST", f"/stock/add/{item}/{STOCK}")
        self.users = [shop.value("POST", "/payment/create_user")["user_id"] for _ in range(USERS)]
        for user in self.users:
            shop.value("POST", f"/payment/add_funds/{user}/{CREDIT}")
        self.sales, self.failures = [], []
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self._buy, args=(number,)) for number in range(BUYERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()

    def _buy(self, seed):
        dice = random.Random(seed)
        try:
            while not self.ends.is_set():
                order = self.shop.value("POST", f"/orders/create/{dice.choice(self.users)}")["order_id"]
                units = 0
                for item in dice.sample(self.items, 2):
                    quantity = dice.randint(1, 3)
                    units += quantity
                    self.shop.value("POST", f"/orders/addItem/{order}/{item}/{quantity}")
                status, _ = self.shop.ask("POST", f"/orders/checkout/{order}")
                self.sales.append(Sale(order, units, status))
        except (AssertionError, KeyError, ValueError) as reason:
            self.failures.append(f"buyer {seed}: {reason}")

    def wait_for(self, count, seconds):
        """Until so many checkouts more were answered."""
        goal, deadline = len(self.sales) + count, time.monotonic() + limits.seconds(seconds)
        while len(self.sales) < goal:
            assert time.monotonic() < deadline and not self.failures, \
                f"{count} checkouts were not answered in time: {len(self.sales)} were, {self.failures[:3]}"
            time.sleep(0.05)

    def check(self):
        """Every answer holds, and what was sold and paid is what is missing."""
        assert not self.failures, "\n".join(self.failures)
        sold = cost = 0
        for sale in self.sales:
            found = self.shop.value("GET", f"/orders/find/{sale.order}")
            assert found["paid"] == (sale.status == 200), f"{sale}: {found}"
            assert sum(quantity for _, quantity in found["items"]) == sale.units, f"{sale}: {found}"
            if found["paid"]:
                sold += sale.units
                cost += found["total_cost"]
        stock = sum(self.shop.value("GET", f"/stock/find/{item}")["stock"] for item in self.items)
        credit = sum(self.shop.value("GET", f"/payment/find_user/{user}")["credit"] for user in self.users)
        assert sold > 0 and cost == sold * PRICE, (sold, cost)
        assert stock == ITEMS * STOCK - sold, f"{sold} units were sold, but {ITEMS * STOCK - stock} are missing"
        assert credit == USERS * CREDIT - cost, f"{cost} were paid, but {USERS * CREDIT - credit} are missing"
        return len(self.sales)
