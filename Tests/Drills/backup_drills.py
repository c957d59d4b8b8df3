"""Drills of backups: a copy that is made under load brings back everything that was answered before it began."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading

from boot_drills import refused
from checks import Load, ask, wait_until
from deposits import Deposits
from processes import Server
from request_drills import created, posted

COMMAND_SECONDS_MAX = 120


def command(kassa, *arguments):
    """A command's exit status, what it said, what it complained."""
    done = subprocess.run([kassa, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=COMMAND_SECONDS_MAX, check=False)
    return done.returncode, done.stdout, done.stderr


class Buyers:
    """Each buys one unit at 3 with its own order, again and again, and notes what was answered."""

    def __init__(self, server, clients=4):
        self.server = server
        self.user = created(server, "/payment/create_user", "user_id")
        self.item = created(server, "/stock/item/create/3", "item_id")
        posted(server, f"/payment/add_funds/{self.user}/3000000")
        posted(server, f"/stock/add/{self.item}/1000000")
        # Orders whose checkout was answered with 200.
        self.paid = []
        self.is_ending = False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.is_ending:
            answers = self.buy()
            if answers is None:
                return

    def buy(self):
        """Buys once; None when the server is gone."""
        status, body = ask(self.server.http, f"/orders/create/{self.user}", "POST")
        if status != 200:
            return None
        order = json.loads(body)["order_id"]
        for path in (f"/orders/addItem/{order}/{self.item}/1", f"/orders/checkout/{order}"):
            if ask(self.server.http, path, "POST")[0] != 200:
                return None
        self.paid.append(order)
        return order

    def finish(self):
        self.is_ending = True
        for thread in self.threads:
            thread.join(60)

    def missing(self, orders):
        """Those of some orders that are not there as paid."""
        return [order for order in orders
                if json.loads(ask(self.server.http, f"/orders/find/{order}")[1] or "{}").get("paid") is not True]


def machine_lost(checks, kassa, folder, seed):
    """A backup under load, then kill -9 and the folder is gone: what was answered before the backup is all there."""
    target = os.path.join(folder, "backup")
    with contextlib.closing(Server(kassa, folder, "--checkpoint-interval", "50ms")) as server:
        server.start()
        early = created(server, "/payment/create_user", "user_id")
        posted(server, f"/payment/add_funds/{early}/5", key="early")
        load, deposits, buyers = Load(server, 60, seed), Deposits(server), Buyers(server)
        try:
            wait_until(lambda: len(buyers.paid) >= 50 and server.checkouts() >= 300, "checkouts are under way", 60)
            # Checkpoints land all the while. The second one is restored.
            backed_up(checks, server, os.path.join(folder, "first"))
            paid, made = list(buyers.paid), dict(deposits.accounts)
            backed_up(checks, server, target)
            made_then, paid_then = dict(deposits.accounts), len(buyers.paid)
            posted(server, f"/payment/add_funds/{early}/7", key="late")
            served_on(checks, server, target, buyers)
        finally:
            server.end(signal.SIGKILL)
            load.close()
            deposits.abandon()
            buyers.finish()
        shutil.rmtree(server.data)
        restored(checks, server, target)
        server.start()
        kept = deposits.credits()
        wrong = [f"{user}: {made[user]}…{made_then[user] + 1}, not {kept[user]}" for user in made
                 if not isinstance(kept[user], int) or not made[user] <= kept[user] <= made_then[user] + 1]
        checks.check(not wrong and sum(made.values()) > 0,
                     f"{sum(made.values())} deposits from before the backup are there {wrong[:3]}")
        missing = buyers.missing(paid)
        checks.check(not missing, f"{len(paid)} orders from before it are paid, {len(missing)} are not")
        later = buyers.paid[paid_then + 8:]
        checks.check(len(later) > 0 and len(buyers.missing(later)) == len(later),
                     f"{len(later)} orders from after it are not there, as was said")
        keys_hold(checks, server, early)
        # It goes on: its own load finds stock and money conserved.
        again = Load(server, 2, seed + 1)
        try:
            checks.load(again, paid_min=50)
        finally:
            again.close()
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server)


def quiet_copy(checks, kassa, folder, _seed):
    """A copy of a quiet shop's FORMAT and databases without their write-ahead logs is refused; the shop itself starts
    after kill -9, and its backup is whole."""
    server = Server(kassa, folder)
    server.start()
    user = created(server, "/payment/create_user", "user_id")
    for number in range(40):
        posted(server, f"/payment/add_funds/{user}/1", key=f"deposit-{number}")
    os.makedirs(os.path.join(folder, "copy", "data"))
    copy = Server(kassa, os.path.join(folder, "copy"))
    for name in ("FORMAT", "log.sqlite", "store.sqlite"):
        shutil.copy(os.path.join(server.data, name), copy.data)
    words = (copy.data, "lacks log.sqlite-wal and store.sqlite-wal", "kassa backup")
    status, said, complaints = command(kassa, "verify", copy.data)
    checks.check(status == 1 and "sound" not in said and all(word in complaints for word in words),
                 f"kassa verify refuses the copy: {status} {said[:80]}{complaints.strip()[-300:]}")
    refused(checks, copy, "a copy without the newest changes", *words)
    backed_up(checks, server, os.path.join(folder, "backup"))
    server.end(signal.SIGKILL)
    server.start()
    credit = json.loads(ask(server.http, f"/payment/find_user/{user}")[1])["credit"]
    checks.check(credit == 40, f"after kill -9 the shop has its deposits: {credit}")
    checks.check(server.end() == 0, "SIGTERM ends the server with 0")
    names = sorted(os.listdir(server.data))
    with open(os.path.join(server.data, "FORMAT"), encoding="ascii") as file:
        checks.check("state=complete" in file.read() and not any(name.endswith("-wal") for name in names),
                     f"then the databases have everything: {names}")
    checks.folder(server)
    copy.close()
    server.close()


def backed_up(checks, server, target):
    """A backup beside the server; it finds its copy sound."""
    status, said, complaints = command(server.kassa, "backup", "--data", server.data, target)
    checks.check(status == 0 and "sound\n" in said and os.path.isfile(os.path.join(target, "FORMAT")),
                 f"kassa backup under load: {' / '.join(said.splitlines()[:2])}{complaints[-300:] if status else ''}")


def killed_backup(server, target):
    """Begins a backup and kills it; whether it was killed before it was made."""
    with subprocess.Popen([server.kassa, "backup", "--data", server.data, target], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: os.path.exists(target + ".partial") or process.poll() is not None, "it begins", 10, every=0)
        process.kill()
    return not os.path.exists(target)


def served_on(checks, server, target, buyers):
    """The shop does not suffer, and nothing is overwritten."""
    before = len(buyers.paid)
    wait_until(lambda: len(buyers.paid) >= before + 20, "the shop continues after the backup", 30)
    # If the copy was made before the signal came, another one is started.
    lefts = (os.path.join(os.path.dirname(target), f"left{number}") for number in range(20))
    left = next((name for name in lefts if killed_backup(server, name)), "none")
    checks.check(os.path.isdir(left + ".partial") and not os.path.exists(left), "a backup that is killed has no name")
    for arguments, words in (
            (("backup", "--data", server.data, target), "is not empty"),
            (("restore", target, server.data), "is used by another process"),
            (("restore", left + ".partial", left), "holds no Kassa data")):
        status, _, complaints = command(server.kassa, *arguments)
        checks.check(status == 1 and words in complaints, f"kassa {arguments[0]} is refused: {complaints.strip()[-160:]}")


def restored(checks, server, target):
    status, said, complaints = command(server.kassa, "restore", target, server.data)
    is_told = "not in it" in said and f"kassa serve --data {server.data}" in said
    checks.check(status == 0 and "sound\n" in said and is_told,
                 f"kassa restore: {' / '.join(said.splitlines()[-7:-5])}{complaints[-300:] if status else ''}")


def keys_hold(checks, server, user):
    """A key from before the backup gives its answer; one from after it is unknown, as what was done under it."""
    for key, amount in (("early", 5), ("late", 7), ("late", 7)):
        status = posted(server, f"/payment/add_funds/{user}/{amount}", key=key)[0]
        checks.check(status == 200, f"the key {key!r} is answered with {status}")
    credit = json.loads(ask(server.http, f"/payment/find_user/{user}")[1])["credit"]
    checks.check(credit == 12, f"each was done once: {credit}")
