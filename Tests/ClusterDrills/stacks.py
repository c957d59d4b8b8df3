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
    # It has twice as many partitions afterwards.
    "growth": Kind(Cluster, 300, partitions=4),
    # The last drill loses its brokers: nothing of it runs in the end.
    "backups": Kind(Cluster, 300),
    "ingest": Kind(Cluster, 100, ("--pod-settings", "KASSA_INGEST=on"), partitions=4),
    "brokers": Kind(Cluster, 60, ("--brokers", "3")),
}


def drill_of(cluster, drill, checks, seed):
    """Runs a drill. No process of the stack may end but those that it ends, even where it could not continue."""
    try:
        drill(checks, cluster, seed)
    except DrillFailure:
        cluster.ends.check(checks, seconds=0)
        raise
    cluster.ends.check(checks)


class Stacks:
    """Starts a stack of the kind that is wanted, and ends the one before.

    The logs of processes that end unexpectedly are kept below `results`.
    """

    def __init__(self, kassa, is_measured, results=None):
        self.kassa, self.is_measured, self.results = kassa, is_measured, results
        self.kind = self.cluster = self.folder = None
        self.has_failed = False

    def run(self, kind, drill, checks, seed):
        """Runs a drill on a stack of a kind. Where one fails, the processes' logs outlive the stack."""
        try:
            self.leave(kind)
        except DrillFailure as failure:
            # It is the stack before that has failed: this drill is run all the same.
            checks.check(False, f"the end of the stack before: {failure}")
        cluster, had_failed = self.take(kind), self.has_failed
        self.has_failed = True
        drill_of(cluster, drill, checks, seed)
        self.has_failed = had_failed or checks.failed > 0

    def take(self, kind):
        """The stack of a kind. A `DrillFailure` where it does not come up."""
        if self.cluster is None:
            self.start(kind)
        return self.cluster

    def leave(self, kind):
        """Ends the stack that runs where it is of another kind. A `DrillFailure` where it did not end in order."""
        if kind != self.kind:
            self.stop()

    def start(self, kind):
        how = KINDS[kind]
        self.folder = tempfile.TemporaryDirectory(prefix="kassa-drills-")  # pylint: disable=consider-using-with
        self.cluster = how.cluster(self.kassa, f"{self.folder.name}/stack",
                                   ("--partitions", str(how.partitions), *how.options))
        self.kind, self.cluster.is_measured, self.cluster.rate = kind, self.is_measured, how.rate
        self.cluster.ends.results = self.results
        try:
            self.cluster.start()
            if self.is_measured:
                self.cluster.warm_up()
        except DrillFailure as failure:
            self.has_failed = True
            try:
                self.stop()
            except DrillFailure as more:
                raise DrillFailure(f"{failure}\n{more}") from failure
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
    """A stack that is already running, and keeps running."""

    def __init__(self, kassa, folder, is_measured, results=None):
        self.cluster = Cluster(kassa, folder)
        self.cluster.join()
        self.cluster.ends.results = results
        self.cluster.ends.skip()
        self.cluster.is_measured, self.cluster.rate = is_measured, KINDS["pods"].rate

    def run(self, _, drill, checks, seed):
        drill_of(self.cluster, drill, checks, seed)

    def stop(self):
        """Leaves it as it is."""
