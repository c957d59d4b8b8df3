"""A database is set back to an older copy of itself while its pods run, as a fail-over to a replica that lags does."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

import location  # noqa: F401  pylint: disable=unused-import

import identity
import table
from checks import DrillFailure, wait_until
from cluster import Crowd
from server_drills import await_server, drained, show_waits

COPY_SECONDS_MAX = 60
END_SECONDS_MAX = 30
NOTICE_SECONDS_MAX = 60
# From the moment that the older copy takes connections until all partitions are owned and run again.
TAKEOVER_SECONDS_MAX = 60


def while_ended(cluster, name, change):
    """Ends a database server in order and changes something before it is started again: its supervisor is stopped
    meanwhile. Returns the pid of the server that has ended."""
    supervisor = table.read_json(os.path.join(cluster.folder, "supervisor.pid"), None)
    if not supervisor or not identity.send(supervisor, signal.SIGSTOP):
        raise DrillFailure("the stack has no supervisor")
    try:
        server = identity.describe(cluster.send(name, signal.SIGINT, code=0))
        wait_until(lambda: not identity.is_alive(server), f"{name} ends", END_SECONDS_MAX)
        change()
    finally:
        identity.send(supervisor, signal.SIGCONT)
    return server["pid"]


class Copy:
    """A copy of a service's database at one moment."""

    def __init__(self, cluster, service):
        self.cluster, self.name = cluster, f"postgres-{service}"
        databases = cluster.databases()
        self.machine = databases.machine
        self.data = os.path.join(databases.folder, service)
        self.folder = f"{self.data}.copy"
        # The server's user cannot read the runner's folders.
        password = table.read_json(databases.password_file, "")
        connection = f"host=127.0.0.1 port={cluster.plan().ports[self.name]} user=postgres"
        self.run(["pg_basebackup", "--pgdata", self.folder, "--dbname", connection, "--checkpoint", "fast",
                  "--wal-method", "stream", "--no-sync"], {"PGPASSWORD": password})

    def run(self, argv, environment):
        """Runs a program of PostgreSQL's as the server's user."""
        user = self.machine.postgres_user
        who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run([self.machine.postgres(argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, text=True, cwd="/",
                              capture_output=True, timeout=COPY_SECONDS_MAX, check=False,
                              env=dict(os.environ) | environment, **who)
        if done.returncode != 0:
            raise DrillFailure(f"{argv[0]}: {done.stderr[-500:]}")

    def put_back(self):
        """Puts the copy in the place of the data. Returns the pid of the server that has ended for it."""
        def change():
            shutil.rmtree(self.data)
            os.rename(self.folder, self.data)

        return while_ended(self.cluster, self.name, change)

    def close(self):
        """Deletes a copy that was not put back."""
        shutil.rmtree(self.folder, ignore_errors=True)


def set_back(checks, cluster, seed, service="payments", seconds=10):
    """What the database has acknowledged in these seconds is gone: its pods notice, write nothing on top of the hole,
    and take their partitions over again from what is left. The log restores what is missing."""
    cluster.wait_until_settled()
    pods = cluster.pods(service)
    with contextlib.closing(Crowd(cluster, seed, seconds=seconds + 20)) as crowd:
        with contextlib.closing(Copy(cluster, service)) as copy:
            time.sleep(seconds)
            # Later checkpoints than the copy's: otherwise there is nothing to notice.
            wait_until(lambda: sum(tally.count("200") for tally in crowd.tallies) >= 200, "clients are served", 60)
            acquired = cluster.metric(pods, "kassa_postgres_acquisitions_total")
            before = cluster.metric(pods, "kassa_postgres_set_back_total")
            crowd.longest_waits()
            pid = copy.put_back()
        up = await_server(cluster, copy.name, pid)

        def noticed():
            return cluster.metric(pods, "kassa_postgres_set_back_total") - before

        wait_until(lambda: noticed() > 0, "a pod notices that its database was set back", NOTICE_SECONDS_MAX, every=0.1)
        cluster.wait_until_settled(TAKEOVER_SECONDS_MAX)
        show_waits(checks, f"the database of {service} is set back by {seconds} s", crowd.longest_waits())
        crowd.finish(checks, paid_min=50, additions_min=50)
        drained(checks, cluster)
        taken = cluster.metric(pods, "kassa_postgres_acquisitions_total") - acquired
        checks.check(noticed() > 0 and taken > 0,
                     f"{noticed():.0f} checkpoints and loads were refused, {taken:.0f} partitions of {service} taken "
                     f"over anew, all within {time.monotonic() - up:.1f} s")
    said = [line for pod in pods for line in cluster.log(pod, lines=5000).splitlines() if " was set back: " in line]
    checks.check(bool(said), f"{len(said)} lines of the pods' logs say so {said[:1]}")
    audit(checks, cluster)


def audited(cluster):
    """Holds the databases against a replay of the log, and stock and money against each other: what `kassa verify` ends
    with, and what it says."""
    settings = {}
    for pod in ("orders-0", "stock-0", "payments-0"):
        with open(os.path.join(cluster.folder, "run", f"{pod}.env"), encoding="utf-8") as file:
            for name, value in (line.rstrip("\n").split("=", 1) for line in file):
                if name.startswith(("KASSA_KAFKA", "KASSA_POSTGRES")) or name in ("KASSA_MODE", "KASSA_PARTITIONS"):
                    settings[name] = json.loads(value)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KASSA_")}
    done = subprocess.run([cluster.kassa, "verify"], env=clean | settings, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def audit(checks, cluster):
    """`kassa verify` finds nothing, and has compared every partition that has a checkpoint from its first record on."""
    code, said = audited(cluster)
    kept = sum(int(cluster.query(service, "SELECT count(header) FROM kassa.checkpoints")[0])
               for service in cluster.plan().pods)
    lines = [line for line in said.splitlines() if not line.startswith("reading the log")]
    compared = f" {kept} partitions compared from their first record"
    checks.check(code == 0 and kept > 0 and compared in said, f"kassa verify: {code} {' / '.join(lines[-6:])}")
