"""deploy-charts-and-start-minikube.sh, on stand-ins of the programs that it uses: runs that succeed, and runs that are killed."""
import base64
import re
import shutil
import signal
import subprocess
import unittest

from minikube_world import DEPLOY, REMOVE, ROOT, Case, World

# What a first run changes, at least: below this the loop over broken runs would prove nothing.
CHANGES_MIN = 18


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


class Style(unittest.TestCase):
    """How the scripts are written."""

    SCRIPTS = (DEPLOY, REMOVE, *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "scripts/minikube").glob("*.sh")))

    def test_shellcheck_finds_nothing(self):
        self.assertEqual(len(self.SCRIPTS), 8)
        done = subprocess.run(["shellcheck", "--external-sources", *self.SCRIPTS], cwd=ROOT, capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_functions_are_short(self):
        for script in self.SCRIPTS:
            text = (ROOT / script).read_text(encoding="utf-8")
            for name, body in re.findall(r"^(\w+)\(\) \{\n(.*?)^\}$", text, re.MULTILINE | re.DOTALL):
                self.assertLessEqual(body.count("\n"), 40, f"{script}: {name}")


class Broken(Case):
    """Runs that are killed at each of their changes."""

    def goes_on(self, at, when, image):
        """Kills a run at a change; the next one finishes it, and changes no password."""
        with self.subTest(at=at, when=when):
            world = World(self, kill={"at": at, "when": when})
            code, said = world.run(DEPLOY, image=image)
            self.assertEqual(code, -signal.SIGKILL, said)
            known = world.secrets()
            world.plan()
            self.deployed(world, image=image)
            self.whole(world)
            self.assertEqual({**world.secrets(), **known}, world.secrets(), "a password was changed")

    def test_a_run_goes_on_where_the_last_one_was_killed(self):
        """After each change, and in the middle of those by Helm, which are no single step."""
        first = World(self)
        self.deployed(first)
        changed = first.cluster.changed
        self.assertGreater(len(changed), CHANGES_MIN)
        self.assertEqual(sum("upgrade" in argv for argv in changed), 6)
        self.goes_on(1, "before", True)
        for at, argv in enumerate(changed, 1):
            for when in ("middle", "after") if "upgrade" in argv else ("after",):
                self.goes_on(at, when, True)

    def test_a_build_goes_on_where_the_last_one_was_killed(self):
        first = World(self)
        self.deployed(first, image=False)
        places = [at for at, argv in enumerate(first.cluster.changed, 1) if argv[0] == "docker" or "load" in argv]
        self.assertEqual(len(places), 2)
        for at in places:
            self.goes_on(at, "before", False)
        self.goes_on(places[1], "after", False)

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
