"""What is to run: how many of each, and at which ports. It is kept between runs, so that addresses stay."""
import dataclasses
import json

import ports
import table

SERVICES = ("orders", "stock", "payments")
PODS_MAX = 16
# Of each service, unless another number is asked for. The one place that decides it: docs/stack.md is held to it. Fewer than
# the program's default, since each partition costs the one broker requests and everything shares one machine's processors;
# and enough for twice the pods that a service has here.
PARTITIONS = 4
# The words of a pod's ports, in the order in which they are given away.
POD_PORTS = ("http", "operator", "peers")


class BadPlan(Exception):
    """What was asked for cannot be run."""


@dataclasses.dataclass
class Plan:
    """One stack. `ports` maps a name such as `stock-1/http`, `kafka-1`, `redis` to a port of 127.0.0.1."""
    pods: dict
    brokers: int = 1
    partitions: int = PARTITIONS
    pod_settings: str = ""
    # Where pods find a server, or each other, when not at its own port: what tests have put between them.
    detours: dict = dataclasses.field(default_factory=dict)
    ports: dict = dataclasses.field(default_factory=dict)

    def address(self, name):
        """HOST:PORT of something with a port."""
        return f"127.0.0.1:{self.ports[name]}"

    def reached(self, name):
        """HOST:PORT at which pods find something with a port."""
        return f"127.0.0.1:{self.detours.get(name) or self.ports[name]}"

    def check(self):
        """Raises `BadPlan` where a number is out of range."""
        for service in SERVICES:
            check_pods(self.pods.get(service))
        if self.brokers not in (1, 3):
            raise BadPlan(f"BROKERS is 1 or 3, not {self.brokers}")
        if not 1 <= self.partitions <= 256:
            raise BadPlan(f"PARTITIONS is 1 to 256, not {self.partitions}")
        for setting in self.pod_settings.split():
            if not setting.startswith("KASSA_") or "=" not in setting:
                raise BadPlan(f"POD_SETTINGS has words KASSA_NAME=VALUE, not '{setting}'")

    def names_of_ports(self):
        """Everything that needs a port. Pods that may come later have theirs at once: the gateway knows them all."""
        names = ["gateway", "redis"]
        names += [f"postgres-{service}" for service in SERVICES]
        names += [f"kafka-{number}{part}" for number in range(1, 4) for part in ("", "/controller", "/detour")]
        names += [f"{pod}/{port}" for service in SERVICES for pod in pod_names(service) for port in POD_PORTS]
        return names

    def take_ports(self, previous):
        """Keeps the ports of the run before where they are still free, finds others elsewhere."""
        names = self.names_of_ports()
        self.ports = {name: previous[name] for name in names if name in previous and ports.is_free(previous[name])}
        missing = [name for name in names if name not in self.ports]
        self.ports.update(zip(missing, ports.find(len(missing), taken=self.ports.values())))

    def check_ports(self):
        """Raises `ports.NoPort` where a port of the plan has been taken by another program meanwhile."""
        taken = [f"{name} (127.0.0.1:{port})" for name, port in self.ports.items() if not ports.is_free(port)]
        if taken:
            raise ports.NoPort(f"another program has taken the port of {', '.join(taken)}: run make stack again,"
                               " which finds others")

    def save(self, path):
        """Writes the plan for the next run."""
        table.write(path, json.dumps(dataclasses.asdict(self), indent=1) + "\n")


def detours(text):
    """The detours of `NAME=PORT …`. `BadPlan` where a word is none."""
    found = {}
    for word in text.split():
        name, _, port = word.partition("=")
        if not name or not port.isdigit():
            raise BadPlan(f"a detour is NAME=PORT, not '{word}'")
        found[name] = int(port)
    return found


def check_pods(count):
    """Raises `BadPlan` where a service cannot have so many pods."""
    if not isinstance(count, int) or not 1 <= count <= PODS_MAX:
        raise BadPlan(f"a service has 1 to {PODS_MAX} pods, not {count}")


def pod_names(service, count=PODS_MAX):
    """`stock-0`, `stock-1` and so on."""
    return [f"{service}-{index}" for index in range(count)]


def load(path):
    """The plan of the run before; None when there is none."""
    known = table.read_json(path, None)
    if not isinstance(known, dict):
        return None
    names = {field.name for field in dataclasses.fields(Plan)}
    return Plan(**{name: value for name, value in known.items() if name in names})
