"""What becomes of each command that a page shows: every one of them stands here, or the test fails.

`Run` commands run as they stand, in a fresh clone, in the course that is named, in the order of their pages. What cannot
is `Adapted` (words of it replaced, since they name a place or a size of the reader's) or `NotRun`, each with the reason.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Run:
    """Runs as it stands. `code` is what it ends with."""
    course: str
    code: int = 0


@dataclasses.dataclass(frozen=True)
class Adapted:
    """Runs with some words replaced."""
    course: str
    replaced: tuple
    why: str
    code: int = 0


@dataclasses.dataclass(frozen=True)
class NotRun:
    """Is not run; what it takes, or the test that runs the like of it."""
    why: str


# The courses. SERVE: the server of `make run`, and what is asked of it. STACK: a cluster. TOOLS: the program alone.
# MORE: what takes minutes of its own, in the long run only (Tests/Readme/run --long).
SERVE, STACK, TOOLS, MORE = "serve", "stack", "tools", "more"

COMMANDS = {
    "README.md": {
        "make run": Run(SERVE),
        "make test": NotRun("it is what runs this: Tests/Stack/test_not_run.py tests its script"),
    },
    "docs/stack.md": {
        "make stack": Run(STACK),
        "make stack ORDERS=1 STOCK=4 BROKERS=3": Run(MORE),
        "curl -X POST http://$(cat .stack/gateway)/payment/create_user": Run(STACK),
        "make stack-status": Run(STACK),
        "make stack-scale SERVICE=stock PODS=4": Run(STACK),
        "make stack-restart": Run(STACK),
        "make stack-stop": Run(STACK),
    },
    "docs/kafka.md": {
        "kassa topics create --brokers kafka:9092 --partitions 64": NotRun("a broker at kafka:9092; KafkaIntegration"),
        "kassa topics check  --brokers kafka:9092 --partitions 64": NotRun("a broker at kafka:9092; KafkaIntegration"),
    },
    "docs/running.md": {
        "kassa serve --http 0.0.0.0:8000 --data /var/lib/kassa": Adapted(
            SERVE, (("0.0.0.0:8000", "127.0.0.1:{http}"), ("/var/lib/kassa", "served"),
                    ("kassa serve", "timeout --preserve-status -s TERM 5 kassa serve --operator 127.0.0.1:{operator}")),
            "tests listen on 127.0.0.1 only, and write below their own folder; it is ended after 5 s"),
        "kassa topics create --brokers kafka:9092 --partitions 64": NotRun("a broker at kafka:9092; KafkaIntegration"),
        "kassa serve --config /etc/kassa.env": NotRun("a pod's settings in /etc; Tests/Stack runs pods"),
        "KASSA_MODE=cluster KASSA_PARTITIONS=64 KASSA_KAFKA_BROKERS=kafka-1:9092 KASSA_POSTGRES_ORDERS='host=…' "
        "KASSA_POSTGRES_STOCK='host=…' KASSA_POSTGRES_PAYMENTS='host=…' kassa verify": NotRun(
            "a cluster of the reader's; Tests/Stack/whole verifies one"),
    },
    "docs/monitoring.md": {
        "kassa partitions 10.0.0.7:9000": NotRun("a pod at 10.0.0.7; Tests/Stack/whole asks all pods"),
    },
    "docs/peers.md": {
        "kassa keys --out peers.key": Run(TOOLS),
        "kassa serve --mode cluster --peers 0.0.0.0:7000 --peers-advertise 10.0.0.7:7000 --peer-keys peers.key …": NotRun(
            "the address of a host, and settings that are left out; Tests/Stack runs pods"),
    },
    "docs/postgres.md": {
        "swift test -c release -Xswiftc -enable-testing --filter SpeedTests": NotRun(
            "an optimised build of all tests, ten minutes of processor time, and a machine that does nothing else"),
    },
    "docs/troubleshooting.md": {
        "sqlite3 FOLDER/log.sqlite 'SELECT partition >> 12, partition & 4095, offset, hex(body), reason FROM quarantined'":
            Adapted(SERVE, (("FOLDER", "served"),), "the reader's data folder"),
    },
    "docs/internals/simulator.md": {
        "make sim SEEDS=10000 STEPS=3000": Adapted(
            TOOLS, (("SEEDS=10000", "SEEDS=20"),), "ten thousand worlds take ten minutes of processor time"),
        "kassa sim --seed 1005 --seeds 1": Run(TOOLS),
        "kassa sim --bug dedupOff": Run(TOOLS, code=1),
    },
}

# Blocks that run as one script, by page and first line.
SCRIPTS = {
    ("README.md", "api=http://127.0.0.1:8000"): SERVE,
}

# Blocks without a language that are no commands, by page and first line.
DATA = {
    ("docs/kafka.md", "rdkafka.security.protocol=SASL_SSL"),
    ("docs/monitoring.md", "PARTITION    OWNER       EPOCH  STATE       LAG  CHECKPOINT AGE  DIRTY  PARKED  APPLIED  "
     "CHECKPOINTED"),
    ("docs/running.md", "KASSA_MODE=cluster"),
    ("docs/running.md", "FORMAT         the folder's format version and its partition count"),
    ("docs/stack.md", ".stack/gateway         the gateway's address; it is there as long as the stack is ready"),
    ("docs/internals/saga.md", "Order ──reserve──► Stock p1 ──reserve──► Stock p2 … ──charge──► Payment"),
    ("docs/internals/saga.md", "open ──checkout──► checkingOut ──paid──► paid"),
    ("docs/internals/saga.md", "reserve ─► parked ─► held ─► committed (gone)"),
    ("docs/internals/saga.md", "pay by hand ─► byHand ──cancel──► refunded ──pay by hand──► byHand"),
}
