#!/usr/bin/env python3
"""Builds the image, starts the whole compose file, tries it, kills a container under load, and takes it all away again.

With the Docker engine that answers and the real images, else with an engine of its own in a temporary folder and images
that stand in (images/). Exit code 3: neither was possible, and the last line says why.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import compose
import engine
import traffic

CONTRACT = os.path.join(compose.REPOSITORY, "Tests", "Contract", "run.sh")
PODS = [f"{service}-{number}" for service in ("orders", "stock", "payments") for number in (0, 1)]
NOT_RUN = 3
HEALTHY_SECONDS_MAX = 90


def say(text):
    """A line with the time since the start."""
    print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", flush=True)


STARTED = time.monotonic()


def wait(what, question, seconds):
    """Asks until the answer counts as true, and gives it back."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds} s")


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


def check_embedded(project):
    """One server alone, on a volume: read-only, without capabilities, and its data outlive it."""
    name, volume = f"{project.name}-embedded", f"{project.name}-data"
    argv = ["docker", "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL", "--memory", "256m",
            "--security-opt", "no-new-privileges:true", "--volume", f"{volume}:/var/lib/kassa",
            "--publish", "127.0.0.1::8000", f"kassa:{project.tag}"]
    try:
        item = None
        for _ in range(2):
            engine.run(argv)
            health = ["docker", "inspect", "--format", "{{.State.Health.Status}}", name]
            wait("the embedded server is healthy", lambda: engine.run(health).strip() == "healthy", HEALTHY_SECONDS_MAX)
            port = int(engine.run(["docker", "port", name, "8000/tcp"]).strip().rsplit(":", 1)[-1])
            shop = traffic.Shop("127.0.0.1", port)
            if item is None:
                item = shop.value("POST", "/stock/item/create/3")["item_id"]
                shop.value("POST", f"/stock/add/{item}/5")
            assert shop.value("GET", f"/stock/find/{item}")["stock"] == 5
            engine.run(["docker", "stop", "--time", "30", name])
            state = json.loads(engine.run(["docker", "inspect", name]))[0]["State"]
            assert state["ExitCode"] == 0, f"docker stop: {state}"
            engine.run(["docker", "rm", name])
    finally:
        subprocess.run(["docker", "rm", "--force", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
        subprocess.run(["docker", "volume", "rm", volume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)


def kill_under_load(project):
    """Kills a container of stock while people buy: every answer holds, stock and money add up."""
    victim = project.containers()["stock-0"]["Id"]
    with traffic.Load(traffic.Shop("127.0.0.1", project.port)) as load:
        load.wait_for(200, 60)
        engine.run(["docker", "kill", victim])
        load.wait_for(200, 60)
        engine.run(["docker", "start", victim])
        health = ["docker", "inspect", "--format", "{{.State.Health.Status}}", victim]
        wait("stock-0 is healthy again", lambda: engine.run(health).strip() == "healthy", HEALTHY_SECONDS_MAX)
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


def try_everything(project):
    """The whole course, once the images are built."""
    check_size(project)
    check_embedded(project)
    say("one server alone keeps its data on a volume")
    project.up()
    say("everything is healthy")
    check_containers(project)
    # What is beneath HTTP is asked at a pod itself: HAProxy answers for itself there.
    pod = project.address("payments-0", "front")
    subprocess.run([CONTRACT, f"http://127.0.0.1:{project.port}", f"http://{pod}:8000"], check=True, timeout=300)
    load = kill_under_load(project)
    check_prometheus(project)
    audit(project)
    # As for an upgrade: all containers anew on the volumes that are there.
    project.call("--profile", "*", "down", timeout=180)
    project.up()
    load.check()
    audit(project)
    say("after a stop and a new start everything is there")


def course():
    """With an engine of our own unless one answers."""
    own = None
    with tempfile.TemporaryDirectory(prefix="kassa-docker-", ignore_cleanup_errors=True) as folder:
        project = None
        try:
            if not engine.answers():
                engine.check_own()
                own = engine.OwnEngine(folder)
                own.start()
                own.make_images(compose.base_images(), kafka_jars())
                say("an engine of our own runs, with images that stand in for the registries'")
            project = compose.Project(pulls=own is None)
            project.build()
            say("the images are built")
            try_everything(project)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            try:
                if project is not None:
                    project.down()
            finally:
                if own is not None:
                    own.stop()
                    shutil.rmtree(folder, ignore_errors=True)
    print("docker: the image is built and small, the contract holds at the gateway of the compose file, a container was "
          "killed under load and nothing was lost, the audit is clean, everything was taken away again")


def kafka_jars():
    """Where the jars of Apache Kafka are."""
    for name in ("kafka", "kafka-libs"):
        script = os.path.join(compose.REPOSITORY, "scripts", name)
        if os.path.exists(script):
            done = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=False, timeout=600)
            if done.returncode == 0:
                return done.stdout.strip()
    raise engine.CannotRun("there are no jars of Apache Kafka: set KAFKA_HOME to an unpacked Apache Kafka 4")


def interrupted(number, _):
    """A signal ends the course in order."""
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        course()
    except engine.CannotRun as reason:
        print(reason)
        sys.exit(NOT_RUN)
