"""Drills of the start: a folder or an address that cannot be used is refused with a sentence, and stays as it is."""
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile

from processes import Load, Server, wait_until


def sown(kassa, folder, seed):
    """A folder with some orders in it, left by kill -9, so that it has everything: records, checkpoints, a rest."""
    server = Server(kassa, folder, "--event-log-retention", "keep")
    server.start()
    load = Load(server, seconds=1, seed=seed)
    load.report()
    server.end(signal.SIGKILL)
    return server


def refused(checks, server, what, *words, files=None):
    """The server does not start; what it says has the words in it; the files, all by default, stay as they were."""
    before = snapshot(server.data, files)
    said_before = os.path.getsize(server.journal.name)
    server.launch()
    try:
        status = server.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        status = None
        server.end(signal.SIGKILL)
    with open(server.journal.name, encoding="utf-8", errors="replace") as journal:
        journal.seek(said_before)
        said = journal.read().strip()
    checks.check(status == 1 and all(word in said for word in words), f"{what} is refused: {said[:220]}")
    checks.check(snapshot(server.data, files) == before, f"{what}: the folder stays as it was")


def snapshot(data, files):
    """The files with their sizes; SQLite's shared memory and the lock come and go."""
    names = files or [name for name in os.listdir(data) if not name.endswith("-shm") and name != "LOCK"]
    return sorted((name, os.path.getsize(os.path.join(data, name))) for name in names)


def refusals(checks, kassa, folder, seed):
    """Second process, ports in use, other formats, halves of a folder."""
    server = sown(kassa, folder, seed)
    server.start()
    second = Server(kassa, tempfile.mkdtemp(dir=folder))
    second.data = server.data
    refused_second(checks, second, server.process.pid)
    taken = Server(kassa, tempfile.mkdtemp(dir=folder))
    for name in ("http", "operator"):
        free = getattr(taken, name)
        setattr(taken, name, getattr(server, name))
        refused_port(checks, taken, name)
        setattr(taken, name, free)
    checks.check(server.is_ready(), "the first server is ready all the while")
    checks.check(server.end() == 0, "SIGTERM ends the first server with 0")

    server.options = ("--partitions", "4")
    refused(checks, server, "another number of partitions", "8")
    server.options = ()
    format_file = os.path.join(server.data, "FORMAT")
    with open(format_file, "rb") as file:
        known = file.read()
    for text, what, word in ((known.replace(b"1", b"99", 1), "a newer format", "99"),
                             (b"\xff\xfe", "a garbled FORMAT", "backup"), (b"", "an empty FORMAT", "backup")):
        with open(format_file, "wb") as file:
            file.write(text)
        refused(checks, server, what, word)
    with open(format_file, "wb") as file:
        file.write(known)

    for name in ("store.sqlite", "log.sqlite"):
        path = os.path.join(server.data, name)
        os.rename(path, path + ".away")
        refused(checks, server, f"a folder without {name}", name)
        os.rename(path + ".away", path)
    path = os.path.join(server.data, "store.sqlite")
    with open(path, "rb") as file:
        whole = file.read()
    with open(path, "wb") as file:
        file.write(b"not a database at all" * 300)
    # The log was opened, and its own write-ahead log copied, before the store was looked at.
    refused(checks, server, "a store that is no database", "store.sqlite", files=["FORMAT", "store.sqlite"])
    with open(path, "wb") as file:
        file.write(whole)
    server.start()
    checks.check(server.end() == 0, "with everything back in its place the server starts and ends")
    for one in (server, second, taken):
        one.close()


def refused_second(checks, second, pid):
    second.launch()
    status = second.process.wait(timeout=20)
    said = second.told().strip()
    checks.check(status == 1 and str(pid) in said, f"a second process is refused: {said[:200]}")


def refused_port(checks, server, name):
    server.launch()
    status = server.process.wait(timeout=20)
    checks.check(status == 1 and "in use" in server.told().lower(),
                 f"a taken {name} port is refused: {server.told().strip().splitlines()[-1][:200]}")


def garbled_record(checks, kassa, folder, seed):
    """One record of one partition is garbage: that partition stops and says so, the others serve."""
    server = sown(kassa, folder, seed)
    with sqlite3.connect(os.path.join(server.data, "log.sqlite")) as log:
        partition, offset = log.execute(
            "SELECT partition, offset FROM records ORDER BY sequence DESC LIMIT 1").fetchone()
        log.execute("UPDATE records SET body = x'ffffffffffffffff00' WHERE partition = ? AND offset = ?",
                    (partition, offset))
    log.close()
    server.launch()
    try:
        wait_until(lambda: server.ask("/startupz")[0] == 200, "the replay ends", 30)
        status, said = server.ask("/readyz")
        checks.check(status == 503 and str(offset) in said, f"/readyz: {status} {said.strip()[:200]}")
        statuses = [server.ask("/payment/create_user", server.http, "POST")[0] for _ in range(24)]
        created = [server.ask(f"/orders/create/{number}", server.http, "POST")[0] for number in range(24)]
        served, turned_away = (statuses + created).count(200), (statuses + created).count(503)
        checks.check(served >= 24 and served + turned_away == 48,
                     f"{served} requests of other partitions served, {turned_away} refused")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        verify = subprocess.run([kassa, "verify", server.data], capture_output=True, text=True, check=False)
        checks.check(verify.returncode != 0 and str(offset) in verify.stdout + verify.stderr,
                     f"kassa verify names the record: {(verify.stdout + verify.stderr).strip()[-300:]}")
    finally:
        server.close()


def planted_loss(checks, kassa, folder, seed):
    """The drills' own check: a paid order that vanishes from the store, or a unit from an item, is found."""
    server = sown(kassa, folder, seed)
    server.start()
    server.end()
    server.close()
    path = os.path.join(server.data, "store.sqlite")
    with sqlite3.connect(path) as store:
        row = store.execute("SELECT partition, kind, key FROM entities ORDER BY kind LIMIT 1").fetchone()
        store.execute("DELETE FROM entities WHERE partition = ? AND kind = ? AND key = ?", row)
    store.close()
    verify = subprocess.run([kassa, "verify", server.data], capture_output=True, text=True, check=False)
    checks.check(verify.returncode == 1 and "NOT SOUND" in verify.stdout,
                 f"a row that was deleted by hand is found: {verify.stderr.strip().splitlines()[-1][:200]}")
