"""Drills of pods: killed, stopped and resumed, restarted, scaled, doubled, while clients of all kinds are at work."""
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import time

import location  # noqa: F401  pylint: disable=unused-import

import ports
from checks import wait_until
from cluster import RESTART_SECONDS_MAX, Crowd
from deposits import Deposits
from set_back_drills import audit

# Pauses that a client of an affected key may see, in seconds, with the stack's sessions of 2 s. They hold for a release
# build on a machine that does nothing else (`--long`); otherwise a pause may only not be longer than a request waits.
HANDOVER_PAUSE_MAX = 0.25
DEATH_PAUSE_MAX = 4.0
# The same with the shortest sessions that a broker allows by default, 6 s.
DEFAULT_SESSIONS_PAUSE_MAX = 8.0
WAIT_SECONDS_MAX = 20.0
ZOMBIES_MORE_MAX = 3


def check_waits(checks, crowd, what, most):
    """Holds the longest waits since the check before against what is allowed, and prints them."""
    waits = crowd.longest_waits()
    reported = ", ".join(f"{service} {wait.seconds:.2f} s ({wait.what})" for service, wait in waits.items())
    print(f"       {checks.name}: longest waits, {what}: {reported}", flush=True)
    allowed = most if crowd.cluster.is_measured else WAIT_SECONDS_MAX
    longest = max(wait.seconds for wait in waits.values())
    checks.check(longest <= allowed, f"{what}: the pause was {longest:.2f} s, at most {allowed:g} s")


def kills(checks, cluster, seed, count, services, pause_max=DEATH_PAUSE_MAX):
    """kill -9 of pods at random moments, of each service so many; each is started again by the supervisor."""
    chance = random.Random(f"{seed} {services}")
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=8 + 8 * count * len(services))) as crowd:
        killed = 0
        for service in services * count:
            victim = chance.choice(cluster.pods(service))
            time.sleep(chance.uniform(0.1, 1))
            crowd.longest_waits()
            pid = cluster.send(victim, signal.SIGKILL)
            cluster.wait_for_another(victim, pid)
            cluster.wait_until_settled()
            killed += 1
            check_waits(checks, crowd, f"kill -9 of {victim}", pause_max)
        checks.check(killed == count * len(services), f"{killed} kills under load")
        crowd.finish(checks, paid_min=50 * killed, additions_min=40 * killed)


def everyone_in_turn(checks, cluster, seed, service="stock"):
    """kill -9 of an owner, then of its successor while that takes over, then of their database: whoever comes next
    finds everything."""
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=25)) as crowd:
        time.sleep(1)
        crowd.longest_waits()
        owner, other = f"{service}-0", f"{service}-1"
        known = {owner: 0, other: cluster.metric([other], "kassa_postgres_acquisitions_total")}
        pids = {owner: cluster.send(owner, signal.SIGKILL)}
        cluster.wait_for_another(owner, pids[owner])

        def successor():
            return next((pod for pod, count in known.items()
                         if cluster.metric([pod], "kassa_postgres_acquisitions_total") > count), None)

        # The other one, or the one that is started again if it is quick.
        wait_until(successor, "somebody takes over", RESTART_SECONDS_MAX, every=0.02)
        victim = successor()
        pids[victim] = cluster.send(victim, signal.SIGKILL)
        database = f"postgres-{service}"
        # The server itself ends with 0; its sessions crash.
        pids[database] = cluster.send(database, signal.SIGQUIT, code=0)
        for name, pid in pids.items():
            cluster.wait_for_another(name, pid)
        cluster.wait_until_settled()
        check_waits(checks, crowd, f"kill -9 of {owner}, {victim} and {database}", WAIT_SECONDS_MAX)
        crowd.finish(checks, paid_min=50, additions_min=50)
    audit(checks, cluster)


def rolling_restart(checks, cluster, seed):
    """All pods are restarted, one after the other: not one request fails, with a key or without."""
    cluster.wait_until_settled()
    before = {name: cluster.pid(name) for name in cluster.pods()}
    with contextlib.closing(Crowd(cluster, seed, seconds=20, keyed=False)) as crowd:
        crowd.longest_waits()
        cluster.restart()
        check_waits(checks, crowd, "all pods are restarted", HANDOVER_PAUSE_MAX)
        same = [name for name, pid in before.items() if cluster.rows()[name]["pid"] == pid]
        checks.check(not same, f"{len(before)} pods were restarted {same or ''}")
        cluster.wait_until_settled()
        report = crowd.finish(checks, paid_min=100, additions_min=200)
        checks.check(report.get("retries") == 0 and not report.get("failures"),
                     f"of kassa bench's requests {report.get('retries')} had to be repeated, none failed "
                     f"{report.get('failures') or ''}")
        checks.check(set(crowd.seen()) == {"200"}, f"every other request was answered with 200: {crowd.seen()}")


def zombies(checks, cluster, seed, count, service, seconds=4.5):
    """A pod is stopped for longer than its session lasts, and then resumes: it neither writes nor shows what is old.

    When none of its checkpoints and loads had to be refused, it had nothing to write: then another one is stopped.
    """
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=10 + 12 * count)) as crowd:
        tally, refused, number = crowd.tally(service), 0, 0
        answered, wrong = 0, []
        while number < count or (refused == 0 and number < count + ZOMBIES_MORE_MAX):
            victim = f"{service}-{number % 2}"
            number += 1
            before, fenced = cluster.process(victim), fenced_total(cluster, victim)
            crowd.longest_waits()
            cluster.send(victim, signal.SIGSTOP)
            try:
                time.sleep(seconds)
                # They are the first thing that it finds.
                questions = [Question(cluster, victim, tally, account) for account in tally.accounts]
            finally:
                os.kill(before[0], signal.SIGCONT)
            reported = [question.answer() for question in questions]
            answered += sum(one is not None for one in reported)
            wrong += [f"{victim} shows {one} where {question.made} were made"
                      for one, question in zip(reported, questions) if one is not None and one < question.made]
            cluster.wait_until_settled()
            check_waits(checks, crowd, f"{victim} stopped for {seconds} s", DEATH_PAUSE_MAX)
            after = cluster.process(victim)
            checks.check(after == before and None not in before,
                         f"{victim} that resumes is the process that was stopped, pid and start: {before}, {after}")
            refused += fenced_total(cluster, victim) - fenced
        checks.check(answered > 0 and not wrong,
                     f"{answered} questions that a pod found when it went on were answered with the newest {wrong[:3]}")
        checks.check(refused > 0, f"{refused:.0f} of their checkpoints and loads were refused")
        crowd.finish(checks, paid_min=100, additions_min=100)


class Question:
    """A read that waits for a pod which is stopped, beside the gateway."""

    def __init__(self, cluster, pod, tally, account):
        self.tally, self.made = tally, tally.accounts[account]
        self.connection = http.client.HTTPConnection("127.0.0.1", cluster.plan().ports[f"{pod}/http"], timeout=15)
        self.connection.request("GET", tally.question(account))

    def answer(self):
        """What it showed; None when it refused."""
        try:
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            self.connection.close()
        return self.tally.count_in(json.loads(body)) if answer.status == 200 else None


def fenced_total(cluster, pod):
    """How many of a pod's checkpoints and loads the store has refused."""
    return sum(cluster.metric([pod], f"kassa_postgres_fenced_{what}_total") for what in ("writes", "loads"))


def scaling(checks, cluster, seed):
    """Stock from 1 pod to 4 and back, under load."""
    cluster.scale("stock", 1)
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=20)) as crowd:
        crowd.longest_waits()
        for pods in (4, 1):
            cluster.scale("stock", pods)
            cluster.wait_until_settled()
            check_waits(checks, crowd, f"stock gets {pods} pods", HANDOVER_PAUSE_MAX)
            checks.check(len(cluster.pods("stock")) == pods, f"{pods} pods of stock run")
        crowd.finish(checks, paid_min=100, additions_min=200)
        checks.check(set(crowd.seen()) == {"200"}, f"every request was answered with 200: {crowd.seen()}")
    cluster.scale("stock", 2)


def two_of_one_name(checks, cluster, seed):
    """Somebody starts a pod a second time, elsewhere: the older one ends in order. The supervisor starts it again, and
    so the stranger ends in order, too."""
    name = "stock-1"
    cluster.wait_until_settled()
    with contextlib.closing(Crowd(cluster, seed, seconds=15)) as crowd:
        pid, stranger = cluster.pid(name), Stranger(cluster, name)
        cluster.ends.expect(name, pid, code=0)
        with contextlib.closing(stranger):
            cluster.wait_for_another(name, pid)
            said = [line for line in cluster.log("supervisor").splitlines() if f" {name} ended with " in line][-1:]
            checks.check(bool(said) and said[0].endswith("code 0; it is started again"),
                         f"the older one ends in order: {said}")
            status = stranger.wait()
            checks.check(status == 0, f"the stranger ends in order when the older one has come again: {status}")
        cluster.wait_until_settled()
        check_waits(checks, crowd, f"two pods of the name {name}", DEATH_PAUSE_MAX)
        crowd.finish(checks, paid_min=100, additions_min=100)


class Stranger:
    """A pod that nobody supervises, with another one's name and settings, at its own ports."""

    def __init__(self, cluster, name):
        http, operator, peers = ports.find(3, taken=cluster.plan().ports.values())
        settings = os.path.join(cluster.folder, "run", f"{name}.env")
        with open(os.path.join(cluster.folder, "logs", f"{name}-stranger.log"), "ab") as log:
            self.process = subprocess.Popen(
                [cluster.kassa, "serve", "--config", settings, "--http", f"127.0.0.1:{http}",
                 "--operator", f"127.0.0.1:{operator}", "--peers", f"127.0.0.1:{peers}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def wait(self):
        """How it ended; None when it does not."""
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def lost_deposit(checks, cluster, _):
    """The drills' own check: deposits that are taken back behind the cluster's back are missed, and one that was made
    twice is seen."""
    cluster.wait_until_settled()
    deposits = Deposits(cluster, clients=4)
    try:
        user = next(iter(deposits.accounts))
        wait_until(lambda: deposits.count("200") >= 40, "some deposits are made", 20)
        deposits.may_ask.clear()
        older = checkpointed(cluster, user)
        deposits.may_ask.set()
        made = deposits.count("200")
        wait_until(lambda: deposits.count("200") >= made + 40, "more deposits are made", 20)
        deposits.finish()
    finally:
        deposits.abandon()
    checks.check(not deposits.wrong_accounts(), "all deposits are there")
    newer = checkpointed(cluster, user)
    checks.check(older != newer, "the database has seen both")
    pids = {name: cluster.send(name, signal.SIGSTOP) for name in cluster.pods("payments")}
    try:
        cluster.query("payments", f"UPDATE kassa.entities SET body = '\\x{older}' WHERE key = '{user}'")
    finally:
        for name in pids:
            cluster.send(name, signal.SIGKILL)
    for name, pid in pids.items():
        cluster.wait_for_another(name, pid)
    cluster.wait_until_settled()
    wrong = deposits.wrong_accounts()
    checks.check(len(wrong) == 1 and user in wrong[0], f"deposits that were taken out of it are missed: {wrong}")
    twice = list(deposits.accounts)[1]
    cluster.ask(f"/payment/add_funds/{twice}/1", method="POST")
    checks.check(len(deposits.wrong_accounts()) == 2, "a deposit that was made twice is seen")


def checkpointed(cluster, user):
    """What the database holds of a user once it holds everything that was done."""
    pods = cluster.pods("payments")
    wait_until(lambda: cluster.metric(pods, "kassa_partition_dirty_entities") == 0, "all is in the database", 30,
               every=0.1)
    return "".join(cluster.query("payments", f"SELECT encode(body, 'hex') FROM kassa.entities WHERE key = '{user}'"))
