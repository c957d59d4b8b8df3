"""What GitHub reads: workflows, templates of issues, and the settings of Dependabot."""
import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

import yaml

import pages

GITHUB = os.path.join(pages.ROOT, ".github")
WORKFLOWS = sorted(glob.glob(os.path.join(GITHUB, "workflows", "*.yml")))
ISSUES = sorted(path for path in glob.glob(os.path.join(GITHUB, "ISSUE_TEMPLATE", "*.yml"))
                if os.path.basename(path) != "config.yml")
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "github-issue-forms": ISSUES,
    "github-issue-config": [os.path.join(GITHUB, "ISSUE_TEMPLATE", "config.yml")],
    "dependabot": [os.path.join(GITHUB, "dependabot.yml")],
}
# What a job may ask for besides reading, and in which workflow.
GRANTS = {"release.yml": {"contents", "id-token", "attestations", "packages"}}


def checked(schema, *paths):
    """The exit code of check-jsonschema with one of its own schemas, and what it says."""
    done = subprocess.run(["check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths], capture_output=True,
                          text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def workflows():
    """(name of the file, workflow) of each. `on` is a string here, not the truth value that YAML 1.1 makes of it."""
    for path in WORKFLOWS:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"^on:", '"on":', file.read(), flags=re.MULTILINE)
        yield os.path.basename(path), yaml.safe_load(text)


def steps():
    """(file, job, step) of every step."""
    for name, workflow in workflows():
        for job, content in workflow["jobs"].items():
            for step in content["steps"]:
                yield name, job, step


class Workflows(unittest.TestCase):
    """.github"""

    def test_the_forms_are_githubs(self):
        """By the published JSON schemas."""
        for schema, paths in SCHEMAS.items():
            with self.subTest(schema):
                self.assertTrue(paths)
                code, said = checked(schema, *paths)
                self.assertEqual(code, 0, said)

    def test_a_misspelt_word_is_found(self):
        """The test of the test."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "wrong.yml")
            with open(WORKFLOWS[0], encoding="utf-8") as good, open(path, "w", encoding="utf-8") as bad:
                bad.write(good.read().replace("timeout-minutes", "timeout-minuets"))
            self.assertNotEqual(checked("github-workflows", path)[0], 0)

    def test_there_is_a_workflow_for_each_purpose(self):
        """Lint and tests, the image, releases."""
        self.assertEqual({name for name, _ in workflows()}, {"ci.yml", "image.yml", "release.yml"})
        jobs = {name: set(workflow["jobs"]) for name, workflow in workflows()}
        self.assertLessEqual({"lint", "test", "docker"}, jobs["ci.yml"])

    def test_actions_are_pinned_to_commits(self):
        """With the version beside it, the same commit everywhere."""
        pins = {}
        for path in WORKFLOWS:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if "uses:" not in line:
                        continue
                    found = re.search(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$", line.rstrip())
                    self.assertTrue(found, f"not pinned: {line.strip()}")
                    pins.setdefault(found[1], set()).add(found[2])
        self.assertTrue(pins)
        self.assertEqual({name for name, commits in pins.items() if len(commits) > 1}, set())

    def test_rights_are_the_least(self):
        """Each workflow reads; what a job may write is listed above. Nobody's checkout keeps its token."""
        for name, workflow in workflows():
            self.assertEqual(workflow["permissions"], {"contents": "read"}, name)
            self.assertIn("group", workflow["concurrency"], name)
            self.assertNotIn("pull_request_target", workflow["on"], name)
            for job, content in workflow["jobs"].items():
                self.assertIn("timeout-minutes", content, f"{name}: {job}")
                written = {right for right, how in content.get("permissions", {}).items() if how != "read"}
                self.assertLessEqual(written, GRANTS.get(name, set()), f"{name}: {job}")
        for name, job, step in steps():
            if step.get("uses", "").startswith("actions/checkout@"):
                self.assertIs(step["with"]["persist-credentials"], False, f"{name}: {job}")

    def test_values_of_others_reach_scripts_as_variables_only(self):
        """`${{ … }}` in a script is text that somebody else may have written."""
        for name, job, step in steps():
            self.assertNotIn("${{", step.get("run", ""), f"{name}: {job}")

    def test_scripts_are_clean(self):
        """By ShellCheck, each `run:` as the shell gets it."""
        count = 0
        for name, job, step in steps():
            if "run" not in step:
                continue
            count += 1
            done = subprocess.run(["shellcheck", "--shell=bash", "--format=json", "-"], check=False, timeout=60,
                                  input="set -eo pipefail\n" + step["run"], capture_output=True, text=True)
            self.assertEqual(json.loads(done.stdout), [], f"{name}: {job}")
        self.assertGreater(count, 8)

    def test_scripts_name_what_exists(self):
        """Files of the repository and verbs of the Makefile."""
        verbs = set(re.findall(r"^([a-z-]+):", pages.text("Makefile"), re.MULTILINE))
        for name, job, step in steps():
            for path in re.findall(r"(?:^|\s)((?:scripts|Sources|Tests|\.ci)/[\w./-]+)", step.get("run", "")):
                self.assertTrue(os.path.exists(os.path.join(pages.ROOT, path)), f"{name}: {job}: {path}")
            for verb in re.findall(r"^make ([a-z-]+)", step.get("run", ""), re.MULTILINE):
                self.assertIn(verb, verbs, f"{name}: {job}")


if __name__ == "__main__":
    unittest.main()
