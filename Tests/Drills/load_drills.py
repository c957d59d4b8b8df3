"""Drills under load: whatever happens to the server, its clients lose nothing and pay nothing twice."""
import random
import signal
import time

from processes import Callers, Load, Server, wait_until

WHOLE_LOG = ("--event-log-retention", "keep")


def kills(checks, kassa, folder, seed, count=20):
    """kill -9 at random moments, again and again."""
    chance = random.Random(seed)
    server = Server(kassa, folder, *WHOLE_LOG)
    load = None
    try:
        server.start()
        load = Load(server, seconds=count, seed=seed)
        killed = 0
        while killed < count and not load.is_over():
            time.sleep(chance.uniform(0.2, 0.9))
            server.end(signal.SIGKILL)
            killed += 1
            server.start()
        checks.check(killed == count, f"{killed} of {count} kills under load")
        report = checks.load(load, paid_min=50 * count)
        checks.check(report.get("reconnects", 0) >= count, f"{report.get('reconnects')} connections made again")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server)
    finally:
        close(load, server)


def orderly_ends(checks, kassa, folder, seed, count=3):
    """SIGTERM under load: the server ends by itself, with 0, and the next one goes on."""
    server = Server(kassa, folder, *WHOLE_LOG)
    load = None
    try:
        server.start()
        load = Load(server, seconds=2 * count, seed=seed)
        for _ in range(count):
            callers = Callers(server)
            time.sleep(1)
            started = time.monotonic()
            status = server.end(signal.SIGTERM)
            took = time.monotonic() - started
            callers.end()
            checks.check(not callers.lost and set(callers.statuses) <= {200, 503} and callers.statuses[200] >= 100,
                         f"16 callers got {dict(callers.statuses)}, and lost {callers.lost or 'nothing'}")
            checks.check(status == 0 and took < 15, f"SIGTERM ends the server with {status} after {took:.1f} s")
            server.start()
        checks.load(load, paid_min=50 * count)
        checks.check(server.end(signal.SIGINT) == 0, "SIGINT ends the server with 0")
        checks.folder(server)
    finally:
        close(load, server)


def pauses(checks, kassa, folder, seed):
    """SIGSTOP for three seconds: clients see a pause."""
    server = Server(kassa, folder, *WHOLE_LOG)
    load = None
    try:
        server.start()
        load = Load(server, seconds=6, seed=seed)
        time.sleep(2)
        server.send(signal.SIGSTOP)
        time.sleep(3)
        server.send(signal.SIGCONT)
        report = checks.load(load, paid_min=100)
        longest = report.get("latency_microseconds", {}).get("max", 0) / 1e6
        checks.check(longest > 2.5, f"the longest answer took {longest:.1f} s: the pause was seen")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server)
    finally:
        close(load, server)


def failing_log(checks, kassa, folder, seed, rule):
    """The log cannot be written any more: nothing is acknowledged until a new process has read it again."""
    server = Server(kassa, folder, *WHOLE_LOG)
    load = None
    try:
        server.fail_disk()
        server.start()
        load = Load(server, seconds=4, seed=seed)
        time.sleep(1.5)
        server.fail_disk(rule)
        wait_until(lambda: server.ask("/readyz")[0] == 503, "/readyz tells of the failed log", 10)
        said = server.ask("/readyz")[1].strip().replace("\n", "; ")
        checks.check("log" in said, f"/readyz: {said}")
        status, body = server.ask("/orders/create/1", server.http, "POST")
        checks.check(status == 503, f"a write is answered with {status}: {body.strip()[:160]}")
        server.fail_disk()
        time.sleep(0.3)
        checks.check(server.ask("/readyz")[0] == 503, "it stays so: nobody knows what the disk holds")
        server.end(signal.SIGKILL)
        server.start()
        checks.load(load, paid_min=100)
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server)
    finally:
        close(load, server)


def failing_store(checks, kassa, folder, seed, rule, is_final):
    """The store cannot be written. Without room checkpoints fail, checkouts go on, and with room again it catches up by
    itself. After a failed sync nothing of it is trusted, and a new process has to read the file again."""
    server = Server(kassa, folder, *WHOLE_LOG, "--checkpoint-interval", "100ms")
    load = None
    try:
        server.fail_disk()
        server.start()
        load = Load(server, seconds=5, seed=seed)
        time.sleep(1)
        server.fail_disk(rule)
        failures, checkpoints = "kassa_partition_checkpoint_failures_total", "kassa_partition_checkpoints_total"
        wait_until(lambda: server.metric(failures) >= 10, "checkpoints fail", 10)
        if is_final:
            status, said = server.ask("/readyz")
            checks.check(status == 503 and "store" in said, f"/readyz: {status} {said.strip()}")
            server.fail_disk()
            server.end(signal.SIGKILL)
            server.start()
        else:
            before = server.metric("kassa_partition_entries_applied_total")
            time.sleep(0.5)
            applied = server.metric("kassa_partition_entries_applied_total") - before
            checks.check(applied > 100, f"{applied:.0f} entries were applied while the store was not written")
            server.fail_disk()
        written = server.metric(checkpoints)
        wait_until(lambda: server.metric(checkpoints) >= written + 24, "checkpoints go on", 20)
        checks.load(load, paid_min=100)
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server)
    finally:
        close(load, server)


def close(load, server):
    if load:
        load.close()
    server.close()
