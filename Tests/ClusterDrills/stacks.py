"""The stacks that drills ask for, one at a time: two of them are more than a small machine holds."""
import dataclasses
import sys
import tempfile
import typing

import location  # noqa: F401  pylint: disable=unused-import
from checks import DrillFailure
from cluster import Cluster
from linked import LinkedCluster

# Reached within seconds by clients that find no database.
SMALL_BOUNDS = "KASSA_DIRTY_ENTITIES_MAX=300 KASSA_CHECKPOINT_ENTITIES_DUE=150"


@dataclasses.dataclass
class Kind:
    """How a stack is started."""
    cluster: typing.Callable
    # Arrivals a second of `kassa bench`: proxies cost something, and three brokers are much for a small machine.
    rate: int
    options: tuple = ()
    partitions: int = 8


KINDS = {
    "pods": Kind(Cluster, 300, partitions=16),
    "links": Kind(LinkedCluster, 150),
    "small bounds": Kind(LinkedCluster, 150, ("--pod-settings", SMALL_BOUNDS)),
    "default sessions": Kind(Cluster, 150, ("--pod-settings", "KASSA_KAFKA_SESSION_TIMEOUT=6s")),
    "brokers": Kind(Cluster, 60, ("--brokers", "3")),
}


class Stacks:
    """Starts a stack of the kind that is wanted, and ends the one before."""

    def __init__(self, kassa, is_measured):
        self.kassa, self.is_measured = kassa, is_measured
        self.kind = self.cluster = self.folder = None
        self.has_failed = False

    def run(self, kind, drill, checks, seed):
        """Runs a drill on a stack of a kind. Where one fails, the processes' logs outlive the stack."""
        cluster, had_failed = self.take(kind), self.has_failed
        self.has_failed = True
        drill(checks, cluster, seed)
        self.has_failed = had_failed or checks.failed > 0

    def take(self, kind):
        """The stack of a kind. A `DrillFailure` where it does not come up."""
        if kind != self.kind:
            self.stop()
            self.start(kind)
        return self.cluster

    def start(self, kind):
        how = KINDS[kind]
        self.folder = tempfile.TemporaryDirectory(prefix="kassa-drills-")  # pylint: disable=consider-using-with
        self.cluster = how.cluster(self.kassa, f"{self.folder.name}/stack",
                                   ("--partitions", str(how.partitions), *how.options))
        self.kind, self.cluster.is_measured, self.cluster.rate = kind, self.is_measured, how.rate
        try:
            self.cluster.start()
            if self.is_measured:
                self.cluster.warm_up()
        except DrillFailure:
            self.has_failed = True
            self.stop()
            raise

    def stop(self):
        """Ends the stack that runs, and deletes its data."""
        cluster, self.cluster, self.kind = self.cluster, None, None
        if cluster is None:
            return
        with self.folder:
            if self.has_failed:
                print(f"       the processes' logs are kept in {cluster.keep_logs()}", file=sys.stderr, flush=True)
            self.has_failed = False
            cluster.stop()


class Running:
    """A stack that runs already, and goes on running."""

    def __init__(self, kassa, folder, is_measured):
        self.cluster = Cluster(kassa, folder)
        self.cluster.join()
        self.cluster.is_measured, self.cluster.rate = is_measured, KINDS["pods"].rate

    def run(self, _, drill, checks, seed):
        drill(checks, self.cluster, seed)

    def stop(self):
        """Leaves it as it is."""
