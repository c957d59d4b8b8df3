"""deploy-charts-and-start-minikube.sh and remove-charts-and-stop-minikube.sh, on stand-ins of the programs that they use."""
import base64
import copy
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

import stand_in_cluster
import stand_in_programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY, REMOVE = "deploy-charts-and-start-minikube.sh", "remove-charts-and-stop-minikube.sh"
SERVICES = ("order-db", "stock-db", "payment-db")
RUN_SECONDS_MAX = 300
# What a first run changes, at least: below this the loop over broken runs would prove nothing.
CHANGES_MIN = 20


class World:
    """A machine with a cluster of its own, or none yet."""

    def __init__(self, case, **plan):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kassa-minikube-"))
        case.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        (self.folder / "tmp").mkdir()
        self.cluster = stand_in_cluster.Cluster()
        case.addCleanup(stand_in_programs.Server(self.cluster, self.bin).close)
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


class Case(unittest.TestCase):
    """What the tests have in common."""

    def deployed(self, world, *arguments, **given):
        """A run that has to succeed."""
        code, said = world.run(DEPLOY, *arguments, **given)
        self.assertEqual(code, 0, said)
        self.assertIn("Kassa is ready: http://192.168.49.2", said)
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


class First(Case):
    """Runs that succeed."""

    def test_first_run_installs_everything(self):
        world = World(self, ready_after=3)
        said = self.deployed(world)
        self.whole(world)
        self.assertEqual(said.count("curl "), 3)
        self.assertIn("order-db: ready.", said)
        self.assertEqual(world.left(), [])
        ingress = world.state()["objects"]["kassa/Ingress/kassa"]
        self.assertEqual(ingress["spec"]["ingressClassName"], "nginx")

    def test_passwords_are_random_and_long(self):
        first, second = World(self), World(self)
        for world in (first, second):
            self.deployed(world)
        mine, other = first.secrets(), second.secrets()
        passwords = [(name, key) for name, key in mine if "assword" in key.lower()]
        self.assertEqual(len(passwords), 7)
        self.assertEqual(len({mine[each] for each in passwords} | {other[each] for each in passwords}), 14)
        self.assertTrue(all(len(mine[each]) == 48 for each in passwords))

    def test_certificate_is_signed_for_both_sides(self):
        world = World(self)
        self.deployed(world)
        for (name, key), value in world.secrets().items():
            if name == "kassa-peers":
                (world.folder / key).write_text(value, encoding="utf-8")
        for purpose in ("sslserver", "sslclient"):
            done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.crt", "tls.crt"],
                                  cwd=world.folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_second_run_changes_nothing(self):
        world = World(self)
        self.deployed(world, image=False)
        before, calls = world.state(), len(world.calls())
        said = self.deployed(world, image=False)
        self.assertEqual(said.count("installed before, unchanged"), 6)
        after = world.state()
        self.assertEqual({**after, "polls": 0}, {**before, "polls": 0})
        asked = [call["argv"] for call in world.calls()[calls:]]
        for verb in ("start", "upgrade", "create", "apply", "build", "delete", "enable", "load"):
            self.assertEqual([argv for argv in asked if verb in argv], [])

    def test_image_is_built_once_and_loaded(self):
        world = World(self)
        self.deployed(world, image=False)
        image, = world.state()["images"]
        self.assertRegex(image, r"^kassa:sources-[0-9a-f]{16}$")
        pod = world.state()["objects"]["kassa/StatefulSet/orders"]["spec"]["template"]["spec"]
        self.assertEqual(pod["containers"][0]["image"], image)

    def test_no_secret_is_ever_an_argument(self):
        world = World(self)
        for name in ("openssl", "sed", "awk", "grep", "cut", "sort", "head", "tail", "tr", "cat", "find"):
            world.program(name, f'printf "%s\\n" "$*" >>"{world.folder}/arguments"; exec "{shutil.which(name)}" "$@"')
        for _ in range(2):
            self.deployed(world)
        arguments = (world.folder / "arguments").read_text(encoding="utf-8")
        self.assertIn("rand -hex 24", arguments)
        arguments += "\n".join(" ".join(call["argv"]) for call in world.calls())
        for (name, key), value in world.secrets().items():
            if key in ("tls.crt", "ca.crt", "CUSTOM_USER", "CUSTOM_DB"):
                continue
            for form in (value.strip(), base64.b64encode(value.encode()).decode()):
                self.assertNotIn(form, arguments, (name, key))

    def test_dry_run_changes_nothing(self):
        world = World(self)
        for _ in range(2):
            code, said = world.run(DEPLOY, "--dry-run")
            self.assertEqual(code, 0, said)
            self.assertIn("would run: helm", said)
            self.assertEqual(world.state()["changes"], 0)
        self.deployed(world)
        before = world.state()
        code, said = world.run(DEPLOY, "--dry-run")
        self.assertEqual((code, world.state()), (0, before), said)

    def test_another_ingress_class_needs_no_addon(self):
        world = World(self)
        self.deployed(world)
        traefik = {"kind": "IngressClass", "metadata": {"name": "traefik"}}
        world.cluster.put(traefik)
        self.deployed(world, "--ingress-class", "traefik")
        ingress = world.state()["objects"]["kassa/Ingress/kassa"]
        self.assertEqual(ingress["spec"]["ingressClassName"], "traefik")
        self.assertFalse(any("nginx" in key for key in ingress["metadata"].get("annotations") or {}))

    def test_a_profile_is_its_own_context(self):
        world = World(self)
        self.deployed(world, "--profile", "shop")
        for call in world.calls():
            program, *argv = call["argv"]
            if program in ("kubectl", "helm") and "version" not in argv:
                self.assertEqual(argv[:2], ["--context" if program == "kubectl" else "--kube-context", "shop"])


class Broken(Case):
    """Runs that are killed at each of their changes."""

    def test_a_run_goes_on_where_the_last_one_was_killed(self):
        first = World(self)
        self.deployed(first, image=False)
        changes = first.state()["changes"]
        self.assertGreater(changes, CHANGES_MIN)
        for at in range(1, changes + 1):
            for when in ("before", "middle", "after")[0 if at == 1 else 1:]:
                with self.subTest(at=at, when=when):
                    world = World(self, kill={"at": at, "when": when})
                    code, said = world.run(DEPLOY, image=False)
                    self.assertEqual(code, -signal.SIGKILL, said)
                    known = world.secrets()
                    world.plan()
                    self.deployed(world, image=False)
                    self.whole(world)
                    self.assertEqual({**world.secrets(), **known}, world.secrets(), "a password was changed")

    def test_an_upgrade_that_was_killed_is_taken_back(self):
        world = World(self)
        self.deployed(world)
        world.plan(kill={"at": world.state()["changes"] + 1, "when": "middle"})
        self.assertEqual(world.run(DEPLOY, "--image", "kassa:0.1.1")[0], -signal.SIGKILL)
        self.assertEqual(world.state()["releases"]["kassa"][-1]["status"], "pending-upgrade")
        world.plan()
        said = self.deployed(world, "--image", "kassa:0.1.1")
        self.assertIn("broken off within its upgrade", said)
        pod = world.state()["objects"]["kassa/StatefulSet/orders"]["spec"]["template"]["spec"]
        self.assertEqual(pod["containers"][0]["image"], "kassa:0.1.1")


if __name__ == "__main__":
    unittest.main()
