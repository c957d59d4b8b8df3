"""Drills of the time of day: clocks that jump while a server runs, and that are wrong when it starts."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

from boot_drills import refused
from checks import DrillFailure, ask, wait_until
from processes import Server
from request_drills import created, posted

HOUR = 3600
YEAR = 365 * 24 * HOUR
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ClusterDrills", "clock.c")
KEYS = 6
WRONG, RIGHT = "the wall clock is wrong", "the wall clock is right again"


class WrongClock:
    """A server's wall clock, which can be set ahead by any number of seconds, from the next look on."""

    def __init__(self, folder):
        self.library, self.file = os.path.join(folder, "clock.so"), os.path.join(folder, "clock")
        compiler = next(filter(shutil.which, ("cc", "gcc", "clang")), "cc")
        done = subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self.library, SOURCE, "-ldl"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DrillFailure(f"the clock of the drills cannot be built: {done.stderr[-500:]}")
        self.set(0)

    def set(self, seconds):
        file = os.open(self.file, os.O_RDWR | os.O_CREAT)
        os.pwrite(file, struct.pack("q", seconds), 0)
        os.close(file)

    def serve(self, kassa, folder, *options):
        """A server, not started, that goes by this clock."""
        server = Server(kassa, folder, *options)
        server.environment = {"LD_PRELOAD": self.library, "CLOCK_FILE": self.file}
        return server


def credit(server, user):
    return json.loads(ask(server.http, f"/payment/find_user/{user}")[1]).get("credit")


def skew(server):
    return server.metric("kassa_clock_skew_seconds")


def wait_for_skew(server, seconds):
    wait_until(lambda: abs(skew(server) - seconds) < 30, f"the metric shows {seconds} s", 10,
               reason=lambda: f"it shows {skew(server)}", every=0.1)


def told_times(server, words):
    """How often the servers of a journal said something."""
    with open(server.journal.name, encoding="utf-8", errors="replace") as journal:
        return journal.read().count(words)


def jumps(checks, kassa, folder, _seed):
    """The clock jumps by 25 hours and ten years, both ways: no key is forgotten, and the server says so meanwhile."""
    clock = WrongClock(folder)
    with contextlib.closing(clock.serve(kassa, folder)) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        path, due = f"/payment/add_funds/{user}/100", 0
        for turn, seconds in enumerate((25 * HOUR, -25 * HOUR, 10 * YEAR, -10 * YEAR), start=1):
            first = posted(server, path, f"before-{turn}")
            clock.set(seconds)
            wait_for_skew(server, seconds)
            wait_until(lambda turn=turn: told_times(server, WRONG) == turn, "the log says that the clock is wrong", 5)
            again = posted(server, path, f"before-{turn}")
            posted(server, path, f"meanwhile-{turn}")
            due += 200
            checks.check(first[0] == again[0] == 200 and credit(server, user) == due,
                         f"{seconds} s away: a repeated deposit is made once: {credit(server, user)} of {due}")
            checks.check(server.is_ready(), f"{seconds} s away: the server is ready")
            checks.check(told_times(server, WRONG) == turn, f"{seconds} s away: the log has said so once")
            clock.set(0)
            wait_for_skew(server, 0)
            wait_until(lambda turn=turn: told_times(server, RIGHT) == turn,
                       "the log says that the clock is right again", 5)
            for key in (f"before-{turn}", f"meanwhile-{turn}"):
                posted(server, path, key)
            checks.check(credit(server, user) == due, f"{seconds} s and back: both keys are remembered")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        server.start()
        for turn in range(1, 5):
            posted(server, path, f"meanwhile-{turn}")
        checks.check(credit(server, user) == due, "the next start knows the keys, too")
        checks.check(server.end() == 0, "SIGTERM ends it with 0")
        checks.folder(server, compared="sound")


def refused_for_its_clock(checks, server, what, *words):
    """A refusal of the start changes no entity; the databases' own write-ahead logs come and go, and FORMAT says so."""
    before = store_hash(server)
    refused(checks, server, what, *words, "correct the clock", "--accept-clock now", files=())
    checks.check(before and store_hash(server) == before, f"{what}: the store is what it was: {before}")


def store_hash(server):
    said = subprocess.run([server.kassa, "verify", server.data], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False).stdout
    return next((line.split()[-1] for line in said.splitlines() if line.startswith("store hash")), None)


def newest_expiry(server):
    """The newest expiry of a key in the store, in seconds from now; None without a key."""
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/store.sqlite?mode=ro", uri=True)) as store:
        newest = store.execute("select max(expiry) from entities where kind = ?", (KEYS,)).fetchone()[0]
    return None if newest is None else newest / 1000 - time.time()


def short_keys(checks, kassa, folder, _seed, expiry=3):
    """Keys that were made around a jump of ten years expire when they should: not before, and not ten years later."""
    clock = WrongClock(folder)
    options = ("--partitions", "1", "--idempotency-expiry", f"{expiry}s", "--request-deadline", "1s",
               "--checkpoint-interval", "100ms")
    with contextlib.closing(clock.serve(kassa, folder, *options)) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        path = f"/payment/add_funds/{user}/100"
        began = time.monotonic()
        posted(server, path, "a")
        clock.set(10 * YEAR)
        wait_for_skew(server, 10 * YEAR)
        posted(server, path, "b")
        posted(server, path, "a")
        took = time.monotonic() - began
        checks.check(took < expiry and credit(server, user) == 200,
                     f"{took:.1f} s later, ten years by the clock, the key is known: {credit(server, user)} of 200")
        clock.set(0)
        wait_for_skew(server, 0)
        time.sleep(expiry)
        # A partition's time continues from the time it is given.
        for _ in range(3):
            created(server, "/payment/create_user", "user_id")
            time.sleep(0.3)
        for key in ("a", "b"):
            posted(server, path, key)
        checks.check(credit(server, user) == 400, f"{expiry} s later both keys are free again: {credit(server, user)}")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        left = newest_expiry(server)
        checks.check(left is not None and left <= expiry, f"the newest key in the store expires in {left:.1f} s")


def wrong_starts(checks, kassa, folder, _seed):
    """A folder whose times are ahead of the clock is refused, whatever end it had, and served when that is accepted."""
    for seconds, number in ((25 * HOUR, signal.SIGTERM), (10 * YEAR, signal.SIGKILL)):
        place = os.path.join(folder, number.name)
        os.mkdir(place)
        clock = WrongClock(place)
        # What SIGKILL leaves stands in the log alone.
        interval = ("--checkpoint-interval", "1h") if number == signal.SIGKILL else ()
        with contextlib.closing(clock.serve(kassa, place, "--request-deadline", "1s", *interval)) as server:
            clock.set(seconds)
            server.start()
            user = created(server, "/payment/create_user", "user_id")
            path = f"/payment/add_funds/{user}/100"
            posted(server, path, "k")
            server.end(number)
            clock.set(0)
            said = [time.strftime("%Y-%m-%dT", time.gmtime(time.time() + away)) for away in (0, seconds)]
            refused_for_its_clock(checks, server, f"{number.name}: a folder of {seconds} s later", *said)
            accept(checks, server, user, seconds)
            refused_for_its_clock(checks, server, f"{number.name}: the same folder at the next start", *said)
            checks.folder(server, compared="sound")


def accept(checks, server, user, seconds):
    """Serves a folder that is ahead: its time continues from where it is."""
    options = server.options
    server.options = (*options, "--accept-clock", "now", "--idempotency-expiry", "2s")
    path = f"/payment/add_funds/{user}/100"
    server.start()
    posted(server, path, "k")
    checks.check(credit(server, user) == 100, f"accepted, the folder of {seconds} s later is served, its key known")
    wait_for_skew(server, -seconds)
    posted(server, path, "new")
    posted(server, path, "new")
    time.sleep(2.5)
    posted(server, path, "other")
    posted(server, path, "new")
    checks.check(credit(server, user) == 400, f"its keys expire as they should: {credit(server, user)} of 400")
    checks.check(told_times(server, WRONG) > 0, "the log says how far the clock is away")
    checks.check(server.end() == 0, "SIGTERM ends it with 0")
    server.options = options


def left_alone(checks, kassa, folder, _seed):
    """A folder may be left alone for 25 hours, but not for ten years, unless that is accepted."""
    clock = WrongClock(folder)
    with contextlib.closing(clock.serve(kassa, folder)) as server:
        server.start()
        user = created(server, "/payment/create_user", "user_id")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        clock.set(10 * YEAR)
        refused_for_its_clock(checks, server, "a clock of ten years later", "400 days")
        clock.set(25 * HOUR)
        server.start()
        checks.check(credit(server, user) == 0 and abs(skew(server)) < 1, "25 hours later it starts")
        checks.check(server.end() == 0, "SIGTERM ends it with 0")
        clock.set(10 * YEAR)
        server.options = ("--accept-clock", "now")
        server.start()
        checks.check(credit(server, user) == 0 and abs(skew(server)) < 1, "ten years later it starts when told to")
        checks.check(server.end() == 0, "SIGTERM ends it with 0")
