"""Drills of the ingest topics: a plain Kafka producer, Java's own, sends commands while their owners are killed."""
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import location  # noqa: F401  pylint: disable=unused-import

import kafka
import machine as machines
from checks import DrillFailure, ask, wait_until
from set_back_drills import audit

ITEMS = 200
PREFIX = "kassa."
SEND_SECONDS_MAX = 600
TAKE_SECONDS_MAX = 300
# What a client of the API may wait while nobody is killed and commands come as fast as they are taken, in seconds.
REST_WAIT_MAX = 2.0


def java(cluster, tool, *words):
    """How one of Kafka's own tools is called."""
    libs = machines.Machine(cluster.kassa).kafka_libs
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(libs, "*"), tool,
            "--bootstrap-server", kafka.addresses(cluster.plan()), *words]


class Producer:
    """Kafka's console producer: keys and values by lines, with the partitioner and retries that any producer has."""

    def __init__(self, cluster, topic):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            java(cluster, "org.apache.kafka.tools.ConsoleProducer", "--topic", topic, "--reader-property",
                 "parse.key=true", "--reader-property", "key.separator=|", "--command-property", "acks=all",
                 "--command-property", "linger.ms=5", "--command-property", "delivery.timeout.ms=120000"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def send(self, key, value):
        """Sends a record; a value that is no text is sent as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.process.stdin.write(f"{key}|{text}\n")

    def finish(self):
        """Waits until everything is acknowledged."""
        self.process.stdin.close()
        said = self.process.stderr.read()
        if self.process.wait(SEND_SECONDS_MAX) != 0 or "ERROR" in said:
            raise DrillFailure(f"the producer: {said[-1000:]}")

    def close(self):
        """Ends it where it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def refused(cluster):
    """The codes of what the topic of refused commands has, each once for every place in an ingest topic."""
    done = subprocess.run(
        java(cluster, "org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", f"{PREFIX}refused",
             "--from-beginning", "--timeout-ms", "8000", "--formatter-property", "print.headers=true",
             "--formatter-property", "print.key=true"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    found = {}
    for line in done.stdout.splitlines():
        headers = dict(one.split(":", 1) for one in line.split("\t")[0].split(",") if ":" in one)
        if "offset" in headers:
            found[headers["topic"], headers["partition"], headers["offset"]] = headers["code"]
    return collections.Counter(found.values())


def lag(cluster):
    """How many records of the topics of stock are not durable; -1 while owners are missing."""
    pods = cluster.pods("stock")
    if cluster.metric(pods, "kassa_partition_running") != cluster.plan().partitions:
        return -1
    samples = sum(cluster.ask_pod(pod, "/metrics")[1].count("\nkassa_ingest_lag_records{") for pod in pods)
    return cluster.metric(pods, "kassa_ingest_lag_records") if samples == cluster.plan().partitions else -1


class Callers(threading.Thread):
    """A client of the API that adds units one at a time, and how long it waited."""

    def __init__(self, cluster, item):
        super().__init__(daemon=True)
        self.cluster, self.item, self.waits, self.added, self.unknown = cluster, item, [], 0, 0
        self.is_ending = threading.Event()

    def run(self):
        while not self.is_ending.wait(0.01):
            started = time.monotonic()
            status, _ = ask(self.cluster.http, f"/stock/add/{self.item}/1", "POST")
            self.waits.append(time.monotonic() - started)
            self.added += status == 200
            self.unknown += status != 200

    def finish(self):
        """Ends it."""
        self.is_ending.set()
        self.join()


def plant(chance, number, producer):
    """Sends something that has to be refused; returns the code that it is refused with."""
    item = f"fed-{chance.randrange(ITEMS)}"
    kind = number % 5
    if kind == 0:
        producer.send(item, "no JSON")
        return "unreadable_command"
    if kind == 1:
        producer.send("another", {"command": "add_stock", "item": item, "quantity": 1})
        return "unreadable_command"
    if kind == 2:
        producer.send(item, {"command": "subtract_stock", "item": item, "quantity": 1 << 50})
        return "less_in_stock"
    if kind == 3:
        producer.send(f"none-{number}", {"command": "add_stock", "item": f"none-{number}", "quantity": 1})
        return "unknown_item"
    producer.send(item, {"command": "create_item", "item": item, "price": 1})
    return "already_exists"


def commands_while_owners_die(checks, cluster, seed, count, kills):
    """So many commands, some of them to be refused, while pods of stock are killed: each takes effect once."""
    chance = random.Random(f"{seed} ingest")
    cluster.wait_until_settled()
    wanted, planted = collections.Counter(), collections.Counter()
    with contextlib.closing(Producer(cluster, f"{PREFIX}stock.ingest")) as first:
        for number in range(ITEMS):
            first.send(f"fed-{number}", {"command": "create_item", "item": f"fed-{number}", "price": 100})
        first.finish()
    wait_until(lambda: lag(cluster) == 0, "the items are taken", 60)
    caller = Callers(cluster, "fed-0")
    caller.start()
    started = time.monotonic()
    with contextlib.closing(Producer(cluster, f"{PREFIX}stock.ingest")) as producer:
        for number in range(count):
            item, quantity = f"fed-{chance.randrange(ITEMS)}", chance.randrange(1, 10)
            wanted[item] += quantity
            producer.send(item, {"command": "add_stock", "item": item, "quantity": quantity})
            if number % (count // 50) == count // 100:
                planted[plant(chance, number // (count // 50), producer)] += 1
            if number % (count // kills) == count // (2 * kills):
                victim = chance.choice(cluster.pods("stock"))
                pid = cluster.send(victim, signal.SIGKILL)
                cluster.wait_for_another(victim, pid)
        producer.finish()
    wait_until(lambda: lag(cluster) == 0, "all commands are taken", TAKE_SECONDS_MAX,
               reason=lambda: f"lag {lag(cluster)}", every=0.2)
    print(f"       {checks.name}: {count} commands with {kills} kills in {time.monotonic() - started:.1f} s", flush=True)
    caller.finish()
    check_sums(checks, cluster, wanted, caller)
    seen = refused(cluster)
    checks.check(seen == planted, f"refused: {dict(seen)}, planted: {dict(planted)}")
    audit(checks, cluster)


def check_sums(checks, cluster, wanted, caller):
    """Holds what the API shows of each item against what was sent; what a caller does not know may have been done."""
    wrong = []
    for number in range(ITEMS):
        item = f"fed-{number}"
        status, body = cluster.ask(f"/stock/find/{item}")
        stock = json.loads(body).get("stock") if status == 200 else body
        more = (caller.added, caller.added + caller.unknown) if item == caller.item else (0, 0)
        if status != 200 or not wanted[item] + more[0] <= stock <= wanted[item] + more[1]:
            wrong.append(f"{item}: {stock} instead of {wanted[item]} and {more}")
    checks.check(not wrong, f"each command took effect once {'; '.join(wrong)[:500]}")


def callers_beside_commands(checks, cluster, seed, count):
    """So many commands as fast as they are taken, and a client of the API beside them, who hardly waits."""
    chance = random.Random(f"{seed} beside")
    cluster.wait_until_settled()
    caller = Callers(cluster, "fed-1")
    with contextlib.closing(Producer(cluster, f"{PREFIX}stock.ingest")) as producer:
        for _ in range(count):
            item = f"fed-{chance.randrange(ITEMS)}"
            producer.send(item, {"command": "add_stock", "item": item, "quantity": 1})
            if not caller.is_alive():
                caller.start()
        producer.finish()
    wait_until(lambda: lag(cluster) == 0, "all commands are taken", TAKE_SECONDS_MAX, every=0.1)
    caller.finish()
    waits = sorted(caller.waits)
    longest, middle = waits[-1], waits[len(waits) // 2]
    print(f"       {checks.name}: {len(waits)} requests beside {count} commands: p50 {middle * 1e3:.1f} ms, longest "
          f"{longest * 1e3:.0f} ms", flush=True)
    checks.check(caller.unknown == 0 and longest <= REST_WAIT_MAX,
                 f"{caller.added} requests were answered, {caller.unknown} not; the longest took {longest:.2f} s")
