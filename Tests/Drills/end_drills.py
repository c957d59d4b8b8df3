"""Drills of the end: a server that is told to end keeps serving for a while, and ends at once when it is told again."""
import collections
import contextlib
import http.client
import signal
import subprocess
import threading
import time

from checks import ask, wait_until
from load_drills import Shop
from processes import Server

CUT_SHORT = 3


class NewConnections:
    """A client that sends each request on its own connection, as a proxy may, and looks at /readyz beside it."""

    def __init__(self, server):
        self.server = server
        self.is_ending = False
        # When each answer came, and what it was: a status, or the name of what went wrong.
        self.answers, self.readiness = [], []
        self.threads = [threading.Thread(target=self.keep_asking, args=question) for question in (
            (server.http, "POST", "/payment/create_user", self.answers),
            (server.operator, "GET", "/readyz", self.readiness))]
        for thread in self.threads:
            thread.start()

    def keep_asking(self, port, method, path, answers):
        while not self.is_ending:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked = time.monotonic()
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                answer.read()
                answers.append((asked, answer.status))
            except (OSError, http.client.HTTPException) as reason:
                answers.append((asked, type(reason).__name__))
            finally:
                connection.close()
            time.sleep(0.01)

    def finish(self):
        self.is_ending = True
        for thread in self.threads:
            thread.join()


def between(answers, first, last):
    """How often there was which answer to what was asked between two moments."""
    return collections.Counter(answer for asked, answer in answers if first <= asked < last)


def serves_on(checks, kassa, folder, _seed, delay=2.0):
    """SIGTERM while a client sends each request on a new connection: it notices nothing before drain-delay is over."""
    with contextlib.closing(Server(kassa, folder, "--drain-delay", f"{delay:.0f}s")) as server:
        server.start()
        kept = http.client.HTTPConnection("127.0.0.1", server.http, timeout=5)
        before = asked_on(kept)
        well = [health(server), health(server, "--live")]
        client = NewConnections(server)
        time.sleep(0.5)
        signalled = time.monotonic()
        server.send(signal.SIGTERM)
        wait_until(lambda: ask(server.operator, "/readyz")[0] == 503, "/readyz says that it is ending", 1)
        noticed = time.monotonic() - signalled
        said = ask(server.operator, "/readyz")[1].strip()
        after = asked_on(kept)
        ill, alive = health(server), health(server, "--live")
        kept.close()
        status = server.process.wait(timeout=60)
        took = time.monotonic() - signalled
        client.finish()
        checks.check(noticed < 0.5, f"/readyz answers 503 {noticed:.2f} s after SIGTERM: {said}")
        # The last tenth of a second belongs to the clock of another process.
        during = signalled + delay - 0.1
        served = between(client.answers, 0, during)
        checks.check(set(served) == {200} and served[200] > 50, f"until the delay was over clients got {dict(served)}")
        late = between(client.answers, signalled, during)
        checks.check(late[200] > 30, f"{late[200]} of them came after SIGTERM")
        ready = between(client.readiness, signalled + noticed, during)
        checks.check(set(ready) == {503} and ready[503] > 30, f"/readyz answered {dict(ready)} all the while")
        checks.check((before, after) == ((200, None), (200, "close")),
                     f"an answer keeps the connection before and closes it after SIGTERM: {before}, {after}")
        checks.check(well == [(0, "ready"), (0, "alive")], f"kassa health says before: {well}")
        wanted = f"kassa health: 127.0.0.1:{server.operator} answers /readyz with 503: about to stop"
        checks.check(ill[0] == 1 and ill[1].startswith(wanted) and len(ill[1].splitlines()) == 1,
                     f"kassa health ends with {ill[0]} after SIGTERM: {ill[1]}")
        checks.check(alive == (0, "alive"), f"kassa health --live says meanwhile: {alive}")
        gone = health(server)
        wanted = f"kassa health: 127.0.0.1:{server.operator} does not answer /readyz: Connection refused"
        checks.check(gone == (1, wanted), f"kassa health says in the end: {gone}")
        checks.check(status == 0 and delay <= took < delay + 10, f"it ended with {status} after {took:.1f} s")
        server.options = ("--drain-delay", "1m")
        server.start()
        signalled = time.monotonic()
        status = server.end(signal.SIGINT)
        took = time.monotonic() - signalled
        checks.check(status == 0 and took < 10, f"SIGINT ended it with {status} after {took:.1f} s of a minute's delay")
        checks.folder(server, compared="")


def health(server, *options):
    """The exit status of `kassa health`, and what it says."""
    result = subprocess.run(
        [server.kassa, "health", "--operator", f"127.0.0.1:{server.operator}", *options], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=20, check=False)
    return result.returncode, (result.stdout + result.stderr).strip()


def asked_on(connection):
    """The status of a request on an open connection, and what the answer says about the connection."""
    connection.request("POST", "/payment/create_user")
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers.get("Connection")


def cut_short(checks, kassa, folder, seed):
    """A second SIGTERM or SIGINT under load ends the server at once; what was answered is there at the next start."""
    with contextlib.closing(Shop(kassa, folder)) as shop:
        without_delay = shop.server.options
        shop.server.options += ("--drain-delay", "1m")
        shop.open(seed, seconds=4)
        for number in (signal.SIGTERM, signal.SIGINT):
            time.sleep(1)
            shop.server.send(signal.SIGTERM)
            wait_until(lambda: shop.server.ask("/readyz")[0] == 503, "/readyz says that it is ending", 5)
            # A terminal that closes says nothing new.
            shop.server.send(signal.SIGHUP)
            time.sleep(0.7)
            checks.check(not shop.server.is_over(), f"before {number.name} it serves on")
            started = time.monotonic()
            status = shop.server.end(number)
            took = time.monotonic() - started
            checks.check(status == CUT_SHORT and took < 2,
                         f"SIGTERM and {number.name} end the server with {status} after {took:.2f} s")
            if number == signal.SIGINT:
                shop.server.options = without_delay
            shop.server.start()
        shop.check(checks, paid_min=50, deposits_min=50)
