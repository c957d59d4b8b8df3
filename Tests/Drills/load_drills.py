"""Drills under load: whatever happens to the server, its clients lose nothing and pay nothing twice."""
import collections
import contextlib
import random
import signal
import socket
import subprocess
import time

from checks import DrillFailure, Load, wait_until
from deposits import Cartloads, Deliveries, Deposits
from processes import Server

# The exit code of a server whose data folder can no longer be written.
DISK_FAILED = 74


class Shop:
    """A server, whose whole log is kept by default, with two kinds of clients."""

    def __init__(self, kassa, folder, *options, retention="keep"):
        self.server = Server(kassa, folder, "--event-log-retention", retention, *options)
        self.load = self.deposits = None

    def open(self, seed, seconds, load_options=(), **deposits):
        self.server.start()
        self.load = Load(self.server, seconds, seed, *load_options)
        self.deposits = Deposits(self.server, **deposits)

    def check(self, checks, paid_min, deposits_min, compared="24 partitions compared"):
        """Ends the clients, then the server, and compares what they were answered with what is there."""
        report = checks.load(self.load, paid_min)
        made = self.deposits.finish()
        wrong = self.deposits.wrong_accounts()
        checks.check(made >= deposits_min and not wrong,
                     f"{made} deposits, at least {deposits_min}, each made once {'; '.join(wrong)[:300]}")
        print(f"       {checks.name}: what became of the requests for them: {dict(self.deposits.seen)}")
        checks.check(self.server.end(signal.SIGINT) == 0, "SIGINT ends the server with 0")
        checks.folder(self.server, compared)
        return report

    def close(self):
        if self.deposits:
            self.deposits.abandon()
        if self.load:
            self.load.close()
        self.server.close()


def kills(checks, kassa, folder, seed, count=20):
    """kill -9 at random moments, again and again."""
    chance = random.Random(seed)
    with contextlib.closing(Shop(kassa, folder)) as shop:
        shop.open(seed, seconds=count)
        killed = 0
        while killed < count and not shop.load.is_over():
            time.sleep(chance.uniform(0.2, 0.9))
            shop.server.end(signal.SIGKILL)
            killed += 1
            shop.server.start()
        checks.check(killed == count, f"{killed} of {count} kills under load")
        report = shop.check(checks, paid_min=50 * count, deposits_min=20 * count)
        checks.check(report.get("reconnects", 0) >= count, f"{report.get('reconnects')} connections made again")
        cut = shop.deposits.count("cut")
        checks.check(cut >= count, f"{cut} requests were cut off, at least {count}")


def orderly_ends(checks, kassa, folder, seed, count=3):
    """SIGTERM under load: what was started is answered, the rest refused with 503 or not let in, nothing is cut off."""
    with contextlib.closing(Shop(kassa, folder)) as shop:
        shop.open(seed, seconds=2 * count, clients=32, pause_seconds=0)
        for _ in range(count):
            time.sleep(1)
            # A client that never finishes what it began to send must not hold the server up.
            with socket.create_connection(("127.0.0.1", shop.server.http)) as half_sent:
                half_sent.sendall(b"POST /payment/create_user HTTP/1.1\r\nHost: ")
                started = time.monotonic()
                # At the same moment they mean the same.
                shop.server.send(signal.SIGTERM)
                shop.server.send(signal.SIGHUP)
                status = shop.server.end(signal.SIGINT)
                took = time.monotonic() - started
            checks.check(
                status == 0 and took < 15, f"three signals at once end the server with {status} after {took:.1f} s")
            shop.server.start()
        shop.check(checks, paid_min=50 * count, deposits_min=100 * count)
        seen = dict(shop.deposits.seen)
        checks.check(
            set(seen) <= {"200", "503 stopping", "503 starting", "refused"} and len(seen) > 1,
            f"every request was answered, refused with 503, or not let in: {seen}")


def pauses(checks, kassa, folder, seed):
    """SIGSTOP for three seconds: clients see a pause."""
    with contextlib.closing(Shop(kassa, folder)) as shop:
        shop.open(seed, seconds=5)
        wait_until(lambda: shop.server.checkouts() >= 100, "checkouts are under way", 30)
        shop.server.send(signal.SIGSTOP)
        time.sleep(3)
        shop.server.send(signal.SIGCONT)
        report = shop.check(checks, paid_min=100, deposits_min=100)
        longest = report.get("latency_microseconds", {}).get("max", 0) / 1e6
        checks.check(longest > 2.5, f"the longest answer took {longest:.1f} s: the pause was seen")
        seen = dict(shop.deposits.seen)
        checks.check(set(seen) == {"200"}, f"nothing but answers came of it: {seen}")


def failing_log(checks, kassa, folder, seed, rule):
    """The log cannot be written any more: nothing is acknowledged until a new process has read it again."""
    with contextlib.closing(Shop(kassa, folder)) as shop:
        server = shop.server
        server.fail_disk()
        # Longer than it takes until the next server serves.
        shop.open(seed, seconds=14)
        time.sleep(1.2)
        server.fail_disk(rule)
        wait_until(lambda: server.ask("/livez")[0] == 503, "/livez reports the failed log", 10)
        failed = time.monotonic()
        alive = server.ask("/livez")[1].strip()
        checks.check("only a restart helps" in alive, f"/livez: {alive}")
        said = server.ask("/readyz")[1].strip().replace("\n", "; ")
        checks.check("log" in said, f"/readyz: {said}")
        status, body = server.ask("/orders/create/1", server.http, "POST")
        checks.check(status == 503 and '"log_failed"' in body,
                     f"a write is answered with {status}: {body.strip()[:80]}")
        wait_until(lambda: shop.deposits.count("503 log_failed") >= 16, "the clients learn of the failed log", 10)
        shop.deposits.may_ask.clear()
        time.sleep(0.5)
        before, made = shop.deposits.credits(), dict(shop.deposits.accounts)
        status, took = server.wait(), time.monotonic() - failed
        checks.check(status == DISK_FAILED and 3 < took < 9, f"it ends by itself with {status} after {took:.1f} s")
        last = server.logged().strip().splitlines()[-1]
        checks.check("start again" in last, f"the log's last line: {last}")
        server.launch()
        status = server.wait()
        # With 1 where it cannot even open the folder.
        checks.check(status in (1, DISK_FAILED), f"while the disk fails, the next server ends with {status}, too")
        server.fail_disk()
        server.start()
        # At the failure each client had one deposit under way: it may be there or not, but for good.
        after = shop.deposits.credits()
        wrong = [f"{user} made {made[user]}, read {before[user]}, then {after[user]}" for user in made
                 if not made[user] <= after[user] <= made[user] + 1
                 or (isinstance(before[user], int) and not made[user] <= before[user] <= after[user])
                 or (isinstance(before[user], str) and '"log_failed"' not in before[user])]
        answered = sum(isinstance(credit, int) for credit in before.values())
        checks.check(not wrong,
                     f"{answered} of 16 reads were answered, and what they showed stays {'; '.join(wrong)[:300]}")
        shop.deposits.may_ask.set()
        shop.check(checks, paid_min=100, deposits_min=100)
        seen = dict(shop.deposits.seen)
        checks.check(
            set(seen) <= {"200", "503 log_failed", "504 outcome_unknown", "503 starting", "refused", "cut"},
            f"nobody got any other answer: {seen}")


def failing_store(checks, kassa, folder, seed, rule, is_final):
    """The store cannot be written. Without room checkpoints fail, checkouts continue, and with room again it catches up by
    itself. After a failed sync nothing of it is trusted, and a new process has to read the file again."""
    with contextlib.closing(Shop(kassa, folder, "--checkpoint-interval", "100ms")) as shop:
        server = shop.server
        server.fail_disk()
        # Longer than it takes until the next server serves, if one has to.
        shop.open(seed, seconds=14 if is_final else 4)
        time.sleep(1)
        server.fail_disk(rule)
        failures, checkpoints = "kassa_partition_checkpoint_failures_total", "kassa_partition_checkpoints_total"
        wait_until(lambda: server.metric(failures) >= 10, "checkpoints fail", 10)
        if is_final:
            status, said = server.ask("/readyz")
            checks.check(status == 503 and "store" in said, f"/readyz: {status} {said.strip()}")
            status = server.wait()
            checks.check(status == DISK_FAILED, f"it ends by itself with {status}")
            server.fail_disk()
            server.start()
        else:
            failing, before = time.monotonic(), server.metric("kassa_partition_entries_applied_total")
            time.sleep(1.5)
            applied = server.metric("kassa_partition_entries_applied_total") - before
            checks.check(applied > 100, f"{applied:.0f} entries were applied while the store was not written")
            age, failed = server.oldest_checkpoint(), time.monotonic() - failing
            checks.check(age >= 1.5, f"the oldest checkpoint is {age:.1f} s old after {failed:.1f} s of failures")
            server.fail_disk()
        written = server.metric(checkpoints)
        wait_until(lambda: server.metric(checkpoints) >= written + 24, "checkpoints continue", 20)
        wait_until(lambda: server.oldest_checkpoint() < 1, "no checkpoint is old any more", 20)
        shop.check(checks, paid_min=100, deposits_min=100)


def inspections(checks, kassa, folder, seed, count=4):
    """`kassa inspect` beside a server whose checkpoints land and whose log is trimmed all the while: it shows what the
    clients had been answered by then."""
    with contextlib.closing(Shop(kassa, folder, "--checkpoint-interval", "50ms", retention="trim")) as shop:
        shop.open(seed, seconds=2 + count)
        tallies = {"user": (shop.deposits, "deposited"), "item": (Deliveries(shop.server), "received"),
                   "order": (Cartloads(shop.server), None)}
        wait_until(lambda: shop.server.checkouts() >= 100, "checkouts are under way", 30)
        wrong, seen, partitions = [], collections.Counter(), {}
        for turn in range(count):
            for kind, (tally, field) in tallies.items():
                account = list(tally.accounts)[turn % len(tally.accounts)]
                before = tally.accounts[account]
                said = inspected(shop.server, kind, account)
                after = tally.accounts[account] + 1
                shown = fields(said)[field] if field else units_of(said)
                seen[kind] += shown > 0
                if not before <= shown <= after:
                    wrong.append(f"{kind} {account}: {shown}, not {before}…{after}")
                if kind == "item" and sum(fields(said)[name] for name in ("available", "held", "sold")) != shown:
                    wrong.append(f"item {account}: {said}")
            for name in ("orders-0", "stock-3", "payments-7"):
                said = inspected(shop.server, "partition", name)
                found = [int(line.rsplit(" ", 1)[1]) for line in said.splitlines() if " through offset " in line]
                stored, logged = found
                if "running" not in said or not partitions.get(name, [-1, -1])[1] <= logged or stored > logged:
                    wrong.append(f"partition {name}: {said}, before that {partitions.get(name)}")
                partitions[name] = found
        checks.check(not wrong, f"{4 * count} inspections show what is there {'; '.join(wrong)[:600]}")
        checks.check(all(seen[kind] >= count // 2 for kind in tallies), f"there was something to show: {dict(seen)}")
        for tally, _ in list(tallies.values())[1:]:
            tally.finish()
            checks.check(not tally.wrong_accounts(), f"{sum(tally.accounts.values())} {tally.what}, each once")
        shop.check(checks, paid_min=100, deposits_min=100, compared="")


def small_bounds(checks, kassa, folder, seed, options, minimum):
    """Bounds so small that they are reached all the time: what is refused with 503 is taken later, what left memory is
    loaded again, and nothing is lost or done twice."""
    with contextlib.closing(Shop(kassa, folder, "--checkpoint-interval", "100ms", *options)) as shop:
        shop.open(seed, seconds=4, load_options=("--users", "200", "--items", "200"), clients=32, pause_seconds=0)
        time.sleep(3)
        names = ("loads", "evictions", "checkpoints")
        seen = {name: shop.server.metric(f"kassa_partition_{name}_total") for name in names}
        seen["503 overloaded"] = shop.deposits.count("503 overloaded")
        resident = shop.server.metric("kassa_partition_resident_entities")
        checks.check(all(seen[what] >= least for what, least in minimum.items()),
                     f"the bounds were reached, at least {minimum}: {seen}; {resident:.0f} entities are in memory")
        shop.check(checks, paid_min=20, deposits_min=100)
        refused = {what for what in shop.deposits.seen if what not in ("200", "503 overloaded")}
        checks.check(not refused, f"nothing but that was answered: {dict(shop.deposits.seen)}")


def inspected(server, kind, name):
    """What `kassa inspect` says of one thing."""
    done = subprocess.run([server.kassa, "inspect", "--data", server.data, kind, name], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise DrillFailure(f"kassa inspect {kind} {name}: {done.returncode} {done.stderr}")
    return done.stdout


def fields(said):
    """The numbers of an inspection by their names."""
    pairs = (line.split() for line in said.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) >= 2 and pair[1].isdecimal()}


def units_of(said):
    """The units in the cart of an inspected order."""
    return sum(int(line.split()[0]) for line in said.splitlines() if " × " in line)
