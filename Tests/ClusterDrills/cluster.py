"""A whole cluster in its own folder, its clients, and what is checked at the end: what all its drills share."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import location

import identity
import machine as machines
import plan as plans
import postgres
import table
from checks import DrillFailure, Load, ask, sum_of_metric, wait_until
from deposits import Cartloads, Deliveries, Deposits
from expectations import Expectations, described, is_deadly

STACK = os.path.join(location.REPOSITORY, "stack", "stack")
START_SECONDS_MAX = 240
CHANGE_SECONDS_MAX = 600
STOP_SECONDS_MAX = 150
READY_SECONDS_MAX = 60
# What it takes until Java has compiled the brokers' code: before, every request takes several times as long.
WARM_UP_SECONDS = 20
# A pod that died is started again after this (docs/stack.md), or later when it died often.
RESTART_SECONDS_MAX = 40


class Processes:
    """The processes of a stack in a folder."""

    def __init__(self, folder):
        self.folder = folder
        # Which of them drills end. Each drill is held against it when it is over.
        self.ends = Expectations(folder)

    def rows(self):
        """What runs now, by name: dictionaries with name, kind, pid and address."""
        with open(os.path.join(self.folder, "processes.tsv"), encoding="utf-8") as file:
            return {row["name"]: row for row in table.read_processes(file.read())}

    def pods(self, *services):
        """The names of the pods that run, of all services by default."""
        return [name for name, row in self.rows().items() if row["kind"] in (services or plans.SERVICES)]

    def pid(self, name):
        return self.rows()[name]["pid"]

    def send(self, name, number, code=None):
        """Signals a process; returns its pid. It is expected to end by the signal, or with `code` if it catches it."""
        pid = self.pid(name)
        if is_deadly(number):
            self.ends.expect(name, pid, number if code is None else None, code)
        os.kill(pid, number)
        return pid

    def process(self, name):
        """Which process has a name now: its pid and the moment it started, in the machine's clock ticks."""
        pid = self.rows().get(name, {}).get("pid")
        return pid, identity.start_ticks(pid) if pid else None

    def log(self, name, lines=15):
        """The end of what a process said."""
        try:
            with open(os.path.join(self.folder, "logs", f"{name}.log"), encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError as reason:
            return str(reason)


class Cluster(Processes):
    """A stack that runs. Clients know it by `kassa` and `http`, the port of its gateway."""

    def __init__(self, kassa, folder, options=()):
        super().__init__(folder)
        self.kassa, self.options = kassa, list(options)
        self.http = None
        # Whether the program and the machine are such that pauses are held against their figures.
        self.is_measured = False
        # Arrivals a second of `kassa bench`: a load that leaves some of the processors. None: as many as it can.
        self.rate = 300

    # The stack's runner.

    def runner(self, *words, seconds=CHANGE_SECONDS_MAX):
        """Calls the runner; a `DrillFailure` with what it said when it fails."""
        try:
            done = subprocess.run([STACK, "--folder", self.folder, *words], stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as late:
            raise DrillFailure(f"stack {' '.join(words)}: not within {seconds} s") from late
        if done.returncode != 0:
            raise DrillFailure(f"stack {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def start(self):
        """Brings everything up."""
        self.runner("start", "--kassa", self.kassa, *self.options, seconds=START_SECONDS_MAX)
        self.join()

    def warm_up(self):
        """Loads it until its brokers are as fast as those of a cluster that has run for a while."""
        with contextlib.closing(Load(self, WARM_UP_SECONDS, 0)) as load:
            status, _, err = load.report()
        if status != 0:
            raise DrillFailure(f"the load that warms brokers up ended with {status}: {err}")

    def join(self):
        """Takes a stack that runs already."""
        with open(os.path.join(self.folder, "gateway"), encoding="utf-8") as file:
            self.http = int(file.read().strip().rsplit(":", 1)[1])

    def stop(self):
        """Ends everything and deletes the data; a `DrillFailure` names what has not ended, or not in order."""
        known = table.read_json(os.path.join(self.folder, "identities.json"), [])
        self.runner("stop", seconds=STOP_SECONDS_MAX)
        wrong = [described(end) + self.ends.keep("stop", end) for end in self.ends.disorderly()]
        self.runner("stop", "--wipe", seconds=STOP_SECONDS_MAX)
        left = [one for one in known if identity.is_alive(one)]
        if left:
            raise DrillFailure(f"not ended: {json.dumps(left)}")
        if wrong:
            raise DrillFailure(f"told to stop, not all ended in order: {'; '.join(wrong)}")

    def restart(self):
        """Restarts all pods, one after the other; each ends in order."""
        for service in plans.SERVICES:
            pods = self.pods(service)
            for name in pods:
                self.ends.expect(name, self.pid(name), code=0, order="restart")
            if len(pods) == 1:
                # The one that stands in for it.
                self.ends.expect(f"{service}-1", None, code=0, order="stop")
        self.runner("restart")

    def scale(self, service, count):
        """Gives a service so many pods; those that are too many end in order."""
        for name in self.pods(service):
            if name not in plans.pod_names(service, count):
                self.ends.expect(name, self.pid(name), code=0, order="stop")
        self.runner("scale", service, str(count))

    def keep_logs(self):
        """Copies what all processes said to where it outlives the stack; returns the folder."""
        return shutil.copytree(os.path.join(self.folder, "logs"), tempfile.mkdtemp(prefix="kassa-drills-logs-"),
                               dirs_exist_ok=True)

    # Asking.

    def ask(self, path, port=None, method="GET"):
        """The status and the body of an answer, of the gateway by default; None and a reason without one."""
        return ask(port or self.http, path, method)

    def ask_pod(self, name, path):
        """The same of a pod's operator endpoint."""
        row = self.rows().get(name)
        return ask(int(row["address"].rsplit(":", 1)[1]), path) if row else (None, "it does not run")

    def metric(self, pods, name, label=""):
        """The sum of a metric's samples that have the label, over some pods."""
        return sum(sum_of_metric(self.ask_pod(pod, "/metrics")[1], name, label) for pod in pods)

    def checkouts(self):
        """How many checkouts the pods that run have answered with success."""
        return self.metric(self.pods("orders"), "kassa_http_request_duration_seconds_count",
                           'route="/orders/checkout/{order_id}",status="2xx"')

    def databases(self):
        """The folders and passwords of its databases."""
        return postgres.Databases(self.plan(), machines.Machine(self.kassa), *(
            os.path.join(self.folder, name) for name in ("data", "secrets")))

    def query(self, service, statement):
        """What a service's database answers: a line for each row."""
        databases = self.databases()
        argv = [databases.machine.postgres("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d",
                databases.connection(service), "-c", statement]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise DrillFailure(f"{statement}: {done.stderr}")
        return done.stdout.splitlines()

    def plan(self):
        """What is to run, and where."""
        return plans.load(os.path.join(self.folder, "plan.json"))

    # Waiting.

    def wait_until_settled(self, seconds=READY_SECONDS_MAX):
        """Waits until all pods that are wanted are ready and each partition has one owner that says it runs."""
        wait_until(lambda: not self.unsettled(), "all pods are ready, each partition with an owner", seconds,
                   reason=self.unsettled, every=0.2)

    def unsettled(self):
        """What keeps the cluster from being settled, in words; empty when it is."""
        plan = self.plan()
        wanted = [name for service in plans.SERVICES for name in plans.pod_names(service, plan.pods[service])]
        silent = [name for name in wanted if self.ask_pod(name, "/readyz")[0] != 200]
        if silent:
            return f"not ready: {', '.join(silent)}"
        for service in plans.SERVICES:
            owned = self.metric([name for name in wanted if name.startswith(service)], "kassa_partition_running")
            if owned != plan.partitions:
                return f"{owned:.0f} of {plan.partitions} partitions of {service} have an owner"
        return ""

    def wait_for_another(self, name, pid, seconds=RESTART_SECONDS_MAX):
        """Waits until the supervisor has replaced a process that died."""
        wait_until(lambda: self.rows().get(name, {}).get("pid") not in (None, pid), f"{name} is started again", seconds,
                   every=0.1)


class Crowd:
    """Every kind of client at once: `kassa bench`, and three that keep their own history.

    The latter add to counts of their own and read each back; how long the longest of their waits was is the pause that
    a client of the worst key saw.
    """

    def __init__(self, cluster, seed, seconds, clients=12, keyed=True):
        self.cluster = cluster
        options = ["--rate", str(cluster.rate)] if cluster.rate else []
        before = cluster.checkouts()
        self.load = Load(cluster, seconds, seed, *options)
        self.tallies = []
        try:
            for kind in (Deposits, Deliveries, Cartloads):
                self.tallies.append(kind(cluster, clients=clients, pause_seconds=0.03, keyed=keyed, reads=True))
            wait_until(lambda: self.load.is_over() or cluster.checkouts() >= before + 50, "checkouts are under way", 60,
                       every=0.1)
        except BaseException:
            self.close()
            raise

    def longest_waits(self):
        """The longest wait at each service since the question before, by the service's name."""
        return dict(zip(("payments", "stock", "orders"), (tally.longest_wait() for tally in self.tallies)))

    def tally(self, service):
        """The clients of a service."""
        return self.tallies[("payments", "stock", "orders").index(service)]

    def additions(self):
        """How many additions of those that keep their own history were acknowledged."""
        return sum(sum(tally.accounts.values()) for tally in self.tallies)

    def seen(self):
        """What became of single requests of those that keep their own history."""
        return dict(sum((tally.seen for tally in self.tallies), start=type(self.tallies[0].seen)()))

    def finish(self, checks, paid_min, additions_min):
        """Ends the clients and compares what they were answered with what is there. Returns the report of `kassa bench`."""
        report = checks.load(self.load, paid_min)
        longest = report.get("latency_microseconds", {}).get("max", 0) / 1e6
        print(f"       {checks.name}: kassa bench repeated {report.get('retries')} requests, lost "
              f"{report.get('reconnects')} connections; its longest answer took {longest:.2f} s", flush=True)
        for tally in self.tallies:
            made = tally.finish()
            wrong = tally.wrong_accounts()
            checks.check(made >= additions_min and not wrong,
                         f"{made} {tally.what}, at least {additions_min}, each made once {'; '.join(wrong)[:300]}")
        print(f"       {checks.name}: what became of single requests: {self.seen()}")
        return report

    def close(self):
        """Ends what is left of the clients."""
        for tally in self.tallies:
            tally.abandon()
        self.load.close()
