"""What was not run is listed at the end of `make test`, and fails it where everything has to be run."""
import os
import shutil
import subprocess
import tempfile
import unittest

import location

REASON = "the broker: there is none"
LINE = f"NOT RUN: {REASON}"


class Checkout(unittest.TestCase):
    """A checkout with runners of the test's own, and a compiler that only says how its tests went."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "scripts"))
        for name in ("test", "not-run"):
            shutil.copy(os.path.join(location.REPOSITORY, "scripts", name), os.path.join(self.folder, "scripts"))
        self.executable("scripts/kafka", "echo 'no Kafka here' >&2; exit 1")
        self.executable("bin/swift", "seq 2000; echo 'Test run with 3 tests in 1 suite passed'")
        self.executable("Tests/A/run", "echo 'a: passed'")

    def executable(self, name, text):
        """A script of the checkout."""
        location.executable(os.path.join(self.folder, name), text)

    def skip(self):
        """A runner that does not run all it has, in the middle of what it says."""
        self.executable("Tests/B/run", "scripts/not-run 'the broker' 'there is none' || exit 1\nseq 2000\n"
                        "echo 'b: passed'")

    def call(self, *words, **environment):
        """Exit code and the lines that were said."""
        clean = {name: value for name, value in os.environ.items() if name not in ("CI", "REQUIRE", "NOT_RUN")}
        clean["PATH"] = f"{self.folder}/bin:{clean['PATH']}"
        done = subprocess.run(words or ["scripts/test"], cwd=self.folder, env=clean | environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.splitlines()


class Runs(Checkout):
    """scripts/test."""

    def test_when_all_was_run_nothing_is_listed(self):
        for environment in ({}, {"CI": "true"}, {"REQUIRE": "all"}):
            code, lines = self.call(**environment)
            self.assertEqual(code, 0)
            self.assertEqual(lines[-3:], ["swift test: Test run with 3 tests in 1 suite passed",
                                          "simulations: Test run with 3 tests in 1 suite passed", "Tests/A/run: a: passed"])

    def test_what_was_not_run_stands_at_the_very_end_and_only_there(self):
        self.skip()
        code, lines = self.call()
        self.assertEqual(code, 0)
        self.assertEqual(lines[-2:], ["Tests/B/run: b: passed (not all of it was run: see below)", LINE])
        self.assertEqual(lines.count(LINE), 1)

    def test_it_fails_where_everything_has_to_be_run(self):
        self.skip()
        for environment, expected in (({"REQUIRE": "all"}, 1), ({"CI": "true"}, 1), ({"CI": "false"}, 0),
                                      ({"CI": "true", "REQUIRE": "available"}, 0), ({"REQUIRE": "available"}, 0)):
            with self.subTest(environment):
                code, lines = self.call(**environment)
                self.assertEqual(code, expected)
                self.assertEqual(lines[-1], LINE)
                self.assertEqual(any(line.startswith("FAILED: everything") for line in lines[-3:]), expected == 1)

    def test_what_swift_skipped_is_listed_unless_it_runs_later(self):
        later = 'Suite BrokerSuite skipped: "Tests/KafkaIntegration/run starts its broker"'
        self.executable("bin/swift", f"echo '➜  Suite TLSSuite skipped: \"there is no openssl\"'; echo '➜  {later}'\n"
                        "echo 'Test run with 3 tests in 1 suite passed'")
        code, lines = self.call(FILTER="Suite")
        self.assertEqual(code, 0)
        self.assertEqual(lines[-2:], ["NOT RUN: Suite TLSSuite: there is no openssl",
                                      "NOT RUN: Suite BrokerSuite: Tests/KafkaIntegration/run starts its broker"])
        code, lines = self.call(REQUIRE="all")
        self.assertEqual(code, 1)
        self.assertFalse([line for line in lines if line.startswith("NOT RUN: Suite Broker")])

    def test_a_word_that_is_not_known_is_refused_at_once(self):
        code, lines = self.call(REQUIRE="everything")
        self.assertEqual((code, lines), (2, ["scripts/not-run: REQUIRE is all or available, not 'everything'"]))

    def test_a_failure_fails_whatever_is_required(self):
        self.executable("Tests/C/run", "exit 3")
        code, lines = self.call(REQUIRE="available")
        self.assertEqual(code, 1)
        self.assertEqual(lines[-2:], ["Tests/C/run: no output (exit code 3)", "FAILED"])

    def test_what_callers_noted_before_is_listed_too(self):
        path = os.path.join(self.folder, "noted")
        self.assertEqual(self.call("scripts/not-run", "lint", "no shellcheck", NOT_RUN=path), (0, []))
        self.skip()
        code, lines = self.call(NOT_RUN=path)
        self.assertEqual((code, lines[-2:]), (0, ["NOT RUN: lint: no shellcheck", LINE]))

    def test_a_runner_that_is_called_by_itself_says_and_judges_by_itself(self):
        self.assertEqual(self.call("scripts/not-run", "the broker", "there is none"), (0, [LINE]))
        self.assertEqual(self.call("scripts/not-run", "the broker", "there is none", CI="true"), (1, [LINE]))
        self.assertEqual(self.call("scripts/not-run")[0], 2)


class WithoutDocker(Checkout):
    """.ci/run: what needs a Docker engine runs where one answers, and is noted where none does."""

    NOTED = "NOT RUN: the image and docker-compose.yml in a Docker engine (make test-docker): no Docker engine answers here"

    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.folder, ".ci"))
        shutil.copy(os.path.join(location.REPOSITORY, ".ci", "run"), os.path.join(self.folder, ".ci"))
        self.executable("scripts/system-packages", "exit 0")
        self.executable("bin/make", 'echo "make $1"; [ "$1" != test ] || exec scripts/test')
        self.executable("bin/docker", "exit 1")

    def made(self, lines):
        """The verbs that were called."""
        return [line for line in lines if line.startswith("make ")]

    def test_no_engine_answers(self):
        code, lines = self.call(".ci/run")
        self.assertEqual((code, self.made(lines)), (0, ["make lint", "make test"]))
        self.assertTrue(lines[-1].startswith(self.NOTED), lines[-1])

    def test_an_engine_answers(self):
        self.executable("bin/docker", "exit 0")
        code, lines = self.call(".ci/run")
        self.assertEqual((code, self.made(lines)), (0, ["make lint", "make test-docker", "make test"]))
        self.assertFalse([line for line in lines if line.startswith("NOT RUN")])

    def test_everything_has_to_be_run(self):
        code, lines = self.call(".ci/run", REQUIRE="all")
        self.assertEqual((code, self.made(lines)), (0, ["make lint", "make test-docker", "make test"]))

    def test_it_fails(self):
        self.executable("bin/docker", "exit 0")
        self.executable("bin/make", 'echo "make $1"; [ "$1" != test-docker ]')
        code, lines = self.call(".ci/run")
        self.assertEqual((code, self.made(lines)), (1, ["make lint", "make test-docker"]))


class Runners(unittest.TestCase):
    """The runners there are, on a machine without Kafka."""

    def test_each_runner_that_needs_kafka_notes_it(self):
        for runner in ("KafkaIntegration", "ClusterDrills", "Stack"):
            with open(os.path.join(location.REPOSITORY, "Tests", runner, "run"), encoding="utf-8") as file:
                text = file.read()
            self.assertIn("scripts/not-run", text, runner)
            self.assertNotIn("SKIPPED", text, runner)

    def test_a_runner_without_kafka_ends_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            noted = os.path.join(folder, "noted")
            environment = {**os.environ, "KAFKA_HOME": folder, "NOT_RUN": noted}
            done = subprocess.run([os.path.join(location.REPOSITORY, "Tests", "KafkaIntegration", "run")],
                                  env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            with open(noted, encoding="utf-8") as file:
                self.assertIn("there is no Apache Kafka: scripts/kafka fetch, or set KAFKA_HOME", file.read())


if __name__ == "__main__":
    unittest.main()
