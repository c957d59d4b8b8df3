"""Clients that keep their own history, beside those of `kassa bench` and written without its code."""
import collections
import dataclasses
import http.client
import json
import threading
import time

from checks import DrillFailure, ask, wait_until

FINISH_SECONDS_MAX = 30


@dataclasses.dataclass(order=True, frozen=True)
class Wait:
    """How long a client waited for an answer, tries and pauses between them included."""
    seconds: float
    began: float
    what: str


class Tally:
    """Clients that each add 1 to a count of their own, again and again, over a kept connection.

    Each addition has its idempotency key and is repeated under it until it is answered with 200. So the count in the
    end is the number of additions, neither less (one was lost) nor more (one was made twice). With `reads` each client
    also reads its count after every addition, and has to see the newest: nobody else changes it.

    Without `keyed` an addition is repeated only when it was surely not made (503); otherwise it counts as unknown.

    `seen` counts what happened to single requests: their statuses with the problem's code (`503 stopping`), and
    * `refused`: there was nobody to connect to, or the connection was never taken;
    * `cut`: the connection had carried answers before, and ended without one for this request.
    """
    what = ""

    def __init__(self, server, clients=16, pause_seconds=0.005, keyed=True, reads=False):
        self.server, self.pause_seconds, self.keyed, self.reads = server, pause_seconds, keyed, reads
        self.seen = collections.Counter()
        self.is_ending = self.is_abandoned = False
        self.may_ask = threading.Event()
        self.may_ask.set()
        self.lock = threading.Lock()
        self.accounts = {self.create(): 0 for _ in range(clients)}
        self.unknown = collections.Counter()
        self.wrong_reads = []
        self.longest = {}
        # How many requests of each account have come to their end, repetitions of one counted once.
        self.ended = collections.Counter()
        self.threads = [threading.Thread(target=self.run, args=(account,), daemon=True) for account in self.accounts]
        for thread in self.threads:
            thread.start()

    # What is counted: a subclass says it.

    def create(self):
        """Makes an account with a count of 0; returns its id."""
        raise NotImplementedError

    def addition(self, account):
        """The path of the POST that adds 1."""
        raise NotImplementedError

    def question(self, account):
        """The path of the GET that shows the count."""
        raise NotImplementedError

    def count_in(self, document):
        """The count in an answer."""
        raise NotImplementedError

    # The clients.

    def made(self, path, member):
        """The id of what a POST creates; asks again while the server says that it is at its limit."""
        deadline = time.monotonic() + FINISH_SECONDS_MAX
        while True:
            status, body = ask(self.server.http, path, "POST")
            if status == 200:
                return json.loads(body)[member]
            if status != 503 or '"overloaded"' not in body or time.monotonic() > deadline:
                raise DrillFailure(f"{path}: {status} {body}")
            self.note("503 overloaded")
            time.sleep(0.05)

    def run(self, account):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http, timeout=20)
        made = 0
        while not self.is_ending:
            if self.add(connection, account, made):
                made += 1
                self.accounts[account] = made
            if self.reads:
                self.read(connection, account)
            time.sleep(self.pause_seconds)
        connection.close()

    def add(self, connection, account, number):
        """Asks until it is answered with 200, or until nobody knows; returns whether it was."""
        began = time.monotonic()
        headers = {"Idempotency-Key": f"{account}.{number}"} if self.keyed else {}
        while True:
            self.may_ask.wait()
            status, _ = self.ask_once(connection, "POST", self.addition(account), headers)
            if status == 200:
                self.note_wait(account, began, "write")
                return True
            if not self.keyed and status != 503:
                self.unknown[account] += 1
                return False
            if self.is_abandoned:
                return False
            time.sleep(0.02)

    def read(self, connection, account):
        """Asks until it is answered with 200, and compares the answer with what was made."""
        began = time.monotonic()
        while True:
            status, body = self.ask_once(connection, "GET", self.question(account), {})
            if status == 200:
                break
            if self.is_abandoned:
                return
            time.sleep(0.02)
        self.note_wait(account, began, "read")
        count, made = self.count_in(json.loads(body)), self.accounts[account]
        if not made <= count <= made + self.unknown[account]:
            self.wrong_reads.append(f"{account} had {made} and read {count}")

    def ask_once(self, connection, method, path, headers):
        """The status and the body; None where there was none."""
        is_fresh = connection.sock is None
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.note("refused" if is_fresh else "cut")
            return None, b""
        code = json.loads(body).get("code", "") if answer.status != 200 else ""
        self.note(f"{answer.status} {code}".strip())
        return answer.status, body

    def note(self, what):
        with self.lock:
            self.seen[what] += 1

    def note_wait(self, account, began, what):
        seconds = time.monotonic() - began
        at = time.strftime("%H:%M:%S", time.gmtime(time.time() - seconds))
        wait = Wait(seconds, began, f"{what} {account} at {at}")
        with self.lock:
            self.longest[account] = max(wait, self.longest.get(account, wait))
            self.ended[account] += 1

    # What they saw.

    def longest_wait(self):
        """The longest wait of all clients since the question before; what they ask now is waited for."""
        before = dict(self.ended)
        wait_until(lambda: all(self.ended[account] > before.get(account, 0) for account in self.accounts),
                   "every client is answered", FINISH_SECONDS_MAX, reason=lambda: dict(self.seen))
        with self.lock:
            longest = max(self.longest.values(), default=Wait(0, 0, "nothing"))
            self.longest.clear()
        return longest

    def count(self, start):
        """How many requests ended in a way that begins so."""
        with self.lock:
            return sum(number for what, number in self.seen.items() if what.startswith(start))

    def abandon(self):
        """Lets every client go after the request that is under way, answered or not."""
        self.is_ending = self.is_abandoned = True
        self.may_ask.set()

    def finish(self):
        """Lets every client end its last request; the server has to be ready. Returns how many additions there are."""
        self.is_ending = True
        for thread in self.threads:
            thread.join(FINISH_SECONDS_MAX)
            if thread.is_alive():
                raise DrillFailure(f"a client is not answered within {FINISH_SECONDS_MAX} s; {dict(self.seen)}")
        return sum(self.accounts.values())

    def credits(self):
        """What each account has; the status and the body where that is not 200."""
        counts = {}
        for account in self.accounts:
            status, body = ask(self.server.http, self.question(account))
            counts[account] = self.count_in(json.loads(body)) if status == 200 else f"{status} {body.strip()}"
        return counts

    def wrong_accounts(self):
        """The accounts whose count is not the number of their additions, and reads that were wrong on the way."""
        return self.wrong_reads + [
            f"{account} made {self.accounts[account]} {self.what} and reads {count}"
            for account, count in self.credits().items()
            if not (isinstance(count, int) and 0 <= count - self.accounts[account] <= self.unknown[account])]


class Deposits(Tally):
    """Each pays 1 into the account of its own user."""
    what = "deposits"

    def create(self):
        return self.made("/payment/create_user", "user_id")

    def addition(self, account):
        return f"/payment/add_funds/{account}/1"

    def question(self, account):
        return f"/payment/find_user/{account}"

    def count_in(self, document):
        return document["credit"]


class Deliveries(Tally):
    """Each adds 1 unit to the stock of its own item."""
    what = "deliveries"

    def create(self):
        return self.made("/stock/item/create/5", "item_id")

    def addition(self, account):
        return f"/stock/add/{account}/1"

    def question(self, account):
        return f"/stock/find/{account}"

    def count_in(self, document):
        return document["stock"]


class Cartloads(Tally):
    """Each adds 1 unit of an item that all share to its own order."""
    what = "units in the cart"

    def __init__(self, server, **options):
        self.server = server
        self.item = self.user = None
        super().__init__(server, **options)

    def create(self):
        self.item = self.item or self.made("/stock/item/create/5", "item_id")
        self.user = self.user or self.made("/payment/create_user", "user_id")
        return self.made(f"/orders/create/{self.user}", "order_id")

    def addition(self, account):
        return f"/orders/addItem/{account}/{self.item}/1"

    def question(self, account):
        return f"/orders/find/{account}"

    def count_in(self, document):
        return sum(quantity for _, quantity in document["items"])
