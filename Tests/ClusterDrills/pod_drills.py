"""Drills of pods: killed, stopped and let go on, restarted, scaled, doubled, while clients of all kinds are at work."""
import contextlib
import os
import random
import signal
import time

import location  # noqa: F401  pylint: disable=unused-import
from cluster import Crowd

# Pauses that a client of an affected key may see, in seconds, with the stack's sessions of 2 s. They hold for a release
# build on a machine that does nothing else (`--long`); otherwise a pause may only not be longer than a request waits.
HANDOVER_PAUSE_MAX = 0.25
DEATH_PAUSE_MAX = 4.0
WAIT_SECONDS_MAX = 20.0
# Arrivals a second of `kassa bench` where pauses are measured: a load that leaves some of the processors.
RATE = 300


def check_waits(checks, crowd, what, most):
    """Holds the longest waits since the check before against what is allowed, and prints them."""
    waits = crowd.longest_waits()
    told = ", ".join(f"{service} {wait.seconds:.2f} s ({wait.what})" for service, wait in waits.items())
    print(f"       {checks.name}: longest waits, {what}: {told}", flush=True)
    allowed = most if crowd.cluster.is_measured else WAIT_SECONDS_MAX
    longest = max(wait.seconds for wait in waits.values())
    checks.check(longest <= allowed, f"{what}: the pause was {longest:.2f} s, at most {allowed:g} s")


def kills(checks, cluster, seed, count, service):
    """kill -9 of pods of a service at random moments; each is started again by the supervisor."""
    chance = random.Random(f"{seed} {service}")
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=8 + 9 * count, rate=RATE)) as crowd:
        killed = 0
        for _ in range(count):
            victim = chance.choice(cluster.pods(service))
            time.sleep(chance.uniform(0.1, 1))
            crowd.longest_waits()
            pid = cluster.send(victim, signal.SIGKILL)
            cluster.wait_for_another(victim, pid)
            cluster.wait_until_settled()
            killed += 1
            check_waits(checks, crowd, f"kill -9 of {victim}", DEATH_PAUSE_MAX)
        checks.check(not crowd.load.is_over(), f"{killed} kills, all of them under load")
        crowd.finish(checks, paid_min=50 * count, additions_min=50 * count)


def rolling_restart(checks, cluster, seed):
    """All pods are restarted, one after the other: not one request fails, with a key or without."""
    cluster.wait_until_settled()
    before = {name: cluster.pid(name) for name in cluster.pods()}
    with contextlib.closing(Crowd(cluster, seed, seconds=20, rate=RATE, keyed=False)) as crowd:
        crowd.longest_waits()
        cluster.runner("restart")
        check_waits(checks, crowd, "all pods are restarted", HANDOVER_PAUSE_MAX)
        same = [name for name, pid in before.items() if cluster.rows()[name]["pid"] == pid]
        checks.check(not same, f"{len(before)} pods were restarted {same or ''}")
        cluster.wait_until_settled()
        report = crowd.finish(checks, paid_min=500, additions_min=500)
        checks.check(report.get("retries") == 0 and not report.get("failures") and report.get("reconnects") == 0,
                     f"of kassa bench's requests {report.get('retries')} were repeated, "
                     f"{report.get('reconnects')} lost their connection")
        checks.check(set(crowd.seen()) == {"200"}, f"every other request was answered with 200: {crowd.seen()}")


def zombies(checks, cluster, seed, count, service, seconds=4.5):
    """A pod is stopped for longer than its session lasts, and then goes on: it neither writes nor shows what is old."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=8 + 14 * count, rate=RATE)) as crowd:
        for number in range(count):
            victim = f"{service}-{number % 2}"
            pid = cluster.pid(victim)
            fenced = fenced_total(cluster, victim)
            crowd.longest_waits()
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                os.kill(pid, signal.SIGCONT)
            cluster.wait_until_settled()
            check_waits(checks, crowd, f"{victim} stopped for {seconds} s", DEATH_PAUSE_MAX)
            went_on = cluster.rows().get(victim, {}).get("pid") == pid
            refused = fenced_total(cluster, victim) - fenced if went_on else 0
            print(f"       {checks.name}: {victim} {'went on' if went_on else 'ended'}, {refused:.0f} refused", flush=True)
        crowd.finish(checks, paid_min=100, additions_min=100)


def fenced_total(cluster, pod):
    """How many of a pod's checkpoints and loads the store has refused."""
    return sum(cluster.metric([pod], f"kassa_postgres_fenced_{what}_total") for what in ("writes", "loads"))


def scaling(checks, cluster, seed):
    """Stock from 1 pod to 4 and back, under load."""
    cluster.runner("scale", "stock", "1")
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=20, rate=RATE)) as crowd:
        crowd.longest_waits()
        for pods in (4, 1):
            cluster.runner("scale", "stock", str(pods))
            cluster.wait_until_settled()
            check_waits(checks, crowd, f"stock gets {pods} pods", HANDOVER_PAUSE_MAX)
            checks.check(len(cluster.pods("stock")) == pods, f"{pods} pods of stock run")
        crowd.finish(checks, paid_min=500, additions_min=300)
        checks.check(set(crowd.seen()) == {"200"}, f"every request was answered with 200: {crowd.seen()}")
    cluster.runner("scale", "stock", "2")
