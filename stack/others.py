"""Redis, the gateway and the pods: programs that are told what to do by a file each."""
import os

import gateway
import kafka
import plan as plans
import probes
import table
from member import Spec

READY_SECONDS_MAX = 60
# A pod ends after its requests (10 s), the hand-over (4 s), and the last checkpoints.
POD_STOP_SECONDS = 40


def redis_spec(plan, machine, folder):
    """Keeps nothing on disk: what it forgets is asked for again."""
    port = plan.ports["redis"]
    argv = [machine.redis, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--daemonize", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
    return Spec("redis", "redis", plan.address("redis"), argv, lambda: probes.redis_answers(port), folder,
                stop_seconds=10)


def gateway_spec(plan, machine, folder, serving):
    """`serving` tells the names of the pods that are in service at the moment of a start."""
    def write_files():
        for name, text in gateway.files(plan.address("gateway"), gateway.places(plan, serving())).items():
            table.write(os.path.join(folder, name), text)

    port = plan.ports["gateway"]
    argv = [machine.haproxy, "-db", "-f", "haproxy.cfg"]
    # SIGUSR1 would wait for the clients to leave.
    return Spec("gateway", "gateway", plan.address("gateway"), argv, lambda: probes.accepts(port), folder,
                stop_seconds=10, before_start=write_files)


def pod_settings(plan, service, name, connection):
    """A pod's settings by name."""
    replicas = 3 if plan.brokers == 3 else 1
    settings = {
        "KASSA_MODE": "cluster", "KASSA_SERVICE": service, "KASSA_ROLE": "all", "KASSA_POD": name,
        "KASSA_HTTP": plan.address(f"{name}/http"), "KASSA_OPERATOR": plan.address(f"{name}/operator"),
        "KASSA_PEERS": plan.address(f"{name}/peers"), "KASSA_PEERS_ADVERTISE": plan.reached(f"{name}/peers"),
        "KASSA_KAFKA_BROKERS": kafka.addresses_for_pods(plan),
        "KASSA_KAFKA_REPLICATION": replicas, "KASSA_KAFKA_MIN_INSYNC": max(1, replicas - 1),
        "KASSA_KAFKA_SESSION_TIMEOUT": "2s", f"KASSA_POSTGRES_{service.upper()}": connection,
        "KASSA_REDIS": f"redis://{plan.reached('redis')}", "KASSA_PARTITIONS": plan.partitions, "KASSA_LANES": 1,
        # When all pods end there is nobody to hand partitions over to.
        "KASSA_HANDOVER_TIME": "4s",
        # The supervisor tells the gateway of a pod that ends: there is nothing to wait for.
        "KASSA_DRAIN_DELAY": "0ms",
        # All clients have the gateway's address, and it keeps connections for longer than it needs them.
        "KASSA_CONNECTIONS_PER_ADDRESS_MAX": 10000, "KASSA_IDLE_TIME": "5m",
    }
    for setting in plan.pod_settings.split():
        settings.update([setting.split("=", 1)])
    return settings


def settings_text(settings):
    """A settings file: every value quoted."""
    def quoted(value):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "".join(f"{name}={quoted(value)}\n" for name, value in settings.items())


def pod_spec(plan, machine, service, name, folder, connection):
    """A pod with its settings in a file that only its user reads: it leads to a password."""
    path = os.path.join(folder, f"{name}.env")

    def write_settings():
        table.write(path, settings_text(pod_settings(plan, service, name, connection)), mode=0o600)

    port = plan.ports[f"{name}/operator"]
    return Spec(name, service, plan.address(f"{name}/operator"), [machine.kassa, "serve", "--config", path],
                lambda: probes.answers(port, "/readyz"), folder, stop_seconds=POD_STOP_SECONDS,
                before_start=write_settings)


def service_of(name):
    """The service of a pod's name."""
    service = name.rsplit("-", 1)[0]
    if service not in plans.SERVICES:
        raise ValueError(f"no pod: {name}")
    return service
