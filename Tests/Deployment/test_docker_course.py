"""Steps of `make test-docker` that need no Docker: what they run, and that they notice when it fails."""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "docker"))
# pylint: disable=wrong-import-position
import compose
import course
import engine


class Consistency(unittest.TestCase):
    """The job of test/consistency at the gateway."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def script(self, text):
        """A program that stands in for another."""
        path = self.folder / "program"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def check(self, job):
        """The step with a job that stands in."""
        with mock.patch.object(course, "CONSISTENCY", self.script(job)):
            course.check_consistency(sys.executable, "http://127.0.0.1:1")

    def test_it_asks_the_job_about_one_buyer_and_a_hundred(self):
        words = self.folder / "words"
        self.check(f"import sys\nopen({str(words)!r}, 'w').write(' '.join(sys.argv[1:6]))\n")
        self.assertEqual(words.read_text(encoding="utf-8"), "--url http://127.0.0.1:1 --buyers 1,100 --logs")

    def test_a_wrong_run_fails_the_course_with_what_the_job_said(self):
        with self.assertRaisesRegex(AssertionError, r"exit code 1\n2 orders are paid; it should be 1"):
            self.check("import sys\nprint('2 orders are paid; it should be 1')\nsys.exit(1)\n")

    def test_the_job_is_there(self):
        self.assertTrue(os.path.isfile(course.CONSISTENCY))
        self.assertTrue(os.access(course.JOB_PACKAGES, os.X_OK))

    def test_without_its_packages_nothing_begins(self):
        script = self.script("#!/bin/sh\necho noise >&2\necho why >&2\nexit 1\n")
        with mock.patch.object(course, "JOB_PACKAGES", script), self.assertRaisesRegex(engine.CannotRun, "^why$"):
            course.course()


class PinnedImages(unittest.TestCase):
    """A checkout in which scripts/pin-images was run."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        digest = f"@sha256:{'a' * 64}"
        for name, pattern in (("Dockerfile", r"^ARG \w+_IMAGE=\S+:[^\s@]+"), ("docker-compose.yml", r"^ +image: \w\S+:[^\s@]+")):
            text = (pathlib.Path(compose.REPOSITORY) / name).read_text(encoding="utf-8")
            pinned = re.sub(rf"({pattern})\S*$", rf"\1{digest}", text, flags=re.MULTILINE)
            (self.folder / name).write_text(pinned, encoding="utf-8")
        shutil.copytree(os.path.join(compose.REPOSITORY, "env"), self.folder / "env")
        # The tools are those of this checkout.
        self.enterContext(mock.patch.object(compose, "program", return_value=compose.program()))
        self.enterContext(mock.patch.object(compose, "REPOSITORY", folder.name))

    def images(self, project):
        """Of the compose file, those of registries."""
        services = json.loads(project.call("config", "--format", "json"))["services"].values()
        return {service["image"] for service in services if "build" not in service}

    def test_what_stands_in_is_known_by_its_tag(self):
        project = compose.Project(folder=str(self.folder))
        names = self.images(project) | set(project.bases.values())
        self.assertEqual(names, compose.base_images())
        self.assertFalse([name for name in names if "@" in name], names)

    def test_what_is_pulled_is_known_by_its_digest(self):
        project = compose.Project()
        self.assertEqual(project.bases, {})
        names = self.images(project)
        self.assertTrue(names and all("@sha256:" in name for name in names), names)


if __name__ == "__main__":
    unittest.main()
