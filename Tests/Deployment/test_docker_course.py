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

    def test_the_other_jobs_are_asked_at_the_same_address(self):
        words = self.folder / "words"
        python = self.script(f'#!/bin/sh\necho "$*" >>{words}\n')
        for check in (course.check_microservices, course.check_load):
            check(python, "http://127.0.0.1:1")
        contract, load = words.read_text(encoding="utf-8").splitlines()
        self.assertEqual(contract, f"{course.MICROSERVICES} --url http://127.0.0.1:1")
        self.assertRegex(load, f"^-m locust --locustfile {course.LOCUST} --host http://127.0.0.1:1 --headless .* Mixed$")
        failing = self.script("#!/bin/sh\necho 'GET /stock/find: expected 200, got 503'\nexit 1\n")
        for check in (course.check_microservices, course.check_load):
            with self.assertRaisesRegex(AssertionError, "(?s)exit code 1.*got 503"):
                check(failing, "http://127.0.0.1:1")

    def test_the_jobs_are_there(self):
        for path in (course.CONSISTENCY, course.MICROSERVICES, course.LOCUST):
            self.assertTrue(os.path.isfile(path), path)
        self.assertTrue(os.access(course.JOB_PACKAGES, os.X_OK))

    def test_without_its_packages_nothing_begins(self):
        script = self.script("#!/bin/sh\necho noise >&2\necho why >&2\nexit 1\n")
        with mock.patch.object(course, "JOB_PACKAGES", script), self.assertRaisesRegex(engine.CannotRun, "^why$"):
            course.course()


class Together(unittest.TestCase):
    """engine.run_together: images that are built at the same time."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def meeting(self, name, other):
        """A command that succeeds only when the other one runs at the same time."""
        return ["bash", "-c", f"touch {self.folder}/{name}; for _ in {{1..100}}; do "
                f"[ ! -e {self.folder}/{other} ] || exit 0; sleep 0.1; done; exit 1"]

    def test_they_run_at_the_same_time(self):
        engine.run_together([self.meeting("a", "b"), self.meeting("b", "a")], timeout=30)
        self.assertTrue((self.folder / "b").exists())

    def test_one_that_fails_ends_the_others_and_is_named(self):
        endless = ["bash", "-c", f"touch {self.folder}/begun; exec sleep 300"]
        failing = ["bash", "-c", f"until [ -e {self.folder}/begun ]; do sleep 0.1; done; echo no package; exit 3"]
        with self.assertRaisesRegex(RuntimeError, "(?s)ended with 3:\nno package") as caught:
            engine.run_together([endless, failing], timeout=30)
        self.assertNotIn("sleep 300", str(caught.exception))

    def test_what_is_not_done_in_time_is_named(self):
        with self.assertRaisesRegex(RuntimeError, "^not done in time: sleep 300$"):
            engine.run_together([["true"], ["sleep", "300"]], timeout=0.5)


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
