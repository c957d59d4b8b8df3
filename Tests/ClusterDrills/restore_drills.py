"""The whole cluster is lost, every process of it at once, and comes back from a backup: databases dumped under load, each
at its own moment, the topics as they are, as they were, or not at all.
"""
import contextlib
import json
import os
import shutil
import subprocess
import time

import location  # noqa: F401  pylint: disable=unused-import

import member
from checks import DrillFailure, wait_until
from losses import (
    END_SECONDS_MAX,
    SERVER_SECONDS_MAX,
    backed_up,
    broker_folders,
    copy_brokers,
    databases_deleted,
    killed,
    restored,
    servers,
    with_topics,
)
from purchases import STEPS, Books, Purchases, request
from server_drills import drained
from set_back_drills import audit, audited

CLIENTS = 36
# What `kassa verify` says of databases that are ahead of their topics.
AHEAD = "which the store already holds; restore a store from before the log's end"


@contextlib.contextmanager
def buyers(cluster, seconds):
    """Clients that have bought for so long, and continue."""
    cluster.wait_until_settled()
    tally = Purchases(cluster, clients=CLIENTS, pause_seconds=0.2)
    try:
        time.sleep(seconds)
        wait_until(lambda: len(tally.purchases()) >= 100, "checkouts are under way", 60, reason=lambda: dict(tally.seen))
        yield tally
    finally:
        tally.abandon()


def databases_lost(checks, cluster, seed, seconds=4):
    """Databases that were dumped under load, each at another moment; then the machine dies, and the databases' disks with
    it. The topics are still there: not one acknowledged request is lost, and none of what was under way is done twice."""
    place = os.path.join(cluster.folder, "backup-databases")
    with buyers(cluster, seconds) as tally:
        before = len(tally.purchases())
        order = backed_up(cluster, place, seed)
        wait_until(lambda: len(tally.purchases()) >= before + 100, "more is bought after the backup", 60)
        time.sleep(seconds)
        count = killed(cluster)
        tally.may_ask.clear()
        behind = len(tally.purchases()) - before
        databases_deleted(cluster)
        with servers(cluster):
            restored(cluster, place)
            audit(checks, cluster)
        cluster.start()
        cluster.wait_until_settled()
        tally.may_ask.set()
        made = tally.finish()
        checks.check(before >= 100 and behind >= 100, f"{before} checkouts paid before the backup of {', '.join(order)}, "
                     f"{behind} after it, when {count} processes were killed")
    everything_there(checks, cluster, tally, made)
    drained(checks, cluster)
    audit(checks, cluster)


def everything_there(checks, cluster, tally, made):
    """All that was acknowledged, once, and under its keys."""
    bought = tally.purchases()
    books, wrong = Books(cluster, bought), tally.wrong_accounts()
    checks.check(len(bought) == made and books.count("paid") == made,
                 f"{made} checkouts acknowledged, {books.count('paid')} orders paid")
    checks.check(not wrong, f"each of {len(tally.accounts)} buyers has paid for what was bought, once {wrong[:3]}")
    sold = books.sold(tally.items)
    checks.check(sold == 2 * made, f"{sold} units are gone for {made} checkouts of two")
    differing = books.differing(bought, tally.items)
    checks.check(not differing, f"{2 * made} keys, repeated, give their answers {differing[:3]}")
    sold = books.sold(tally.items)
    checks.check(sold == 2 * made, f"{sold} units are gone when all was repeated")


def everything_lost(checks, cluster, seed, seconds=4):
    """The same, and the brokers' disks are gone, too. There is a copy of them, of one moment after the dumps: everything
    until then comes back, and nothing after it."""
    place = os.path.join(cluster.folder, "backup-everything")
    with buyers(cluster, seconds) as tally:
        order = backed_up(cluster, place, seed)
        time.sleep(1)
        before = tally.purchases()
        copy_brokers(cluster, place)
        copied = time.monotonic()
        wait_until(lambda: len(tally.purchases()) >= len(before) + 100, "more is bought after the copy", 60)
        late = os.path.join(place, "late")
        backed_up(cluster, late, seed)
        killed(cluster)
        tally.abandon()
    bought = tally.purchases()
    later = [one for one in bought if one.began > copied]
    databases_deleted(cluster)
    for folder in broker_folders(cluster):
        shutil.rmtree(folder)
        shutil.copytree(os.path.join(place, os.path.basename(folder)), folder)
    # Dumps that are newer than the topics.
    with servers(cluster):
        restored(cluster, late)
        code, said = audited(cluster)
        checks.check(code == 1 and AHEAD in said,
                     f"databases that are ahead of the topics are found: {code} {said[-300:]!r}")
    databases_deleted(cluster)
    with servers(cluster):
        restored(cluster, place)
        audit(checks, cluster)
    cluster.start()
    cluster.wait_until_settled()
    checks.check(len(before) >= 100 and len(later) >= 100,
                 f"{len(before)} checkouts acknowledged before the copy (dumps of {', '.join(order)}), {len(later)} started "
                 "after it")
    until_the_copy(checks, cluster, tally, before, later)
    audit(checks, cluster)


def until_the_copy(checks, cluster, tally, before, later):
    """What was acknowledged before is there; what was started after it is not, and is done once when it is repeated."""
    bought = tally.purchases()
    books, old, new = Books(cluster, bought), Books(cluster, before), Books(cluster, later)
    checks.check(old.count("paid") == len(before), f"{old.count('paid')} of {len(before)} orders from before it are paid")
    checks.check(new.count("unknown") == len(later), f"of {len(later)} from after it {new.count('unknown')} are unknown")
    print(f"       {checks.name}: lost, though acknowledged: {books.count('unknown') + books.count('unpaid')} of "
          f"{len(bought)} checkouts", flush=True)
    sold, credits = books.sold(tally.items), tally.credits()
    # What was under way at the moment of the copy was paid, too, whether its client learned of it or not.
    wrong = [f"{user}: {credits[user]}" for user in credits if not isinstance(credits[user], int) or not
             0 <= credits[user] - sum(1 for one in before if one.user == user) <= 2]
    checks.check(not wrong and sold == 2 * sum(credits.values()), f"{sold} units are gone for {sum(credits.values())} "
                 f"checkouts of two that were paid {wrong[:3]}")
    differing = books.differing(before, tally.items)
    checks.check(not differing, f"{2 * len(before)} keys from before it give their answers {differing[:3]}")
    again = later[:20]
    for one in again * 2:
        # What the shop does not know is bought again, under the original keys.
        order = None
        for step in STEPS:
            status, body = books.ask("POST", *request(step, one.user, one.number, order, tally.items))
            if status != 200:
                raise DrillFailure(f"{step} of {order}: {status} {body!r}")
            order = order or json.loads(body)["order_id"]
    more = books.sold(tally.items) - sold
    checks.check(more == 2 * len(again), f"{len(again)} of the lost were repeated twice, and took {more} units")


def topics_lost(checks, cluster, seed, seconds=4):
    """The brokers' disks are gone, and there is no copy. Nothing is guessed: the audit and the pods refuse databases whose
    log is missing, the same brokers' and others', and change nothing in them."""
    place = os.path.join(cluster.folder, "backup-topics")
    with buyers(cluster, seconds) as tally:
        backed_up(cluster, place, seed)
        killed(cluster)
        tally.abandon()
    bought = len(tally.purchases())
    databases_deleted(cluster)
    for folder in broker_folders(cluster):
        shutil.rmtree(folder)
    with servers(cluster):
        restored(cluster, place)
        with_topics(cluster)
        rows = held(cluster)
        code, said = audited(cluster)
        checks.check(code == 1 and AHEAD in said,
                     f"kassa verify refuses new topics of the same name: {code} {said[-300:]!r}")
        refused(checks, cluster, "ends before offset", "restore topic and store from the same moment")
        unchanged(checks, cluster, rows)
    for folder in broker_folders(cluster):
        shutil.rmtree(folder)
    # New brokers get another id.
    os.remove(os.path.join(cluster.folder, "data", "kafka-cluster"))
    with servers(cluster):
        with_topics(cluster)
        code, said = audited(cluster)
        checks.check(code == 1 and "belongs to the cluster" in said and "restore its brokers and their disks" in said,
                     f"kassa verify refuses other brokers: {code} {said[-300:]!r}")
        refused(checks, cluster, "belongs to the cluster", "the brokers that it belongs to")
        unchanged(checks, cluster, rows)
        orders = cluster.query("orders", "SELECT count(*) FROM kassa.entities WHERE kind = 1")[0]
        print(f"       {checks.name}: {bought} checkouts were acknowledged before all was lost; the dumps have {orders} orders,"
              " for a person to read", flush=True)


HELD = """
SELECT c.partition, c.log_offset, md5(header), count(key), sum(hashtext(key || encode(body, 'hex')))
FROM kassa.checkpoints AS c LEFT JOIN kassa.entities AS e ON e.partition = c.partition
WHERE header IS NOT NULL GROUP BY c.partition"""


def held(cluster):
    """What the databases hold of each partition with a checkpoint, but its epoch."""
    return {f"{service} {row}" for service in cluster.plan().pods for row in cluster.query(service, HELD)}


def unchanged(checks, cluster, rows):
    """Nothing has become of what the databases held. A partition without a checkpoint may have got one: it is new."""
    lost = rows - held(cluster)
    checks.check(len(rows) >= 3 and not lost, f"{len(rows)} partitions are unchanged {sorted(lost)[:3]}")


def refused(checks, cluster, *words):
    """A pod of each service is not ready, and says why."""
    plan, pods = cluster.plan(), [f"{service}-0" for service in cluster.plan().pods]
    logs = {pod: os.path.join(cluster.folder, "logs", f"{pod}-refused.log") for pod in pods}
    processes = []
    try:
        for pod in pods:
            with open(logs[pod], "wb") as log:
                processes.append(subprocess.Popen(
                    [cluster.kassa, "serve", "--config", os.path.join(cluster.folder, "run", f"{pod}.env")],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=member.clean_environment()))

        def missing():
            found = {pod: cluster.ask("/readyz", port=plan.ports[f"{pod}/operator"]) for pod in pods}
            return [f"{pod}: {status} {body}" for pod, (status, body) in found.items()
                    if status != 503 or not all(word in body for word in words)]

        wait_until(lambda: not missing(), "pods say why they are not ready", SERVER_SECONDS_MAX, reason=missing, every=0.2)
        status, body = cluster.ask("/readyz", port=plan.ports["orders-0/operator"])
        checks.check(True, f"pods are not ready and say why: {status} {body.strip().splitlines()[-1][:200]}")
    finally:
        for process in processes:
            process.terminate()
        codes = [process.wait(END_SECONDS_MAX + 40) for process in processes]
    checks.check(codes == [0] * len(pods), f"SIGTERM ends them with 0: {codes}")
