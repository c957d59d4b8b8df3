"""A cluster gets more partitions: it is stopped, `kassa grow` is killed in the middle, started again, and the shop continues
with everything that it had, keys included.
"""
import os
import signal
import subprocess
import time

import location  # noqa: F401  pylint: disable=unused-import

import kafka
import member
from cluster import STOP_SECONDS_MAX
from losses import servers
from purchases import STEPS, Books, request
from restore_drills import buyers, everything_there
from server_drills import drained

GROW_SECONDS_MAX = 90


def environment(cluster, partitions):
    """What a tool needs to know of the stack."""
    databases = cluster.databases()
    settings = {"KASSA_MODE": "cluster", "KASSA_KAFKA_BROKERS": kafka.addresses(cluster.plan()),
                "KASSA_PARTITIONS": str(partitions)}
    settings |= {f"KASSA_POSTGRES_{service.upper()}": databases.connection(service) for service in cluster.plan().pods}
    return member.clean_environment() | settings


def said_by(cluster, partitions, *words):
    """The exit code of a tool, and what it said."""
    done = subprocess.run([cluster.kassa, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment(cluster, partitions),
                          timeout=GROW_SECONDS_MAX, check=False)
    return done.returncode, done.stdout


def grow(cluster, count):
    """What `kassa grow` ends with, and what it said."""
    return said_by(cluster, cluster.plan().partitions, "grow", "--partitions", str(count))


def sound(checks, cluster, partitions):
    """`kassa verify` finds nothing, and has compared the rows of every partition with its checkpoint's totals."""
    code, said = said_by(cluster, partitions, "verify")
    counted = f"the rows of {3 * partitions} partitions compared with their checkpoints' totals\n"
    checks.check(code == 0 and counted in said, f"kassa verify of {partitions} partitions: {code} {said[-400:]!r}")


def cut_short(cluster, count, word):
    """kill -9 once it says a word. Returns what it had said."""
    said = []
    with subprocess.Popen([cluster.kassa, "grow", "--partitions", str(count)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=environment(cluster, cluster.plan().partitions)) as process:
        for line in process.stderr:
            said.append(line)
            if word in line:
                process.send_signal(signal.SIGKILL)
                break
        process.wait(GROW_SECONDS_MAX)
    return "".join(said)


def grown(cluster):
    """The partition count of each service's database."""
    return {service: int(cluster.query(service, "SELECT partition_count FROM kassa.identity")[0])
            for service in cluster.plan().pods}


def more_partitions(checks, cluster, seed, seconds=4):
    """Twice as many partitions. Refused while pods run; killed after the first topic and after the first database; then
    run to its end. Everything acknowledged is there, once, and under its keys; the shop sells on."""
    del seed
    old = cluster.plan().partitions
    with buyers(cluster, seconds) as tally:
        made = tally.finish()
        code, said = grow(cluster, 2 * old)
        checks.check(code == 1 and "has an owner" in said, f"refused while pods run: {code} {said[-300:]!r}")
    drained(checks, cluster)
    cluster.runner("stop", seconds=STOP_SECONDS_MAX)
    wrong = cluster.ends.disorderly()
    checks.check(not wrong, f"told to stop, everything ends in order {wrong[:3]}")
    with servers(cluster):
        sound(checks, cluster, old)
        code, said = grow(cluster, old + 1)
        checks.check(code == 1 and "is not a multiple" in said, f"{old + 1} partitions are refused: {said[-200:]!r}")
        said = cut_short(cluster, 2 * old, "the topic of")
        counts = grown(cluster)
        checks.check(set(counts.values()) == {old}, f"killed after the first topic: {counts} {said[-200:]!r}")
        said = cut_short(cluster, 2 * old, "the database of")
        counts = grown(cluster)
        checks.check(2 * old in counts.values(), f"killed after the first database: {counts} {said[-200:]!r}")
        began = time.monotonic()
        code, said = grow(cluster, 2 * old)
        counts = grown(cluster)
        checks.check(code == 0 and set(counts.values()) == {2 * old},
                     f"run again it ends in {time.monotonic() - began:.1f} s: {counts} {said[-300:]!r}")
        plan = cluster.plan()
        plan.partitions = 2 * old
        plan.save(os.path.join(cluster.folder, "plan.json"))
        sound(checks, cluster, 2 * old)
        code, said = grow(cluster, 2 * old)
        checks.check(code == 0 and "nothing was changed" in said, f"and once more: {code} {said[-200:]!r}")
    cluster.options = ["--partitions", str(2 * old)]
    cluster.start()
    cluster.wait_until_settled()
    everything_there(checks, cluster, tally, made)
    sell_on(checks, cluster, tally)
    drained(checks, cluster)
    sound(checks, cluster, 2 * old)


def sell_on(checks, cluster, tally):
    """New orders of the same buyers."""
    books, users = Books(cluster, []), list(tally.accounts)[:20]
    before, answers = books.sold(tally.items), []
    for user in users:
        order = None
        for step in STEPS:
            path, key = request(step, user, 1_000_000, order, tally.items)
            status, body = books.ask("POST", path, key)
            answers.append(status)
            if step == "create" and status == 200:
                order = body.decode().split('"')[3]
    more = books.sold(tally.items) - before
    checks.check(set(answers) == {200} and more == 2 * len(users), f"{len(users)} more checkouts took {more} units")
