"""deploy-charts-and-start-minikube.sh, on stand-ins of the programs that it uses: runs that succeed, and runs that are killed."""
import base64
import os
import re
import shutil
import signal
import subprocess
import unittest

import yaml

import chart
import k8s_objects
from minikube_world import DEPLOY, REMOVE, ROOT, SERVICES, Case, World, first_run, installed

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
        first, second = World(self, installed()), World(self)
        self.deployed(second)
        mine, other = first.secrets(), second.secrets()
        passwords = [(name, key) for name, key in mine if "assword" in key.lower()]
        self.assertEqual(len(passwords), 7)
        self.assertEqual(len({mine[each] for each in passwords} | {other[each] for each in passwords}), 14)
        self.assertTrue(all(len(mine[each]) == 48 for each in passwords))

    def test_certificate_is_signed_for_both_sides(self):
        world = World(self, installed())
        for (name, key), value in world.secrets().items():
            if name == "kassa-peers":
                (world.folder / key).write_text(value, encoding="utf-8")
        for purpose in ("sslserver", "sslclient"):
            done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.crt", "tls.crt"],
                                  cwd=world.folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_second_run_changes_nothing(self):
        world = World(self, first_run(image=False)[-1].state)
        before = world.state()
        said = self.deployed(world, image=False)
        self.assertEqual(said.count("installed before, unchanged"), 6)
        after = world.state()
        self.assertEqual({**after, "polls": 0}, {**before, "polls": 0})
        asked = [call["argv"] for call in world.calls()]
        for verb in ("start", "upgrade", "create", "apply", "build", "delete", "enable", "load"):
            self.assertEqual([argv for argv in asked if verb in argv], [])

    def test_image_is_built_once_and_loaded(self):
        world = World(self, first_run(image=False)[-1].state)
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
        world = World(self, installed())
        before = world.state()
        code, said = world.run(DEPLOY, "--dry-run")
        self.assertEqual((code, world.state()), (0, before), said)

    def test_another_ingress_class_needs_no_addon(self):
        world = World(self, installed())
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


class Size(Case):
    """How large the cluster is: the script decides, the pages follow."""

    def test_pages_and_script_agree(self):
        world = World(self)
        code, said = world.run(DEPLOY, "--dry-run")
        cpus, memory = re.search(r"would run: minikube start --profile minikube --cpus (\d+) --memory (\d+)\n", said).groups()
        self.assertEqual(code, 0, said)
        shown = world.run(DEPLOY, "--help")[1]
        self.assertRegex(shown, rf"--cpus N .*\({cpus}\)\n")
        self.assertRegex(shown, rf"--memory MIB .*\({memory}\)\n")
        number = {"2": "two", "4": "four"}[cpus]
        self.assertIn(f"{number} processors and {int(memory) // 1024} GiB of memory for the cluster",
                      (ROOT / "docs/quick-start.md").read_text(encoding="utf-8"))
        for page in ("k8s/README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))):
            text = (ROOT / page).read_text(encoding="utf-8")
            for command in re.findall(r"^.*(?:minikube start|start-minikube\.sh).*$", text, re.MULTILINE):
                for option, value in re.findall(r"--(cpus|memory) (\S+)", command):
                    self.assertEqual(value, {"cpus": cpus, "memory": memory}[option], f"{page}: {command}")
        self.assertIn(f"minikube start --cpus {cpus} --memory {memory} ",
                      (ROOT / "k8s/README.md").read_text(encoding="utf-8"))

    def test_what_is_asked_for_fits(self):
        """What the pods request at least, of both ways; half a processor and 1 GiB are left to Kubernetes and the ingress."""
        least = {name: int(value) for name, value in re.findall(
            r"^least_(\w+)=(\d+)$", (ROOT / "scripts/minikube/cluster.sh").read_text(encoding="utf-8"), re.MULTILINE)}
        services = [yaml.safe_load((ROOT / "helm-config" / name).read_text(encoding="utf-8"))["resources"]["requests"]
                    for name in ("redis-helm-values.yaml", "kafka.yaml", *(f"{each}.yaml" for each in SERVICES))]
        for way, objects in (("chart", chart.objects(chart.SMALL)), ("overlay", k8s_objects.overlay("minikube"))):
            with self.subTest(way):
                asked = list(services)
                for workload in objects:
                    if workload["kind"] in ("StatefulSet", "Deployment"):
                        asked += [each["resources"]["requests"] for each in k8s_objects.pod_of(workload)["spec"]["containers"]
                                  for _ in range(workload["spec"].get("replicas", 1))]
                self.assertEqual(len(asked), 8)
                self.assertLessEqual(sum(milli(each["cpu"]) for each in asked), least["cpus"] * 1000 - 500)
                self.assertLessEqual(sum(mebibytes(each["memory"]) for each in asked), least["mebibytes"] - 1024)


def milli(quantity):
    """Of a processor: 100m, 1."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(float(quantity) * 1000)


def mebibytes(quantity):
    """Of memory: 256Mi, 1Gi."""
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


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


def shape(state):
    """A state without what is random in it."""
    return {**state, "objects": sorted(state["objects"])}


class Broken(Case):
    """Runs that are killed at each of their changes."""

    def goes_on(self, world, image=True):
        """The next run finishes what is there, and changes no password."""
        known = world.secrets()
        world.plan()
        self.deployed(world, image=image)
        self.whole(world)
        self.assertEqual({**world.secrets(), **known}, world.secrets(), "a password was changed")

    def test_a_run_goes_on_where_the_last_one_was_killed(self):
        """After each change, and in the middle of those by Helm: what one whole run shows there is what is left there."""
        stages = [stage for stage in first_run() if stage.when != "before"]
        self.assertGreater(len({stage.at for stage in stages}), CHANGES_MIN)
        self.assertEqual(sum(stage.when == "middle" for stage in stages), 6)
        for stage in stages:
            with self.subTest(at=stage.at, when=stage.when, argv=stage.argv):
                self.goes_on(World(self, stage.state))

    def test_a_killed_run_leaves_what_its_stage_shows(self):
        """The same killed for good, at five places of all kinds: before the first change, one of each client, in Helm."""
        stages = first_run()
        kinds = [("before", "start"), ("after", "start"), ("after", "create"), ("middle", "upgrade"), ("after", "upgrade")]
        for when, verb in kinds:
            stage = [each for each in stages if each.when == when and verb in each.argv][-1]
            with self.subTest(when=when, argv=stage.argv):
                world = World(self, kill={"at": stage.at, "when": when})
                code, said = world.run(DEPLOY)
                self.assertEqual(code, -signal.SIGKILL, said)
                self.assertEqual(shape(world.state()), shape(stage.state))
                self.assertEqual(len(world.left()), 2, "its lock and its folder are what it could not take away")
                self.goes_on(world)

    def test_a_folder_of_a_run_that_goes_on_stays(self):
        """Of another profile, under another process; what has such a name and is no folder of a run stays, too."""
        world = World(self, installed())
        name = f"kassa-minikube-run-{os.getuid()}-"
        with subprocess.Popen(["sleep", "0"]) as dead:
            pass
        kept = [f"{name}{os.getpid()}.abcdef", f"{name}x.abcdef", f"kassa-minikube-{os.getuid()}-{dead.pid}"]
        for each in (*kept, f"{name}{dead.pid}.abcdef"):
            (world.folder / "tmp" / each).mkdir()
        code, said = world.run(DEPLOY)
        self.assertEqual((code, world.left()), (0, sorted(kept)), said)

    def test_a_build_goes_on_where_the_last_one_was_killed(self):
        stages = [stage for stage in first_run(image=False) if stage.argv[0] == "docker" or "load" in stage.argv]
        self.assertEqual([stage.when for stage in stages], ["before", "after"] * 2)
        # Between the two nothing happens.
        for stage in stages[0], stages[2], stages[3]:
            with self.subTest(when=stage.when, argv=stage.argv):
                self.goes_on(World(self, stage.state), image=False)

    def test_an_upgrade_that_was_killed_is_taken_back(self):
        world = World(self, installed())
        world.plan(kill={"at": world.state()["changes"] + 1, "when": "middle"})
        self.assertEqual(world.run(DEPLOY, "--image", "kassa:0.1.1")[0], -signal.SIGKILL)
        self.assertEqual(world.state()["releases"]["kassa"][-1]["status"], "pending-upgrade")
        world.plan()
        said = self.deployed(world, "--image", "kassa:0.1.1")
        self.assertIn("interrupted during its upgrade", said)
        pod = world.state()["objects"]["kassa/StatefulSet/orders"]["spec"]["template"]["spec"]
        self.assertEqual(pod["containers"][0]["image"], "kassa:0.1.1")


if __name__ == "__main__":
    unittest.main()
