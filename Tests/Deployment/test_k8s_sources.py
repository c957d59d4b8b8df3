"""The files that objects are rendered from: their form, and that what is made from another file is up to date."""
import subprocess
import unittest

import yaml

from k8s_objects import K8S, ROOT, named, overlay, tools


def files():
    """All manifests and kustomizations."""
    return sorted(K8S.rglob("*.yaml"))


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

    def test_every_file_is_of_a_kustomization(self):
        used = set()
        for path in K8S.rglob("kustomization.yaml"):
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
            names = said.get("resources", []) + [each["path"] for each in said.get("patches", []) if "path" in each]
            used |= {(path.parent / name).resolve() for name in names}
        loose = [str(path.relative_to(K8S)) for path in files() if path.name != "kustomization.yaml"
                 and K8S / "monitoring" not in path.parents and path not in used]
        self.assertEqual(loose, [])

    def test_rules_of_prometheus_agree(self):
        with open(K8S / "monitoring" / "rules.yaml", encoding="utf-8") as file:
            groups = yaml.safe_load(file)["groups"]
        self.assertGreater(len(groups), 1)
        self.assertEqual(named(overlay("production"), "PrometheusRule", "kassa")["spec"]["groups"], groups)

    def test_the_object_of_rules_is_up_to_date(self):
        made = subprocess.run([ROOT / "scripts" / "prometheus-rule", "--print"], capture_output=True, text=True,
                              check=True).stdout
        kept = (K8S / "components" / "monitoring" / "rules.yaml").read_text(encoding="utf-8")
        self.assertEqual(kept, made, "run scripts/prometheus-rule")


if __name__ == "__main__":
    unittest.main()
