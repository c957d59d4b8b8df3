#!/usr/bin/env python3
"""Builds the image, starts the whole compose file, tries it, kills a container under load, and takes it all away again.

With the Docker engine that answers and the real images, else with its own engine in a folder and images that
stand in (images/). Where neither is possible, scripts/not-run notes it.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.parse
import urllib.request

import compose
import engine
import limits
import traffic

JOB_PACKAGES = os.path.join(compose.REPOSITORY, "scripts", "job-packages")
CONSISTENCY = os.path.join(compose.REPOSITORY, "test", "consistency", "run_consistency.py")
MICROSERVICES = os.path.join(compose.REPOSITORY, "test", "test-microservices", "test_microservices.py")
LOCUST = os.path.join(compose.REPOSITORY, "test", "stress-test-k8s", "locustfile.py")
CONTRACT = os.path.join(compose.REPOSITORY, "Tests", "Contract", "run.sh")
PODS = [f"{service}-{number}" for service in ("orders", "stock", "payments") for number in (0, 1)]
FOLDER_VARIABLE = "DOCKER_TEST_FOLDER"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
SECONDS_MAX = 900
HEALTHY_SECONDS_MAX = 90
PAGE = os.path.join(compose.REPOSITORY, "docs", "docker.md")
BACKUP_BEGINS = ("install -d -m 0700 backup", "docker compose down --volumes")


def say(text):
    """A line with the time since the start."""
    print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", flush=True)


STARTED = time.monotonic()


def wait(what, question, seconds):
    """Asks until the answer counts as true, and gives it back."""
    deadline = time.monotonic() + limits.seconds(seconds)
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what}: not in time")


def wait_until_healthy(container):
    """Until docker says so of a container, which may be known by its name or its id."""
    argv = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
    wait(f"{container} is healthy", lambda: engine.run(argv).strip() == "healthy", HEALTHY_SECONDS_MAX)


def check_containers(project):
    """Everything runs with as little as the compose file gives it, and no environment holds a password."""
    containers = project.containers()
    assert set(PODS) < set(containers), sorted(containers)
    for name, one in containers.items():
        host = one["HostConfig"]
        assert host["CapDrop"] == ["ALL"] and host["Memory"] > 0, f"{name}: {host['CapDrop']} {host['Memory']}"
        assert "no-new-privileges:true" in host["SecurityOpt"], f"{name}: {host['SecurityOpt']}"
        # The start script of Kafka's image writes into its root.
        assert host["ReadonlyRootfs"] or name == "kafka", f"{name} has a writable root"
        # The job that hands the passwords out is the only one of root's.
        assert one["Config"]["User"] not in ("", "0", "0:0", "root") or name == "secrets", f"{name} runs as root"
        if name in PODS:
            assert one["Config"]["User"] == "10001:10001", one["Config"]["User"]
            assert one["State"]["Health"]["Status"] == "healthy", f"{name}: {one['State']}"
    secret = read_secret(project, "orders", "password")
    assert len(secret) == 48, "the password of orders is no random word"
    leaks = [name for name, one in containers.items() if secret in json.dumps(one)]
    assert not leaks, f"docker inspect shows a password: {leaks}"


def read_secret(project, volume, name):
    """A password, as root of a container reads it."""
    return engine.run(["docker", "run", "--rm", "--user", "0:0", "--network", "none", "--entrypoint", "cat", "--volume",
                       f"{project.name}_secrets-{volume}:/secrets:ro", f"kassa:{project.tag}",
                       f"/secrets/{name}"]).strip()


def check_size(project):
    """What an image takes on disk; docs/docker.md promises 200 MB at most."""
    size = int(engine.run(["docker", "image", "inspect", "--format", "{{.Size}}", f"kassa:{project.tag}"]))
    say(f"the image takes {size / 1e6:.0f} MB")
    assert size < 200e6, size


def check_hosts(port):
    """Who asks by a name that is none of the shop's is refused: a web page that pointed its own at 127.0.0.1."""
    for host, status in ((f"localhost:{port}", 200), (f"127.0.0.1:{port}", 200), (f"evil.example:{port}", 421)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/openapi.json", headers={"Host": host})
            got = connection.getresponse().status
        assert got == status, f"{host}: {got}, it should be {status}"


def check_embedded(project):
    """One server alone, on a volume: read-only, without capabilities, and its data outlive it."""
    name, volume = f"{project.name}-embedded", f"{project.name}-data"
    argv = ["docker", "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL", "--memory", "256m",
            "--security-opt", "no-new-privileges:true", "--volume", f"{volume}:/var/lib/kassa",
            "--publish", "127.0.0.1::8000", "--env", "KASSA_NO_AUTHENTICATION=yes",
            "--env", "KASSA_HOSTS=localhost", f"kassa:{project.tag}"]
    try:
        item = None
        for _ in range(2):
            engine.run(argv)
            wait_until_healthy(name)
            port = int(engine.run(["docker", "port", name, "8000/tcp"]).strip().rsplit(":", 1)[-1])
            shop = traffic.Shop("127.0.0.1", port)
            if item is None:
                item = shop.value("POST", "/stock/item/create/3")["item_id"]
                shop.value("POST", f"/stock/add/{item}/5")
            assert shop.value("GET", f"/stock/find/{item}")["stock"] == 5
            check_hosts(port)
            engine.run(["docker", "stop", "-t", "30", name])
            state = json.loads(engine.run(["docker", "inspect", name]))[0]["State"]
            assert state["ExitCode"] == 0, f"docker stop: {state}"
            engine.run(["docker", "rm", name])
    finally:
        subprocess.run(["docker", "rm", "--force", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
        subprocess.run(["docker", "volume", "rm", volume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)


def job_python():
    """The python3 with the packages of test/."""
    done = subprocess.run([JOB_PACKAGES], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=limits.seconds(300))
    if done.returncode != 0:
        raise engine.CannotRun(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def run_job(what, argv, seconds):
    """A program of test/, which has to end with 0."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=limits.seconds(seconds))
    assert done.returncode == 0, f"{what}: exit code {done.returncode}\n{done.stdout}"


def check_microservices(python, address):
    """Both dialects, and what a checkout leaves in the other services."""
    run_job("test/test-microservices", [python, MICROSERVICES, "--url", address], 180)


def check_consistency(python, address):
    """Of one buyer, and of a hundred at once, exactly as many buy as there are units."""
    with tempfile.TemporaryDirectory(prefix="kassa-consistency-") as logs:
        run_job("test/consistency", [python, CONSISTENCY, "--url", address, "--buyers", "1,100", "--logs", logs], 180)


def check_load(python, address):
    """Locust's mixed scenario: every answer has to be the one that its scenario expects."""
    options = ["--headless", "--only-summary", "--users", "20", "--spawn-rate", "20", "--rate", "0", "--rounds", "300",
               "--run-time", "60s", "--init", "create", "--pool-users", "50", "--pool-items", "50"]
    run_job("test/stress-test-k8s", [python, "-m", "locust", "--locustfile", LOCUST, "--host", address, *options, "Mixed"], 120)


def kill_under_load(project):
    """Kills a container of stock while people buy: every answer holds, stock and money add up."""
    victim = project.containers()["stock-0"]["Id"]
    with traffic.Load(traffic.Shop("127.0.0.1", project.port)) as load:
        load.wait_for(200, 60)
        engine.run(["docker", "kill", victim])
        load.wait_for(200, 60)
        engine.run(["docker", "start", victim])
        wait_until_healthy(victim)
        load.wait_for(200, 60)
    say(f"stock-0 was killed under load: {load.check()} checkouts answered, stock and money add up")
    return load


def ask_prometheus(project, query):
    """The results of a query."""
    url = f"http://127.0.0.1:{project.prometheus_port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def check_prometheus(project):
    """It scrapes all pods, and has the rules."""
    wait("Prometheus scrapes all pods", lambda: len(ask_prometheus(project, 'up{job="kassa"} == 1')) == len(PODS), 60)
    with urllib.request.urlopen(f"http://127.0.0.1:{project.prometheus_port}/api/v1/rules", timeout=10) as answer:
        groups = json.load(answer)["data"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if rule["type"] == "alerting"]
    assert alerts and all(rule["health"] != "err" for rule in alerts), alerts


def audit(project):
    """Every database agrees with the log."""
    text = project.call("run", "--rm", "audit", timeout=120)
    assert "24 partitions compared from their first record" in text, text
    say(text.strip().splitlines()[-1])


def page_blocks():
    """The blocks of docs/docker.md that make and restore a backup."""
    with open(PAGE, encoding="utf-8") as file:
        found = re.findall(r"(?m)(?:^ {4}.*\n)+", file.read())
    backup, restore = ([block for block in found if block.startswith(f"    {first}\n")] for first in BACKUP_BEGINS)
    assert len(backup) == len(restore) == 1, f"{PAGE} has {len(backup)} backups and {len(restore)} restores"
    return textwrap.dedent(backup[0]), textwrap.dedent(restore[0])


def back_up_and_restore(project, load):
    """As docs/docker.md says: what was sold after the backup is gone, everything before it is there."""
    backup, restore = page_blocks()
    shop = traffic.Shop("127.0.0.1", project.port)
    with tempfile.TemporaryDirectory(prefix="kassa-backup-") as folder:
        project.script(backup, folder)
        later = shop.value("POST", "/payment/create_user")["user_id"]
        project.script(restore, folder)
    status, _ = shop.ask("GET", f"/payment/find_user/{later}")
    assert status >= 400, f"a user who was created after the backup is there after the restore: {status}"
    load.check()


def try_everything(project, python):
    """The whole course, once the images are built."""
    check_size(project)
    check_embedded(project)
    say("one server alone keeps its data on a volume")
    project.up()
    say("everything is healthy")
    check_containers(project)
    check_hosts(project.port)
    # What is beneath HTTP is asked at a pod itself: HAProxy answers for itself there.
    pod = project.address("payments-0", "front")
    subprocess.run([CONTRACT, f"http://127.0.0.1:{project.port}", f"http://{pod}:8000"], check=True,
                   timeout=limits.seconds(300))
    say("the contract holds at the gateway")
    for check, result in ((check_microservices, "both dialects are served"),
                          (check_consistency, "1 and 100 buyers: stock and money are exact"),
                          (check_load, "20 users of Locust get the answers that their scenarios expect")):
        check(python, f"http://127.0.0.1:{project.port}")
        say(f"at the gateway: {result}")
    load = kill_under_load(project)
    check_prometheus(project)
    audit(project)
    # As for an upgrade: new containers on the existing volumes.
    project.call("--profile", "*", "down", timeout=180)
    project.up()
    load.check()
    audit(project)
    say("after a stop and a new start everything is there")
    back_up_and_restore(project, load)
    audit(project)
    say("a backup was restored as docs/docker.md says")


@contextlib.contextmanager
def engine_folder():
    """Where our own engine has its files: DOCKER_TEST_FOLDER, which is kept, or a folder that is deleted."""
    kept = os.environ.get(FOLDER_VARIABLE)
    if kept:
        os.makedirs(kept, exist_ok=True)
        yield os.path.realpath(kept)
        return
    folder = tempfile.mkdtemp(prefix="kassa-docker-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.exists(folder):
            say(f"{folder} could not be deleted as a whole")


def course():
    """With our own engine unless one answers."""
    python = job_python()
    with engine_folder() as folder:
        own = project = None
        servers = []
        try:
            if not engine.answers():
                engine.check_own()
                own = engine.OwnEngine(folder)
                own.start()
                servers = own.make_images(compose.base_images(), kafka_jars())
                say("our own engine runs, with images to build Kassa's from that stand in for the registries'")
            project = compose.Project(folder if own else None)
            project.build(servers)
            say("the images are built")
            try_everything(project, python)
        finally:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            try:
                if project is not None:
                    say("taking everything away")
                    project.down()
            finally:
                if own is not None:
                    own.stop()
    say("docker: the image is built and small, the contract holds and the jobs of test/ pass at the gateway of the compose "
        "file, a container was killed under load and nothing was lost, the audit is clean, everything was taken away again")


def kafka_jars():
    """Where the jars of Apache Kafka are."""
    done = subprocess.run([os.path.join(compose.REPOSITORY, "scripts", "kafka"), "ensure"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False, timeout=limits.seconds(300))
    if done.returncode != 0:
        raise engine.CannotRun("there are no jars of Apache Kafka: set KAFKA_HOME to an unpacked Apache Kafka 4")
    return done.stdout.strip()


class Ended(BaseException):
    """A signal, or the time is up. No fault that a check may catch."""


def ended(number, _):
    """Ends the course in order."""
    if number == signal.SIGALRM:
        raise Ended(f"not done within {limits.seconds(SECONDS_MAX) / 60:.0f} minutes")
    raise Ended(signal.Signals(number).name)


def not_run(reason):
    """Notes it where such things are noted; whether that is a failure is decided there."""
    script = os.path.join(compose.REPOSITORY, "scripts", "not-run")
    return subprocess.run([script, "the image and docker-compose.yml in a Docker engine (make test-docker)", reason],
                          stdin=subprocess.DEVNULL, check=False).returncode


def main():
    """The exit code."""
    for number in SIGNALS:
        signal.signal(number, ended)
    signal.alarm(int(limits.seconds(SECONDS_MAX)))
    try:
        course()
    except engine.CannotRun as reason:
        return not_run(str(reason))
    except Ended as reason:
        print(f"test-docker: FAILED: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
