"""Apache Kafka: one broker or three, each its own controller (KRaft), small."""
import base64
import os
import subprocess
import uuid

import probes
import table
from member import Spec

# A gigabyte of heap would be its default; the topics here are small, and the log itself is the page cache's.
# A broker is slow until Java's thorough compiler has been through it, which takes half a minute of load: it begins
# earlier here.
BROKER_OPTIONS = ("-Xms256m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:Tier4InvocationThreshold=2000",
                  "-XX:Tier4MinInvocationThreshold=300", "-XX:Tier4CompileThreshold=6000")
FORMAT_SECONDS_MAX = 60

LOGGING = """\
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
logger.kafka.name = kafka
logger.kafka.level = INFO
logger.state.name = state.change.logger
logger.state.level = WARN
"""


class KafkaFailure(Exception):
    """A broker's folder could not be made."""


def names(plan):
    """`kafka-1` and so on."""
    return [f"kafka-{number}" for number in range(1, plan.brokers + 1)]


def addresses(plan):
    """All brokers, as clients are told."""
    return ",".join(plan.address(name) for name in names(plan))


def addresses_for_pods(plan):
    """All brokers, as pods are told."""
    return ",".join(plan.reached(name) for name in names(plan))


def properties(plan, number, folder):
    """A broker's server.properties."""
    name = f"kafka-{number}"
    replicas = 3 if plan.brokers == 3 else 1
    voters = ",".join(f"{voter}@{plan.address(f'kafka-{voter}/controller')}" for voter in range(1, plan.brokers + 1))
    settings = {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{plan.address(name)},CONTROLLER://{plan.address(name + '/controller')}",
        "advertised.listeners": f"PLAINTEXT://{plan.address(name)}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": os.path.join(folder, "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": max(1, replicas - 1),
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": max(1, replicas - 1),
        "transaction.state.log.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 1,
        "num.io.threads": 2,
        # Pods here have sessions of 2 s: the pause after a crash.
        "group.min.session.timeout.ms": 2000,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    if name in plan.detours:
        # A broker tells its clients where to go on: those of a listener are told the detour.
        settings["listeners"] += f",DETOUR://{plan.address(name + '/detour')}"
        settings["advertised.listeners"] += f",DETOUR://{plan.reached(name)}"
        settings["listener.security.protocol.map"] += ",DETOUR:PLAINTEXT"
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def specs(plan, machine, data):
    """A process for each broker."""
    return [_spec(plan, machine, number, os.path.join(data, f"kafka-{number}"))
            for number in range(1, plan.brokers + 1)]


def prepare(plan, machine, data):
    """Makes the folders of new brokers, and writes the settings of all. Java is slow to start: all at the same time."""
    cluster_file = os.path.join(data, "kafka-cluster")
    known = table.read_json(cluster_file, None)
    if known is None:
        known = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)
        table.write(cluster_file, f'"{known}"\n')
    formatting = []
    for number in range(1, plan.brokers + 1):
        folder = os.path.join(data, f"kafka-{number}")
        os.makedirs(folder, exist_ok=True)
        table.write(os.path.join(folder, "server.properties"), properties(plan, number, folder))
        table.write(os.path.join(folder, "log4j2.properties"), LOGGING)
        if not os.path.exists(os.path.join(folder, "data", "meta.properties")):
            argv = _java(machine, folder, "kafka.tools.StorageTool", "format", "-t", known,
                         "-c", os.path.join(folder, "server.properties"))
            formatting.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                               stderr=subprocess.STDOUT, text=True, errors="replace"))
    failures = []
    for process in formatting:
        try:
            told, _ = process.communicate(timeout=FORMAT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
        if process.returncode != 0:
            failures.append(told[-1000:])
    if failures:
        raise KafkaFailure("Kafka's folder cannot be made:\n" + "\n".join(failures))


def _java(machine, folder, *words, options=("-XX:TieredStopAtLevel=1",)):
    return [machine.java, *options, *_logging(folder), "-cp", os.path.join(machine.kafka_libs, "*"), *words]


def _logging(folder):
    return [f"-Dlog4j2.configurationFile={os.path.join(folder, 'log4j2.properties')}", "-Dkafka.log.level=warn"]


def _spec(plan, machine, number, folder):
    name = f"kafka-{number}"
    port = plan.ports[name]
    argv = _java(machine, folder, "kafka.Kafka", os.path.join(folder, "server.properties"), options=BROKER_OPTIONS)
    return Spec(name, "kafka", plan.address(name), argv, lambda: probes.accepts(port), folder, stop_seconds=20)
