"""Drills of connections: one pod is cut off from the brokers only, from its database only, from the other pods only.
And of clocks that jump."""
import contextlib
import time

import location  # noqa: F401  pylint: disable=unused-import

from cluster import Crowd
from server_drills import drained, resume, show_waits

# From the moment that the link is open again.
HEALED_PAUSE_MAX = 6.0


def cut_off(checks, cluster, seed, kind, ways=("cut",), victim="stock-0", seconds=5):
    """A pod loses one kind of connection, one way after the other, and gets it back.

    A way may have steps: in `mute+cut` answers are lost, and then the connections.
    """
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=6 + (seconds + 6) * len(ways))) as crowd:
        for way in ways:
            time.sleep(1)
            before = crowd.additions()
            crowd.longest_waits()
            try:
                for step in way.split("+"):
                    concerned = cluster.link(victim, kind, step)
                    checks.check(concerned > 0, f"{concerned} connections of {victim} with {kind} are {step}")
                    time.sleep(seconds / (way.count("+") + 1))
                noticed = notices(cluster, victim, kind)
            finally:
                cluster.link(victim, kind, "open")
            back = time.monotonic()
            checks.check(noticed, f"the pods noticed: {noticed}")
            resume(checks, cluster, crowd, back, f"{victim} had {kind} {way} for {seconds} s", HEALED_PAUSE_MAX)
            made = crowd.additions() - before
            checks.check(made > 0, f"{made} additions meanwhile")
        crowd.finish(checks, paid_min=50 * len(ways), additions_min=30 * len(ways))
    drained(checks, cluster)


def notices(cluster, victim, kind):
    """What the pods say about a link that is held up; empty where they have not noticed."""
    service = victim.split("-")[0]
    others = [pod for pod in cluster.pods(service) if pod != victim]
    if kind == "kafka":
        theirs = cluster.metric(others, "kassa_kafka_member_partitions", f'service="{service}"')
        mine = cluster.metric([victim], "kassa_kafka_member_partitions", f'service="{service}"')
        reported = f"the others are assigned {theirs:.0f} partitions of {service}, {victim} believes in {mine:.0f}"
        return reported if theirs else ""
    if kind == "postgres":
        behind = cluster.metric([victim], "kassa_partition_dirty_entities")
        return f"{behind:.0f} changes of {victim} wait for their checkpoint" if behind else ""
    connected = cluster.metric(cluster.pods(), "kassa_peer_connected", f'peer="{victim}"')
    return "" if connected else f"no pod is connected to {victim}"


def clocks_jump(checks, cluster, seed, pods=("orders-0", "stock-1", "payments-0"), hour=3600):
    """The clocks of some pods jump by an hour, forwards and backwards: nobody notices."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=9, keyed=False)) as crowd:
        try:
            for seconds in (hour, -hour):
                crowd.longest_waits()
                for pod in pods:
                    cluster.jump(pod, seconds)
                time.sleep(2)
                reported = [cluster.time_of(pod) - time.time() for pod in pods]
                checks.check(all(abs(one - seconds) < hour / 2 for one in reported),
                             f"pods whose clocks are {', '.join(f'{one:.0f} s' for one in reported)} away continue")
                show_waits(checks, f"clocks jump by {seconds} s", crowd.longest_waits())
        finally:
            for pod in pods:
                cluster.jump(pod, 0)
        report = crowd.finish(checks, paid_min=100, additions_min=100)
        checks.check(set(crowd.seen()) == {"200"} and report.get("retries") == 0,
                     f"every request was answered with 200: {crowd.seen()}")
    drained(checks, cluster)
