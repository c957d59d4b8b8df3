"""What Trivy's policies say of everything that is deployed: manifests, the chart, the Dockerfiles."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

import chart
import k8s_objects

# A finding that is none, with the reason.
NONE = {
    "KSV-01010": "takes the names of settings of the config map for secrets; test_k8s_hardening looks for those",
}
DOCKERFILES = ("Dockerfile", "test/Dockerfile")


def findings(folder):
    """(file, id, message) of what is of a medium severity or worse in a folder."""
    done = subprocess.run(
        [f"{k8s_objects.tools()}/trivy", "config", "--quiet", "--skip-check-update", "--format", "json", "--severity",
         "MEDIUM,HIGH,CRITICAL", str(folder)], capture_output=True, text=True, check=True, timeout=600)
    found = []
    for result in json.loads(done.stdout).get("Results", []):
        for each in result.get("Misconfigurations") or []:
            name = each["ID"].removeprefix("AVD-")
            if name not in NONE:
                found.append((result["Target"], name, each["Message"]))
    return found


def write(folder, name, objects):
    """Objects as a file of their own folder: Trivy takes each for a deployment."""
    (folder / name).mkdir(parents=True)
    with open(folder / name / "objects.yaml", "w", encoding="utf-8") as file:
        yaml.safe_dump_all(objects, file)


def write_good(folder):
    """What there is."""
    for name in k8s_objects.OVERLAYS:
        write(folder, name, k8s_objects.overlay(name))
    for file in (chart.SMALL, chart.PRODUCTION):
        write(folder, f"chart-{file.parent.name}", chart.objects(file))
    for name in DOCKERFILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(k8s_objects.ROOT / name, folder / name)


def write_bad(folder):
    """All rights, root, a root that can be written; an image that runs as root."""
    objects = k8s_objects.overlay("minikube")
    stock = k8s_objects.pod_of(k8s_objects.named(objects, "StatefulSet", "stock"))["spec"]
    stock["containers"][0]["securityContext"] = {"privileged": True}
    write(folder, "minikube", objects)
    (folder / "Dockerfile").write_text("FROM debian:12-slim\nUSER root\n", encoding="utf-8")


class Policy(unittest.TestCase):
    """trivy config, run once: most of its time goes to its policies."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="kassa-policy-") as name:
            folder = pathlib.Path(name)
            write_good(folder / "good")
            write_bad(folder / "bad")
            cls.found = findings(folder)

    def test_nothing_is_found(self):
        self.assertEqual([each for each in self.found if each[0].startswith("good/")], [])

    def test_what_is_wrong_is_found(self):
        found = {(target, name) for target, name, _ in self.found}
        for expected in (("bad/minikube/objects.yaml", "KSV017"), ("bad/minikube/objects.yaml", "KSV014"),
                         ("bad/minikube/objects.yaml", "KSV001"), ("bad/Dockerfile", "DS002")):
            self.assertIn(expected, found)


if __name__ == "__main__":
    unittest.main()
