"""The supervisor: brings the stack up, keeps everything in it running, and changes it when it is told to."""
import os
import shutil
import subprocess
import threading
import time

# The whole module now: it hooks into forks, and one that is under way meanwhile would release its lock for it.
from concurrent.futures import ThreadPoolExecutor

import gateway
import identity
import kafka
import others
import plan as plans
import postgres
import probes
import table
from member import Member, clean_environment

# A small machine that is busy with other things takes a minute and more.
READY_SECONDS_MAX = 180
# What ends that often before it was ever ready does not become ready.
STARTS_MAX = 5
DRAIN_SECONDS_MAX = 15
# New requests may be on their way to a pod when the gateway is told to send it no more.
DRAIN_SECONDS_MIN = 0.1


class StackFailure(Exception):
    """The stack could not be brought where it was wanted."""


def not_ready(member, what):
    """A sentence about a process that did not get ready, and the end of its log."""
    end = member.log_end().rstrip()
    return f"{member.spec.name} {what}; {member.log_path} " + (f"ends with\n{end}" if end else "is empty")


class Supervisor:
    """All processes of one stack. `say` shows progress."""

    def __init__(self, places, machine, plan, say):
        self.places, self.machine, self.plan, self.say = places, machine, plan, say
        self.members = {}
        self._serving = set()
        self._table_guard = threading.RLock()
        # One change at a time; an end does not wait for it.
        self.change_guard = threading.Lock()
        self.is_ending = threading.Event()
        self.switch = gateway.Switch(places.run)
        self.databases = postgres.Databases(plan, machine, places.data, places.secrets)

    # What runs, for others to read.

    def _publish(self):
        with self._table_guard:
            running = [(member.spec, member.pid) for member in list(self.members.values())]
            running = [(spec, pid) for spec, pid in running if pid is not None]
            known = [{"name": spec.name, **identity.describe(pid)} for spec, pid in running]
            rows = [(spec.name, spec.kind, pid, spec.address) for spec, pid in running]
            try:
                table.write(self.places.identities, table.json_text(known))
                table.write(self.places.processes, table.processes_text(rows))
            except OSError as reason:
                # A full disk is no reason to stop looking after the processes.
                self.say(f"the tables cannot be written: {reason}")

    # Pods in and out of service.

    def _admit(self, name):
        with self._table_guard:
            self._serving.add(name)
            self._tell_gateway(name, "ready")

    def _dismiss(self, name):
        with self._table_guard:
            self._serving.discard(name)
            self._tell_gateway(name, "maint")

    def _tell_gateway(self, name, state):
        if "gateway" not in self.members or not self.members["gateway"].is_ready.is_set():
            return  # It reads who is in service when it starts.
        try:
            self.switch.set(others.service_of(name), name, state)
        except gateway.GatewayIsSilent as reason:
            self.say(f"{name}: {reason}")

    def _gateway_is_up(self, _):
        # Whoever came or went while it read its file.
        with self._table_guard:
            self.members["gateway"].is_ready.set()
            for name in [name for service in plans.SERVICES for name in plans.pod_names(service)]:
                self._tell_gateway(name, "ready" if name in self._serving else "maint")

    def _in_service(self):
        with self._table_guard:
            return set(self._serving)

    # Starting.

    def _add(self, spec, admit=None, dismiss=None):
        log = os.path.join(self.places.logs, f"{spec.name}.log")
        member = Member(spec, log, self.say, self._publish, admit, dismiss, self.places.ends)
        with self._table_guard:
            self.members[spec.name] = member
        member.start()
        return member

    def _add_pod(self, service, name):
        spec = others.pod_spec(self.plan, self.machine, service, name, self.places.run,
                               self.databases.connection_for_pods(service))
        return self._add(spec, self._admit, self._dismiss)

    def _await(self, members, deadline):
        starts_before = {member: member.starts for member in members}
        for member in members:
            while not member.is_ready.wait(0.05):
                if self.is_ending.is_set():
                    raise StackFailure("told to end")
                starts = member.starts - starts_before[member]
                if starts > STARTS_MAX:
                    raise StackFailure(not_ready(member, f"ended {STARTS_MAX} times before it was ready"))
                if time.monotonic() > deadline:
                    raise StackFailure(not_ready(member, "was not ready in time"))

    def bring_up(self):
        """Starts everything, and returns when all of it is ready. `StackFailure` tells what is not."""
        started = time.monotonic()
        deadline = started + READY_SECONDS_MAX
        said = ", ".join(f"{count} {service}" for service, count in self.plan.pods.items())
        self.say(f"starting Kafka ({self.plan.brokers}), PostgreSQL (3), Redis, pods ({said}) and the gateway")
        self._add(others.redis_spec(self.plan, self.machine, self.places.run))
        with ThreadPoolExecutor(2) as pool:
            for step in [pool.submit(self._start_kafka, deadline), pool.submit(self._start_postgres, deadline)]:
                step.result()
        self._say_since(started, "the servers are ready")
        pods = [self._add_pod(service, name) for service, count in self.plan.pods.items()
                for name in plans.pod_names(service, count)]
        proxy = self._add(others.gateway_spec(self.plan, self.machine, self.places.run, self._in_service),
                          admit=self._gateway_is_up)
        self._await([proxy, self.members["redis"], *pods], deadline)
        while not probes.answers(self.plan.ports["gateway"], "/openapi.json"):
            if self.is_ending.is_set():
                raise StackFailure("told to end")
            if time.monotonic() > deadline:
                raise StackFailure(f"the gateway does not reach the pods; see {proxy.log_path}")
            time.sleep(0.05)
        table.write(self.places.gateway, self.plan.address("gateway") + "\n")
        self._say_since(started, f"all are ready: http://{self.plan.address('gateway')}")

    def _say_since(self, started, text):
        self.say(f"{text} ({time.monotonic() - started:.1f} s)")

    def _start_kafka(self, deadline):
        kafka.prepare(self.plan, self.machine, self.places.data)
        brokers = [self._add(spec) for spec in kafka.specs(self.plan, self.machine, self.places.data)]
        self._await(brokers, deadline)
        replicas = 3 if self.plan.brokers == 3 else 1
        argv = [self.machine.kassa, "topics", "create", "--brokers", kafka.addresses(self.plan), "--partitions",
                str(self.plan.partitions), "--replication", str(replicas), "--min-insync", str(max(1, replicas - 1))]
        if "KASSA_INGEST=" in self.plan.pod_settings:
            argv += ["--ingest", "on"]
        # A broker takes connections before it knows the others.
        while True:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", timeout=60, check=False, env=clean_environment())
            if done.returncode == 0:
                return
            if time.monotonic() > deadline or self.is_ending.is_set():
                raise StackFailure(f"kassa topics create:\n{done.stdout[-1500:]}")
            time.sleep(0.3)

    def _start_postgres(self, deadline):
        self.databases.prepare()
        servers = [self._add(spec) for spec in self.databases.specs()]
        self._await(servers, deadline)
        for service in plans.SERVICES:
            self.databases.make_database(service)

    # Changes.

    def _drain(self, name):
        """Takes a pod out of service without a request noticing: no new ones, then none under way."""
        try:
            self.switch.set(others.service_of(name), name, "drain")
            time.sleep(DRAIN_SECONDS_MIN)
            deadline = time.monotonic() + DRAIN_SECONDS_MAX
            while self.switch.requests_under_way(name) and time.monotonic() < deadline:
                time.sleep(0.05)
        except gateway.GatewayIsSilent as reason:
            self.say(f"{name}: {reason}")

    def scale(self, service, count):
        """Adds pods or ends the last ones; returns when it is done."""
        plans.check_pods(count)
        with self.change_guard:
            self._scale(service, count)
            self.plan.save(self.places.plan)
            self.say(f"{service} has {count} pods")

    def _scale(self, service, count):
        before = self.plan.pods[service]
        added = []
        for name in plans.pod_names(service, count)[before:]:
            self.say(f"{name} starts")
            added.append(self._add_pod(service, name))
        try:
            self._await(added, time.monotonic() + READY_SECONDS_MAX)
        except StackFailure:
            for member in added:
                self._end_pod(member.spec.name)
            raise
        for name in reversed(plans.pod_names(service, before)[count:]):
            self.say(f"{name} ends")
            self._end_pod(name)
        self.plan.pods[service] = count

    def _end_pod(self, name):
        self._drain(name)
        self.members[name].stop()
        with self._table_guard:
            self.members.pop(name)
            self._publish()

    def restart(self):
        """Restarts all pods, one after the other. A service with a single one gets another for as long as it takes."""
        with self.change_guard:
            for service in plans.SERVICES:
                count = self.plan.pods[service]
                if count == 1:
                    self._scale(service, 2)
                for name in plans.pod_names(service, count):
                    self._restart(name)
                if count == 1:
                    self._scale(service, 1)

    def _restart(self, name):
        started = time.monotonic()
        member = self.members[name]
        before = member.starts
        self._drain(name)
        member.restart()
        deadline = time.monotonic() + READY_SECONDS_MAX
        while member.starts == before:
            if time.monotonic() > deadline:
                raise StackFailure(f"{name} was not started again; see {member.log_path}")
            time.sleep(0.02)
        self._await([member], deadline)
        self._say_since(started, f"{name} was restarted")

    # The end.

    def end(self):
        """Ends everything in order: who takes requests first, what they need last."""
        self.is_ending.set()
        started = time.monotonic()
        if os.path.exists(self.places.gateway):
            os.remove(self.places.gateway)
        kinds = [["gateway"], list(plans.SERVICES), ["redis", "postgres"], ["kafka"]]
        for group in kinds:
            members = [member for member in list(self.members.values()) if member.spec.kind in group]
            if members:
                with ThreadPoolExecutor(len(members)) as pool:
                    list(pool.map(Member.stop, members))
        with self._table_guard:
            self.members.clear()
            self._publish()
        self._say_since(started, "all have ended")


def wipe(places, machine_user):
    """Deletes the data of a stack that does not run."""
    shutil.rmtree(postgres.reachable_folder(places.data, machine_user), ignore_errors=True)
    for folder in (places.data, places.run, places.secrets, places.logs):
        shutil.rmtree(folder, ignore_errors=True)
    for path in (places.plan, places.processes, places.identities, places.gateway, places.ends):
        if os.path.exists(path):
            os.remove(path)
