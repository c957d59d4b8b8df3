"""A cluster that loses its processes and disks, all at once, and what brings it back: the commands of docs/backup.md."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import location

import identity
import kafka
import member
import table
from checks import DrillFailure, wait_until
from pages import blocks

PAGE = "docs/backup.md"
# The first lines of its blocks, as in Tests/Readme/commands.py.
BACKUP, RESTORE = "install -d -m 0700 backup", "for service in orders stock payments; do"
COMMAND_SECONDS_MAX = 60
SERVER_SECONDS_MAX = 90
END_SECONDS_MAX = 20


# The page's commands.

def script(begins):
    """The page's block that begins so."""
    with open(os.path.join(location.REPOSITORY, PAGE), encoding="utf-8") as file:
        found = [block.text for block in blocks(PAGE, file.read()) if block.key() == (PAGE, begins)]
    if len(found) != 1:
        raise DrillFailure(f"{PAGE} has {len(found)} blocks that begin with '{begins}'")
    return found[0]


def run_page(cluster, begins, folder):
    """Runs a block of docs/backup.md in a folder, on the databases of this cluster."""
    databases = cluster.databases()
    secrets = os.path.join(folder, "secrets")
    os.makedirs(secrets, exist_ok=True)
    for service in cluster.plan().pods:
        table.write(os.path.join(secrets, f"postgres-{service}"), databases.connection(service) + "\n", mode=0o600)
    environment = member.clean_environment()
    environment["PATH"] = f"{databases.machine.postgres_folder}:{environment['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script(begins).replace("/etc/kassa", secrets)], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment, timeout=COMMAND_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise DrillFailure(f"docs/backup.md, '{begins}', ended with {done.returncode}: {done.stdout[-1000:]}")


def backed_up(cluster, place, seed):
    """Dumps all databases three times and takes one of each: each service's is from a different moment. Returns their
    order, the oldest first."""
    services = list(cluster.plan().pods)
    random.Random(f"{seed} {place}").shuffle(services)
    os.makedirs(os.path.join(place, "chosen"))
    for number, service in enumerate(services):
        time.sleep(1 if number else 0)
        folder = os.path.join(place, str(number))
        os.mkdir(folder)
        run_page(cluster, BACKUP, folder)
        os.rename(os.path.join(folder, "backup", f"{service}.dump"), os.path.join(place, "chosen", f"{service}.dump"))
    return services


def restored(cluster, place):
    """Restores what was chosen into the databases of servers that run and have none."""
    folder = os.path.join(place, "restore")
    os.makedirs(folder)
    os.rename(os.path.join(place, "chosen"), os.path.join(folder, "backup"))
    databases = cluster.databases()
    for service in cluster.plan().pods:
        databases.make_database(service)
    run_page(cluster, RESTORE, folder)


# The machine.

def killed(cluster):
    """kill -9 of everything at once, the supervisor first, so that nothing is started again."""
    supervisor = table.read_json(os.path.join(cluster.folder, "supervisor.pid"), None)
    if not supervisor or not identity.send(supervisor, signal.SIGKILL):
        raise DrillFailure("the stack has no supervisor")
    wait_until(lambda: not identity.is_alive(supervisor), "the supervisor ends", END_SECONDS_MAX)
    known = table.read_json(os.path.join(cluster.folder, "identities.json"), [])
    for one in known:
        identity.send(one, signal.SIGKILL)
    wait_until(lambda: not any(map(identity.is_alive, known)), "everything ends", END_SECONDS_MAX)
    return len(known)


def databases_deleted(cluster):
    """The databases' disks are gone."""
    folder = cluster.databases().folder
    for service in cluster.plan().pods:
        shutil.rmtree(os.path.join(folder, service))


def broker_folders(cluster):
    """Where each broker keeps its topics."""
    plan = cluster.plan()
    return [os.path.join(cluster.folder, "data", name) for name in kafka.names(plan)]


@contextlib.contextmanager
def servers(cluster):
    """Database servers and brokers, with new disks where they have lost theirs, and nothing else of the stack."""
    databases, plan = cluster.databases(), cluster.plan()
    databases.prepare()
    data = os.path.join(cluster.folder, "data")
    kafka.prepare(plan, databases.machine, data)
    specs = databases.specs() + kafka.specs(plan, databases.machine, data)
    running = [member.Member(spec, os.path.join(cluster.folder, "logs", f"{spec.name}.log"), lambda text: None,
                             lambda: None) for spec in specs]
    try:
        for one in running:
            one.start()
        for one in running:
            if not one.is_ready.wait(SERVER_SECONDS_MAX):
                raise DrillFailure(f"{one.spec.name} does not come up: {one.log_end()}")
        yield
    finally:
        for one in running:
            one.stop()


def with_topics(cluster):
    """Makes the topics that are missing."""
    plan = cluster.plan()
    replicas = 3 if plan.brokers == 3 else 1
    argv = [cluster.kassa, "topics", "create", "--brokers", kafka.addresses(plan), "--partitions", str(plan.partitions),
            "--replication", str(replicas), "--min-insync", str(max(1, replicas - 1))]

    def is_made():
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS_MAX,
                              env=member.clean_environment(), check=False).returncode == 0

    wait_until(is_made, "kassa topics create", SERVER_SECONDS_MAX, every=0.3)


def copy_brokers(cluster, place):
    """The brokers' disks as they are at one moment: what a snapshot of all of them has."""
    names = kafka.names(cluster.plan())
    pids = [cluster.send(name, signal.SIGSTOP) for name in names]
    try:
        for folder in broker_folders(cluster):
            shutil.copytree(folder, os.path.join(place, os.path.basename(folder)))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
