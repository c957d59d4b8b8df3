"""Drills of the servers: brokers, databases and Redis are killed, kept away and emptied while clients are at work."""
import contextlib
import http.client
import json
import os
import signal
import socket
import time

import location  # noqa: F401  pylint: disable=unused-import

import probes
from checks import wait_until
from cluster import Crowd
from keyless import KeylessCrowd

# A broker or a database takes its time to start, and more on a machine that is busy.
START_SECONDS_MAX = 60
# From the moment that a server takes connections again until all clients are answered.
RESUME_PAUSE_MAX = 5.0
# The same of a database that comes back: pods try again every 5 s at most.
DATABASE_RESUME_PAUSE_MAX = 8.0
# A broker of three dies: until its partitions have other leaders, and the pods know. What is on its way to one that
# hangs waits ten seconds longer.
LEADER_PAUSE_MAX = 8.0
SILENCE_PAUSE_MAX = LEADER_PAUSE_MAX + 10
# Two of three brokers hang and resume: they elect a controller and leaders, and members rejoin their groups.
MAJORITY_PAUSE_MAX = 20.0
DRAIN_SECONDS_MAX = 20
# Until all pods have noticed that the broker hangs: a request's deadline, and a little more.
HANG_SECONDS_MAX = 30


def show_waits(checks, what, waits):
    """Prints how long the longest waits were."""
    reported = ", ".join(f"{service} {wait.seconds:.2f} s ({wait.what})" for service, wait in waits.items())
    print(f"       {checks.name}: longest waits, {what}: {reported}", flush=True)


def await_server(cluster, name, pid):
    """Waits until the supervisor has replaced a server that was killed; returns when it took connections again."""
    cluster.wait_for_another(name, pid)
    port = int(cluster.rows()[name]["address"].rsplit(":", 1)[1])
    wait_until(lambda: probes.accepts(port), f"{name} takes connections", START_SECONDS_MAX, every=0.05)
    return time.monotonic()


def resume(checks, cluster, crowd, since, what, pause_max):
    """Waits until each kind of client is answered again; the pause counts from `since`."""
    before = [sum(tally.accounts.values()) for tally in crowd.tallies]
    wait_until(lambda: all(sum(tally.accounts.values()) >= made + len(tally.accounts)
                           for tally, made in zip(crowd.tallies, before)),
               f"all clients continue {what}", START_SECONDS_MAX, every=0.05)
    took = time.monotonic() - since
    cluster.wait_until_settled()
    show_waits(checks, what, crowd.longest_waits())
    checks.check(took <= pause_max or not cluster.is_measured,
                 f"{what}: all clients went on within {took:.2f} s, figure: {pause_max:.0f} s")


def drained(checks, cluster):
    """Everything that changed gets into the stores, and no checkpoint is late."""
    def behind():
        pods = cluster.pods()
        return cluster.metric(pods, "kassa_partition_dirty_entities"), cluster.metric(pods, "kassa_ready")

    wait_until(lambda: behind() == (0, len(cluster.pods())), "all checkpoints are written", DRAIN_SECONDS_MAX,
               reason=lambda: f"dirty, ready: {behind()}", every=0.1)
    checks.check(True, "every change got into the stores")


def broker_restarts(checks, cluster, seed, count=1):
    """kill -9 of the only broker: clients see a pause, as long as it is away and little more."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=8 + 14 * count)) as crowd:
        for _ in range(count):
            time.sleep(1)
            crowd.longest_waits()
            pid = cluster.send("kafka-1", signal.SIGKILL)
            up = await_server(cluster, "kafka-1", pid)
            resume(checks, cluster, crowd, up, "after the restart of the only broker", RESUME_PAUSE_MAX)
        crowd.finish(checks, paid_min=50 * count, additions_min=50 * count)
    drained(checks, cluster)


def broker_hangs(checks, cluster, seed):
    """SIGSTOP of the only broker for longer than a request may take: pods are not ready and say why, and what cannot be
    written is refused at once. When the broker resumes, so do they."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=60)) as crowd:
        time.sleep(1)
        pods, ports = cluster.pods(), cluster.plan().ports
        # Nobody counts its money: of what is asked for it, some may be done later.
        user = json.loads(cluster.ask("/payment/create_user", method="POST")[1])["user_id"]
        crowd.longest_waits()
        pid = cluster.send("kafka-1", signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            wait_until(lambda: all(cluster.ask_pod(pod, "/readyz")[0] == 503 for pod in pods), "no pod is ready",
                       HANG_SECONDS_MAX, reason=lambda: [cluster.ask_pod(pod, "/readyz") for pod in pods], every=0.2)
            took = time.monotonic() - stopped
            reported = {cluster.ask_pod(pod, "/readyz")[1].strip() for pod in pods}
            checks.check(took >= 9 and all("cut off from Kafka" in one for one in reported),
                         f"no pod is ready {took:.1f} s after the broker stopped: {sorted(reported)[0]}")
            alive = [cluster.ask_pod(pod, "/livez")[0] for pod in pods]
            checks.check(set(alive) == {200}, f"a restart would not help: {alive}")
            age = cluster.metric(pods, "kassa_partition_append_age_seconds")
            checks.check(age >= 10, f"the oldest records have waited {age:.0f} s in all")
            path = f"/payment/add_funds/{user}/1"
            for pod in [pod for pod in pods if pod.startswith("payments")]:
                wait_until(lambda port=ports[f"{pod}/http"]: is_refused_at_once(port, path), f"{pod} refuses at once",
                           HANG_SECONDS_MAX)
            checks.check(True, "requests are refused at once, with 503 partition_unserved and Retry-After")
        finally:
            os.kill(pid, signal.SIGCONT)
        resume(checks, cluster, crowd, time.monotonic(), "after a broker that hung", MAJORITY_PAUSE_MAX)
        refused = crowd.seen().get("503 partition_unserved", 0)
        checks.check(refused >= 10, f"{refused} requests of the clients were refused")
        crowd.finish(checks, paid_min=50, additions_min=50)
    drained(checks, cluster)


def is_refused_at_once(port, path):
    """Whether a POST is refused within a second, because of a partition that cannot write."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        began = time.monotonic()
        connection.request("POST", path)
        answer = connection.getresponse()
        body = answer.read()
        return (answer.status == 503 and b'"partition_unserved"' in body and answer.getheader("Retry-After") == "5"
                and time.monotonic() - began < 1)


def one_of_three_brokers(checks, cluster, seed, numbers=(1,), number=signal.SIGKILL):
    """kill -9 or SIGSTOP of one broker of three: a pause until its partitions have other leaders."""
    pause_max = SILENCE_PAUSE_MAX if number == signal.SIGSTOP else LEADER_PAUSE_MAX
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=10 + 16 * len(numbers))) as crowd:
        for broker in numbers:
            time.sleep(1)
            name = f"kafka-{broker}"
            crowd.longest_waits()
            pid = cluster.send(name, number)
            resume(checks, cluster, crowd, time.monotonic(), f"without {name}", pause_max)
            if number != signal.SIGKILL:
                cluster.send(name, signal.SIGKILL)
            await_server(cluster, name, pid)
            resume(checks, cluster, crowd, time.monotonic(), f"with {name} again", LEADER_PAUSE_MAX)
        crowd.finish(checks, paid_min=20 * len(numbers), additions_min=30 * len(numbers))
    drained(checks, cluster)


def two_of_three_brokers(checks, cluster, seed, count=6, seconds=45):
    """SIGSTOP of two brokers of three: nothing can be written, and whatever was acknowledged is there afterwards."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=20 + (seconds + 25) * count)) as crowd:
        for turn in range(count):
            time.sleep(2)
            names = [f"kafka-{1 + (turn + place) % 3}" for place in range(2)]
            crowd.longest_waits()
            pids = [cluster.send(name, signal.SIGSTOP) for name in names]
            try:
                time.sleep(seconds)
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
            back = time.monotonic()
            resume(checks, cluster, crowd, back, f"{' and '.join(names)} stopped for {seconds} s", MAJORITY_PAUSE_MAX)
        crowd.finish(checks, paid_min=20 * count, additions_min=20 * count)
    drained(checks, cluster)


def database_crashes(checks, cluster, seed, services=("stock",)):
    """`pg_ctl -m immediate` of a database: no checkpoint is lost, none is doubled, and the pods find it again."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=6 + 8 * len(services))) as crowd:
        for service in services:
            time.sleep(1)
            pods = cluster.pods(service)
            before = cluster.metric(pods, "kassa_postgres_disconnects_total")
            crowd.longest_waits()
            # The server itself ends with 0; its sessions crash.
            pid = cluster.send(f"postgres-{service}", signal.SIGQUIT, code=0)
            up = await_server(cluster, f"postgres-{service}", pid)
            resume(checks, cluster, crowd, up, f"after the crash of the database of {service}",
                   DATABASE_RESUME_PAUSE_MAX)
            lost = cluster.metric(pods, "kassa_postgres_disconnects_total") - before
            checks.check(lost >= len(pods), f"{lost:.0f} connections to the database of {service} were lost")
        crowd.finish(checks, paid_min=50 * len(services), additions_min=50 * len(services))
    drained(checks, cluster)


def databases_away(checks, cluster, seed, seconds=8):
    """All databases are away: checkouts continue from memory until too much waits for its checkpoint, then changes are
    refused with 503. Once the databases are back, all of it is written, and everything is taken again.

    Keys of idempotency are looked up in the database, so these clients have none.
    """
    cluster.wait_until_settled()
    with contextlib.closing(KeylessCrowd(cluster)) as crowd:
        crowd.buyers.resumed(20)
        pods = cluster.pods()
        crowd.longest_waits()
        cut = sum(cluster.link(pod, "postgres", "cut") for pod in pods)
        checks.check(cut >= 2 * len(pods), f"{cut} connections to databases were cut")
        try:
            paid, began = len(crowd.buyers.done), time.monotonic()
            wait_until(lambda: crowd.newcomers.seen["503 overloaded"] > 0, "changes are refused",
                       seconds + START_SECONDS_MAX, every=0.02)
            took, more = time.monotonic() - began, len(crowd.buyers.done) - paid
            checks.check(took >= 0.5 and more >= 10,
                         f"{more} checkouts, at least 10, in the {took:.1f} s until the first change was refused")
            time.sleep(max(0, seconds - took))
            status, body = cluster.ask(f"/payment/find_user/{crowd.newcomers.done[-1]}")
            checks.check(status == 200, f"what is in memory can be read: {status} {body.strip()[:100]}")
            ready = cluster.metric(pods, "kassa_ready")
            checks.check(ready == len(pods), f"{ready:.0f} pods are ready while they only refuse changes")
        finally:
            for pod in pods:
                cluster.link(pod, "postgres", "open")
        back = time.monotonic()
        resume(checks, cluster, crowd, back, "with the databases back", DATABASE_RESUME_PAUSE_MAX)
        crowd.newcomers.resumed()
        took = time.monotonic() - back
        checks.check(took <= DATABASE_RESUME_PAUSE_MAX or not cluster.is_measured,
                     f"all changes are taken again after {took:.2f} s, figure: {DATABASE_RESUME_PAUSE_MAX:.0f} s")
        crowd.finish(checks, paid_min=40, additions_min=30)
        strange = set(crowd.seen()) - {"200", "503 overloaded"}
        checks.check(not strange, f"each request was answered, or refused with 503 {strange or ''}")
    drained(checks, cluster)


def redis_dies(checks, cluster, seed):
    """Redis is stopped, killed and emptied: prices come from stock, and no client notices."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=9, keyed=False)) as crowd:
        pods = cluster.pods("orders")
        before = cluster.metric(pods, "kassa_redis_losses_total")
        hits = cluster.metric(pods, "kassa_redis_hits_total")
        crowd.longest_waits()
        pid = cluster.send("redis", signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(pid, signal.SIGCONT)
        time.sleep(1)
        cluster.send("redis", signal.SIGKILL)
        await_server(cluster, "redis", pid)
        port = int(cluster.rows()["redis"]["address"].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(b"FLUSHALL\r\n")
            emptied = peer.recv(100).startswith(b"+OK")
        show_waits(checks, "while Redis was stopped, killed and emptied", crowd.longest_waits())
        lost = cluster.metric(pods, "kassa_redis_losses_total") - before
        checks.check(emptied and lost >= 1, f"{lost:.0f} connections to Redis were lost, and it was emptied")
        report = crowd.finish(checks, paid_min=100, additions_min=100)
        checks.check(set(crowd.seen()) == {"200"}, f"every request was answered with 200: {crowd.seen()}")
        checks.check(report.get("retries") == 0 and not report.get("failures"),
                     f"of kassa bench's requests {report.get('retries')} were repeated")
        wait_until(lambda: cluster.metric(pods, "kassa_redis_asking_lanes") == len(pods), "Redis is asked again",
                   DRAIN_SECONDS_MAX, every=0.1)
        found = cluster.metric(pods, "kassa_redis_hits_total") - hits
        checks.check(found > 0, f"{found:.0f} prices came from Redis")
