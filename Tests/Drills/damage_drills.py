"""Drills of damaged files: what can be noticed is refused or stopped and named; what the log can repair is repaired."""
import collections
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess

from boot_drills import refused, sown
from checks import wait_until
from deposits import Deposits
from processes import Server


def audit(kassa, data):
    """What `kassa verify` says: its exit status, its report, its complaints."""
    verify = subprocess.run([kassa, "verify", data], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    return verify.returncode, verify.stdout, verify.stderr


def counted(report):
    """The lines of a report that count what is there."""
    return [line for line in report.splitlines() if line.startswith(("entities", "checkouts"))]


@contextlib.contextmanager
def edited(data, name):
    """One of a folder's databases, for changes behind the program's back; all of it in its main file then, and the
    folder says so, also after kill -9."""
    database = sqlite3.connect(os.path.join(data, name))
    try:
        with database:
            yield database
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()
    path = os.path.join(data, "FORMAT")
    with open(path, encoding="ascii") as file:
        known = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(known.replace("state=running", "state=complete"))


def damages(checks, kassa, folder, seed):
    """Each kind of damage is done to a copy of the same folder."""
    origin = sown(kassa, folder, seed)
    origin.close()
    status, whole, complaints = audit(kassa, origin.data)
    checks.check(status == 0, f"the folder is sound before any damage {complaints[-300:]}")
    for number, damage in enumerate((garbled_record, lost_row, lost_write_ahead_log, cut_store, lost_end_of_log)):
        place = os.path.join(folder, f"copy{number}")
        shutil.copytree(origin.data, os.path.join(place, "data"))
        with contextlib.closing(Server(kassa, place, "--event-log-retention", "keep")) as server:
            damage(checks, server, whole)


def checkouts_around(checks, server, partition):
    """A checkout that needs the stopped partition holds nothing up: it is refused before it reserves a unit."""
    def post(path):
        status, body = server.ask(path, server.http, "POST")
        return status, json.loads(body)

    item = next(body["item_id"] for status, body in (post("/stock/item/create/5") for _ in range(64)) if status == 200)
    post(f"/stock/add/{item}/1000")
    paid, refused = 0, collections.Counter()
    for number in range(48):
        status, user = post("/payment/create_user")
        buyer = user["user_id"] if status == 200 else str(number)
        post(f"/payment/add_funds/{buyer}/100")
        status, order = post(f"/orders/create/{buyer}")
        if status != 200 or post(f"/orders/addItem/{order['order_id']}/{item}/1")[0] != 200:
            continue
        status, body = post(f"/orders/checkout/{order['order_id']}")
        paid += status == 200
        if status != 200:
            refused[f"{status} {body['code']}"] += 1
    stock = json.loads(server.ask(f"/stock/find/{item}", server.http)[1])["stock"]
    checks.check(
        paid > 0 and stock == 1000 - paid and set(refused) <= {"503 partition_stopped", "503 partition_unserved",
                                                                "400 unknown_user", "400 out_of_credit"},
        f"with {partition} stopped {paid} checkouts took {1000 - stock} units; others: {dict(refused)}")


def garbled_record(checks, server, _):
    """One record of one partition is garbage: that partition stops and says so, the others serve."""
    with edited(server.data, "log.sqlite") as log:
        place, offset = log.execute("SELECT partition, offset FROM records ORDER BY sequence DESC LIMIT 1").fetchone()
        log.execute("UPDATE records SET body = x'ffffffffffffffff00' WHERE partition = ? AND offset = ?",
                    (place, offset))
    server.launch()
    wait_until(lambda: server.is_over() or server.ask("/startupz")[0] == 200, "the replay ends", 30)
    status, said = server.ask("/readyz")
    partition = said.split(" ")[0]
    checks.check(status == 503 and f"{partition} is stopped at offset {offset}" in said and len(said.splitlines()) == 1,
                 f"a garbled record: /readyz: {status} {said.strip()[:200]}")
    users = [server.ask("/payment/create_user", server.http, "POST") for _ in range(24)]
    orders = [server.ask(f"/orders/create/{number}", server.http, "POST") for number in range(24)]
    served = sum(status == 200 for status, _ in users + orders)
    stopped = sum(status == 503 and '"partition_stopped"' in body for status, body in users + orders)
    checks.check(served >= 24 and served + stopped == 48,
                 f"{served} requests of other partitions served, {stopped} refused")
    checkouts_around(checks, server, partition)
    checks.check(server.end() == 0, "with a stopped partition SIGTERM ends the server with 0")
    status, _, complaints = audit(server.kassa, server.data)
    checks.check(status == 1 and f"{partition} stops at offset {offset}" in complaints,
                 f"kassa verify names the record: {complaints.strip().splitlines()[-1][:200]}")
    inspect = subprocess.run([server.kassa, "inspect", "partition", partition, "--data", server.data],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    checks.check(f"stopped at offset {offset}" in inspect.stdout, f"kassa inspect: {inspect.stdout.splitlines()[:1]}")


def lost_row(checks, server, _):
    """The drills' own check: a row that vanishes from the store behind the server's back is found."""
    server.start()
    server.end()
    with edited(server.data, "store.sqlite") as store:
        row = store.execute("SELECT partition, kind, key FROM entities ORDER BY kind LIMIT 1").fetchone()
        store.execute("DELETE FROM entities WHERE partition = ? AND kind = ? AND key = ?", row)
    status, report, complaints = audit(server.kassa, server.data)
    checks.check(status == 1 and "NOT SOUND" in report,
                 f"a row that was deleted by hand is found: {complaints.strip().splitlines()[-1][:200]}")


def lost_write_ahead_log(checks, server, whole):
    """The newest checkpoints are gone: an older one and the log lead to the same."""
    path = os.path.join(server.data, "store.sqlite-wal")
    was = os.path.getsize(path)
    os.truncate(path, was // 3)
    server.start()
    checks.check(server.end() == 0, f"a store whose {was} bytes of newest checkpoints were cut to a third is repaired")
    status, report, complaints = audit(server.kassa, server.data)
    checks.check(status == 0 and counted(report) == counted(whole) and "24 partitions compared" in report,
                 f"nothing is missing then: {counted(report)} {complaints[-300:]}")


def cut_store(checks, server, _):
    """The store's file is cut off: refused, and left as it is."""
    with edited(server.data, "store.sqlite"):
        pass
    path = os.path.join(server.data, "store.sqlite")
    os.truncate(path, os.path.getsize(path) // 2)
    refused(checks, server, "half a store", "store.sqlite", files=["FORMAT", "store.sqlite"])
    os.truncate(path, 0)
    refused(checks, server, "an empty store", "store.sqlite", files=["FORMAT", "store.sqlite"])


def lost_end_of_log(checks, server, _):
    """The store is ahead of the log: they are not of the same moment."""
    server.start()
    server.end()
    with edited(server.data, "log.sqlite") as log:
        last = log.execute("SELECT max(sequence) FROM records").fetchone()[0]
        log.execute("DELETE FROM records WHERE sequence > ?", (last - 200,))
        log.execute("DELETE FROM marks WHERE sequence > ?", (last - 200,))
    # What stands in the write-ahead log is copied into the file with the next opening, whatever becomes of it.
    with edited(server.data, "store.sqlite"):
        pass
    refused(checks, server, "a log without its end", "log.sqlite", "same backup",
            files=["FORMAT", "store.sqlite"])
    status, _, complaints = audit(server.kassa, server.data)
    checks.check(status == 1, f"kassa verify finds it: {complaints.strip().splitlines()[-1][:200]}")


def lost_deposit(checks, kassa, folder, _):
    """The drills' own check: an acknowledged deposit that is cut from the log behind the server's back is missed, and
    one that was made twice is seen."""
    with contextlib.closing(Server(kassa, folder, "--checkpoint-interval", "1h")) as server:
        server.start()
        deposits = Deposits(server, clients=4)
        wait_until(lambda: deposits.count("200") >= 40, "some deposits are made", 20)
        deposits.finish()
        checks.check(not deposits.wrong_accounts(), "all deposits are there")
        server.end(signal.SIGKILL)
        with edited(server.data, "log.sqlite") as log:
            log.execute("DELETE FROM records WHERE sequence = (SELECT max(sequence) FROM records)")
        server.start()
        wrong = deposits.wrong_accounts()
        # The newest record has the deposits of one turn: on a busy machine more than one.
        checks.check(1 <= len(wrong) < len(deposits.accounts), f"what was cut from the log is missed: {wrong}")
        twice = next(user for user in deposits.accounts if not any(user in one for one in wrong))
        server.ask(f"/payment/add_funds/{twice}/1", server.http, "POST")
        checks.check(len(deposits.wrong_accounts()) == len(wrong) + 1, "a deposit that was made twice is seen")


def deleted_folder(checks, kassa, folder, seed):
    """The data folder is deleted under the server: nothing is acknowledged any more, and /readyz says so."""
    del seed
    server = Server(kassa, folder)
    try:
        server.start()
        before = server.ask("/payment/create_user", server.http, "POST")[0]
        shutil.rmtree(server.data)
        statuses = [server.ask("/payment/create_user", server.http, "POST")[0] for _ in range(20)]
        checks.check(before == 200 and 200 not in statuses, f"before: {before}, then: {sorted(set(statuses))}")
        status, said = server.ask("/readyz")
        checks.check(status == 503 and "deleted" in said, f"/readyz: {status} {said.strip()[:160]}")
        code = server.end()
        checks.check(code == 74, f"SIGTERM ends the server with 74, as its log has failed: {code}")
    finally:
        server.close()
