"""A machine for the scripts for minikube, with stand-ins of the programs that they use, and what the tests ask of a run."""
import base64
import copy
import functools
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

import stand_in_cluster
import stand_in_server

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY, REMOVE = "deploy-charts-and-start-minikube.sh", "remove-charts-and-stop-minikube.sh"
SERVICES = ("order-db", "stock-db", "payment-db")
RUN_SECONDS_MAX = 300


class World:
    """A machine with its own cluster: none yet, or one in a state that another run has left."""

    def __init__(self, case, state=None, **plan):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kassa-minikube-"))
        case.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        (self.folder / "tmp").mkdir()
        self.cluster = stand_in_cluster.Cluster()
        if state:
            self.cluster.state = copy.deepcopy(state)
        case.addCleanup(stand_in_server.Server(self.cluster, self.bin).close)
        self.plan(**plan)

    def program(self, name, line):
        """Puts a program on the PATH."""
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{line}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def plan(self, **plan):
        """What goes wrong from now on."""
        self.cluster.plan = {"ready_after": 1, **plan}

    def run(self, script, *arguments, image=True):
        """(exit code, output) of a script. Without `image` it builds one."""
        environment = {**os.environ, "PATH": f"{self.bin}:/usr/bin:/bin", "TMPDIR": str(self.folder / "tmp")}
        given = ["--image", "kassa:0.1.0"] if image and script == DEPLOY else []
        with subprocess.Popen([f"./{script}", *given, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True) as run:
            self.cluster.victim = run.pid
            try:
                said, _ = run.communicate(timeout=RUN_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                raise
        return run.returncode, said

    def state(self):
        """A copy of the cluster as it is."""
        return copy.deepcopy(self.cluster.state)

    def calls(self):
        """What the programs were asked so far."""
        return list(self.cluster.calls)

    def secrets(self):
        """Every value of every Secret, decoded, by (name, key)."""
        return {(each["metadata"]["name"], key): base64.b64decode(value).decode()
                for each in self.state()["objects"].values() if each["kind"] == "Secret"
                for key, value in (each.get("data") or {}).items()}

    def left(self):
        """Temporary files that a run left."""
        return sorted(path.name for path in (self.folder / "tmp").iterdir())

    def stages(self, script, *arguments, **given):
        """Every place of a run that succeeds at which it may be killed. One run shows all of them."""
        self.cluster.stages = []
        code, said = self.run(script, *arguments, **given)
        if code != 0:
            raise AssertionError(said)
        found, self.cluster.stages = self.cluster.stages, None
        return found


class _Rest:  # pylint: disable=too-few-public-methods
    """Takes what a world leaves at once, for runs that no test owns."""

    def __init__(self):
        self.taken = []

    def addCleanup(self, *call, **options):  # pylint: disable=invalid-name
        """As a test case has it."""
        self.taken.append((call, options))

    def close(self):
        """The last one first."""
        for call, options in reversed(self.taken):
            call[0](*call[1:], **options)


@functools.cache
def first_run(image=True):
    """The stages of a first run from nothing. Without `image` it builds one. Run once; never change them."""
    rest = _Rest()
    try:
        return World(rest).stages(DEPLOY, image=image)
    finally:
        rest.close()


def installed():
    """The state that a first run leaves."""
    return first_run()[-1].state


def state_before(*words):
    """The state in which a first run is when it asks for what has these words, such as `upgrade` and a release's name."""
    return next(stage.state for stage in first_run() if stage.when == "before" and set(words) <= set(stage.argv))


class Case(unittest.TestCase):
    """What the tests have in common."""

    def deployed(self, world, *arguments, **given):
        """A run that has to succeed."""
        code, said = world.run(DEPLOY, *arguments, **given)
        self.assertEqual(code, 0, said)
        self.assertIn("Kassa is ready: http://192.168.49.2", said)
        self.assertEqual(world.left(), [])
        return said

    def refused(self, world, *words, script=DEPLOY, arguments=(), image=True):
        """A run that has to end with a sentence with these words, and the next step."""
        code, said = world.run(script, *arguments, image=image)
        self.assertEqual(code, 1, said)
        sentence = "\n".join(said.splitlines()[-2:])
        self.assertRegex(sentence, r"(?s)^" + script.replace(".", r"\.") + r": .*\n  Next: .")
        for word in words:
            self.assertIn(word, sentence)
        self.assertEqual(world.left(), [])
        return said

    def whole(self, world):
        """Everything is installed, once, and fits together."""
        state = world.state()
        self.assertEqual({name: history[-1]["status"] for name, history in state["releases"].items()},
                         dict.fromkeys(("kassa", "kafka", "redis", *SERVICES), "deployed"))
        secrets = world.secrets()
        for name in SERVICES:
            uri = f"postgresql://kassa:{secrets[f'{name}-login', 'CUSTOM_PASSWORD']}@{name}:5432/" + \
                secrets[f"{name}-login", "CUSTOM_DB"]
            self.assertEqual(secrets[name, "uri"], uri)
        self.assertEqual(secrets["redis", "url"], f"redis://:{secrets['redis-login', 'password']}@redis:6379/0")
        for service in ("orders", "stock", "payments"):
            self.assertIn(f"kassa/StatefulSet/{service}", state["objects"])
