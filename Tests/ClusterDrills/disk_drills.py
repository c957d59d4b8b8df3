"""The disk of a database is full for a while, then has space again."""
import contextlib
import os
import shutil
import subprocess
import time

import location

from checks import DrillFailure, wait_until
from cluster import Crowd
from server_drills import await_server, drained, resume, show_waits
from set_back_drills import audit, while_ended

# What the database may still write before its disk is filled: less than the load changes.
SPARE_BYTES = 64 << 20
NOTICE_SECONDS_MAX = 60
# From the moment when there is space again. The server may have to recover, and pods try again every 5 s at most.
RESUME_PAUSE_MAX = 20.0


class SmallDisk:
    """A separate file system for a service's database, in memory, little larger than the data. Only root can make
    one."""

    def __init__(self, cluster, service):
        self.cluster, self.name = cluster, f"postgres-{service}"
        self.data = os.path.join(cluster.databases().folder, service)
        self.aside = f"{self.data}.aside"
        self.ballast = os.path.join(self.data, "ballast")
        self.is_mounted = False

    def take_place(self):
        """Moves the data there. Returns the pid of the server that has ended for it."""
        def change():
            size = sum(os.lstat(os.path.join(folder, name)).st_blocks * 512
                       for folder, _, names in os.walk(self.data) for name in names)
            owner = os.stat(self.data)
            os.rename(self.data, self.aside)
            os.mkdir(self.data, 0o700)
            run("mount", "-t", "tmpfs", "-o", f"size={size + SPARE_BYTES},mode=0700,uid={owner.st_uid},"
                f"gid={owner.st_gid}", "kassa-drill", self.data)
            self.is_mounted = True
            run("cp", "-a", f"{self.aside}/.", self.data)
            shutil.rmtree(self.aside)

        return while_ended(self.cluster, self.name, change)

    def fill(self):
        """Takes all the space that is left. Returns how many bytes that were."""
        taken = 0
        with contextlib.suppress(OSError), open(self.ballast, "wb", buffering=0) as file:
            while True:
                taken += file.write(bytes(1 << 16))
        return taken

    def empty(self):
        """Gives the space back."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.ballast)

    def leave(self):
        """Moves the data back to where it was."""
        if not self.is_mounted:
            return None
        self.empty()

        def change():
            run("cp", "-a", self.data, self.aside)
            run("umount", self.data)
            self.is_mounted = False
            os.rmdir(self.data)
            os.rename(self.aside, self.data)

        return while_ended(self.cluster, self.name, change)


def run(*argv):
    """Runs a program of the system's."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise DrillFailure(f"{' '.join(argv)}: {done.stderr.strip()[-300:]}")


def full_disk(checks, cluster, seed, service="stock", seconds=15):
    """A database cannot write: buyers are served from memory and the log. Once there is space again, everything gets
    into it."""
    if os.geteuid() != 0:
        run(os.path.join(location.REPOSITORY, "scripts", "not-run"), "the drill of a full disk",
            "only root can mount a file system")
        return
    cluster.wait_until_settled()
    disk = SmallDisk(cluster, service)
    try:
        await_server(cluster, disk.name, disk.take_place())
        cluster.wait_until_settled()
        with contextlib.closing(Crowd(cluster, seed, seconds=seconds + 25)) as crowd:
            pods = cluster.pods(service)
            failed = cluster.metric(pods, "kassa_partition_checkpoint_failures_total")
            crowd.longest_waits()
            # A server whose log cannot grow ends, and is started again in vain.
            cluster.ends.allow(disk.name)
            taken = disk.fill()
            checks.check(taken > 0, f"{taken >> 20} MiB that were free are taken")
            wait_until(lambda: cluster.metric(pods, "kassa_partition_checkpoint_failures_total") > failed
                       or cluster.metric(pods, "kassa_postgres_connected") < len(pods),
                       "the pods notice that their database cannot write", NOTICE_SECONDS_MAX, every=0.1)
            before = crowd.additions()
            time.sleep(seconds)
            made = crowd.additions() - before
            checks.check(made > 0, f"{made} additions while the disk was full")
            disk.empty()
            back = time.monotonic()
            resume(checks, cluster, crowd, back, "with space again", RESUME_PAUSE_MAX)
            show_waits(checks, f"the disk of {disk.name} was full for {seconds} s", crowd.longest_waits())
            crowd.finish(checks, paid_min=50, additions_min=50)
        drained(checks, cluster)
    finally:
        pid = disk.leave()
    await_server(cluster, disk.name, pid)
    cluster.wait_until_settled()
    drained(checks, cluster)
    audit(checks, cluster)
