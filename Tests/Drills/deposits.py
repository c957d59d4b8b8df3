"""Clients that keep their own history, beside those of `kassa bench` and written without its code."""
import collections
import http.client
import json
import threading
import time

from processes import DrillFailure

FINISH_SECONDS_MAX = 30


class Deposits:
    """Clients that each pay 1 into an account of their own, again and again, over a kept connection.

    Each deposit has its idempotency key and is repeated under it until it is answered with 200. So the credit in the
    end is the number of deposits, neither less (one was lost) nor more (one was made twice).

    `seen` counts what happened to single requests: their statuses with the problem's code (`503 stopping`), and
    * `refused`: there was nobody to connect to, or the connection was never taken;
    * `cut`: the connection had carried answers before, and ended without one for this request.
    """

    def __init__(self, server, clients=16, pause_seconds=0.005):
        self.server, self.pause_seconds = server, pause_seconds
        self.seen = collections.Counter()
        self.is_ending = False
        self.may_ask = threading.Event()
        self.may_ask.set()
        self.accounts = {self.create_user(): 0 for _ in range(clients)}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(user,), daemon=True) for user in self.accounts]
        for thread in self.threads:
            thread.start()

    def create_user(self):
        status, body = self.server.ask("/payment/create_user", self.server.http, "POST")
        if status != 200:
            raise DrillFailure(f"a user cannot be created: {status} {body}")
        return json.loads(body)["user_id"]

    def run(self, user):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http, timeout=20)
        made = 0
        while not self.is_ending:
            while not self.deposit(connection, user, made):
                time.sleep(0.02)
            made += 1
            self.accounts[user] = made
            time.sleep(self.pause_seconds)
        connection.close()

    def deposit(self, connection, user, number):
        """Asks once; returns whether it was answered with 200."""
        self.may_ask.wait()
        is_fresh = connection.sock is None
        try:
            connection.request("POST", f"/payment/add_funds/{user}/1", headers={"Idempotency-Key": f"{user}.{number}"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.note("refused" if is_fresh else "cut")
            return False
        code = json.loads(body).get("code", "") if answer.status != 200 else ""
        self.note(f"{answer.status} {code}".strip())
        return answer.status == 200

    def note(self, what):
        with self.lock:
            self.seen[what] += 1

    def count(self, start):
        """How many requests ended in a way that begins so."""
        with self.lock:
            return sum(number for what, number in self.seen.items() if what.startswith(start))

    def finish(self):
        """Lets every client end its last deposit; the server has to be ready. Returns how many were made in all."""
        self.is_ending = True
        for thread in self.threads:
            thread.join(FINISH_SECONDS_MAX)
            if thread.is_alive():
                raise DrillFailure(f"a deposit is not answered within {FINISH_SECONDS_MAX} s; {dict(self.seen)}")
        return sum(self.accounts.values())

    def credits(self):
        """What each user is told to have; the status and the body where that is not 200."""
        told = {}
        for user in self.accounts:
            status, body = self.server.ask(f"/payment/find_user/{user}", self.server.http)
            told[user] = json.loads(body)["credit"] if status == 200 else f"{status} {body.strip()}"
        return told

    def wrong_accounts(self):
        """The users whose credit is not the number of their deposits."""
        return [f"{user} made {self.accounts[user]} deposits and is told {told}"
                for user, told in self.credits().items() if told != self.accounts[user]]
