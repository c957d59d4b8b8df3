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


class Policy(unittest.TestCase):
    """trivy config."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kassa-policy-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, objects):
        """Objects as a file of their own folder: Trivy takes each for a deployment."""
        (self.folder / name).mkdir()
        with open(self.folder / name / "objects.yaml", "w", encoding="utf-8") as file:
            yaml.safe_dump_all(objects, file)

    def test_nothing_is_found(self):
        for name in k8s_objects.OVERLAYS:
            self.write(name, k8s_objects.overlay(name))
        for file in (chart.SMALL, chart.PRODUCTION):
            self.write(f"chart-{file.parent.name}", chart.objects(file))
        for name in DOCKERFILES:
            (self.folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(k8s_objects.ROOT / name, self.folder / name)
        self.assertEqual(findings(self.folder), [])

    def test_what_is_wrong_is_found(self):
        """Root, more rights than none, a root that can be written; an image that runs as root."""
        objects = k8s_objects.overlay("minikube")
        for each, _, spec in k8s_objects.servers(objects):
            if each["metadata"]["name"] == "stock":
                spec["containers"][0]["securityContext"] = {"privileged": True}
        self.write("minikube", objects)
        (self.folder / "Dockerfile").write_text("FROM debian:12-slim\nUSER root\n", encoding="utf-8")
        found = {(pathlib.PurePath(target).name, name) for target, name, _ in findings(self.folder)}
        for expected in (("objects.yaml", "KSV017"), ("objects.yaml", "KSV014"), ("objects.yaml", "KSV001"),
                         ("Dockerfile", "DS002")):
            self.assertIn(expected, found)


if __name__ == "__main__":
    unittest.main()
