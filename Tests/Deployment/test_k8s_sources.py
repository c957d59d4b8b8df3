"""The files that objects are rendered from: their form, and that what is made from another file is up to date."""
import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml

from k8s_objects import K8S, ROOT, named, overlay, tools


def loose(folder):
    """Files of manifests that no kustomization names, by their paths from the folder; monitoring/ needs none."""
    used = set()
    for path in folder.rglob("kustomization.yaml"):
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        names = said.get("resources", []) + [each["path"] for each in said.get("patches", []) if "path" in each]
        used |= {(path.parent / name).resolve() for name in names}
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.yaml"))
            if path.name != "kustomization.yaml" and folder / "monitoring" not in path.parents
            and path.resolve() not in used]


def groups(folder):
    """The groups of the plain rules."""
    return yaml.safe_load((folder / "monitoring" / "rules.yaml").read_text(encoding="utf-8"))["groups"]


def rules_kept_and_made(root):
    """The file of the operator's object, and what the script makes."""
    made = subprocess.run([root / "scripts" / "prometheus-rule", "--print"], capture_output=True, text=True,
                          check=True).stdout
    return (root / "k8s" / "components" / "monitoring" / "rules.yaml").read_text(encoding="utf-8"), made


@contextlib.contextmanager
def copied():
    """The manifests and the script in their own folder, for errors."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copytree(K8S, root / "k8s")
        (root / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "prometheus-rule", root / "scripts")
        yield root


def replace(path, old, new):
    """Changes a file; what is replaced has to be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


class Sources(unittest.TestCase):
    """yamllint, the alert rules, components."""

    def lint(self, *paths, text=None):
        """What yamllint says."""
        done = subprocess.run([f"{tools()}/yamllint", "--strict", "-f", "parsable", "-c", K8S / ".yamllint", *paths],
                              input=text, capture_output=True, text=True, cwd=K8S, check=False)
        return done.stdout + done.stderr

    def test_files_are_tidy(self):
        self.assertEqual(self.lint("."), "")

    def test_untidy_files_are_found(self):
        for text, expected in (("a: 1\na: 2\n", "duplication of key"), ("a:   1\n", "too many spaces"),
                               (f"a: {'x' * 130}\nb: {'y y ' * 40}\n", "line too long"), ("a: yes\n", "truthy")):
            self.assertIn(expected, self.lint("-", text=text))

    def test_other_files_are_tidy(self):
        """Values, the compose files, what GitHub reads. Templates of charts are no YAML before they are rendered."""
        folders = [ROOT / name for name in ("helm-config", ".github", "compose", "test", "Tests/Deployment")]
        names = [ROOT / "docker-compose.yml"]
        for folder in folders:
            found = [path for path in sorted(folder.rglob("*.y*ml")) if "templates" not in path.parts]
            self.assertTrue(found, folder)
            names += found
        # Their comments and commands may be longer; `on` is a key of GitHub's.
        rules = f"{{extends: {K8S / '.yamllint'}, rules: {{line-length: {{max: 140}}, truthy: {{check-keys: false}}}}}}"
        done = subprocess.run([f"{tools()}/yamllint", "--strict", "-f", "parsable", "-d", rules, *names], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_every_file_is_of_a_kustomization(self):
        self.assertEqual(loose(K8S), [])

    def test_a_loose_file_is_found(self):
        """A new one, and one that its kustomization does not name any more."""
        with copied() as root:
            folder = root / "k8s"
            shutil.copy(folder / "base" / "account.yaml", folder / "base" / "account-2.yaml")
            kustomization = folder / "overlays" / "production" / "kustomization.yaml"
            replace(kustomization, "  - topics.yaml\n", "")
            self.assertEqual(loose(folder), ["base/account-2.yaml", "overlays/production/topics.yaml"])

    def test_rules_of_prometheus_agree(self):
        self.assertGreater(len(groups(K8S)), 1)
        self.assertEqual(named(overlay("production"), "PrometheusRule", "kassa")["spec"]["groups"], groups(K8S))

    def test_the_object_of_rules_is_up_to_date(self):
        kept, made = rules_kept_and_made(ROOT)
        self.assertEqual(kept, made, "run scripts/prometheus-rule")

    def test_rules_that_differ_are_found(self):
        """A bound that was changed in the plain rules alone: both checks see it, until the script has run."""
        with copied() as root:
            replace(root / "k8s" / "monitoring" / "rules.yaml", "kassa_requests_waiting > 8192",
                    "kassa_requests_waiting > 4096")
            kept, made = rules_kept_and_made(root)
            self.assertNotEqual(kept, made)
            self.assertNotEqual(named(overlay("production"), "PrometheusRule", "kassa")["spec"]["groups"],
                                groups(root / "k8s"))
            subprocess.run([root / "scripts" / "prometheus-rule"], check=True)
            kept, made = rules_kept_and_made(root)
            self.assertEqual(kept, made)
            self.assertEqual(yaml.safe_load(kept)["spec"]["groups"], groups(root / "k8s"))


if __name__ == "__main__":
    unittest.main()
