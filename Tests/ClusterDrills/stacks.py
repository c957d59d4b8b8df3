"""The stacks that drills ask for, one at a time: two of them are more than a small machine holds."""
import tempfile

import location  # noqa: F401  pylint: disable=unused-import
from checks import DrillFailure
from cluster import Cluster
from linked import LinkedCluster

PARTITIONS = ("--partitions", "8")
# Reached within seconds by clients that find no database.
SMALL_BOUNDS = ("--pod-settings", "KASSA_DIRTY_ENTITIES_MAX=300 KASSA_CHECKPOINT_ENTITIES_DUE=150")
KINDS = {
    "servers": lambda kassa, folder: LinkedCluster(kassa, folder, PARTITIONS),
    "small bounds": lambda kassa, folder: LinkedCluster(kassa, folder, PARTITIONS + SMALL_BOUNDS),
    "brokers": lambda kassa, folder: Cluster(kassa, folder, PARTITIONS + ("--brokers", "3")),
}
# Arrivals a second of `kassa bench`: three brokers are much for a small machine.
RATES = {"servers": 150, "small bounds": 150, "brokers": 60}


class Stacks:
    """Starts a stack of the kind that is wanted, and ends the one before."""

    def __init__(self, kassa, is_measured):
        self.kassa, self.is_measured = kassa, is_measured
        self.kind = self.cluster = self.folder = None

    def take(self, kind):
        """The stack of a kind. A `DrillFailure` where it does not come up."""
        if kind != self.kind:
            self.stop()
            self.folder = tempfile.TemporaryDirectory(prefix="kassa-drills-")  # pylint: disable=consider-using-with
            self.kind, self.cluster = kind, KINDS[kind](self.kassa, f"{self.folder.name}/stack")
            self.cluster.is_measured, self.cluster.rate = self.is_measured, RATES[kind]
            try:
                self.cluster.start()
                if self.is_measured:
                    self.cluster.warm_up()
            except DrillFailure:
                self.stop()
                raise
        return self.cluster

    def stop(self):
        """Ends the stack that runs, and deletes its data."""
        cluster, self.cluster, self.kind = self.cluster, None, None
        if cluster is not None:
            with self.folder:
                cluster.stop()
