"""A stack that does not start says why, whatever the reason, and where its log is."""
import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import location

import launch
import machine as machines
import plan as plans

STACK = os.path.join(location.REPOSITORY, "stack", "stack")
MAKEFILE = os.path.join(location.REPOSITORY, "Makefile")
PAGE = os.path.join(location.REPOSITORY, "docs", "stack.md")


class InFolder(unittest.TestCase):
    """Tests with their own folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = os.path.join(self.folder, "supervisor.log")


class Launches(InFolder):
    """Whatever a supervisor does instead of getting ready."""

    def launch(self, code):
        """Launches a supervisor of some lines of Python: exit code, progress, standard error."""
        shown, errors = [], io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = launch.launch([sys.executable, "-c", code], self.log, shown.append)
        return status, "".join(shown), errors.getvalue()

    def test_one_that_dies_with_a_traceback_leaves_its_last_line(self):
        with open(self.log, "w", encoding="utf-8") as log:
            log.write("FileNotFoundError: of an earlier start\n")
        status, _, errors = self.launch("raise RuntimeError('no such luck')")
        self.assertEqual(status, 1)
        self.assertEqual(errors, "stack: the stack did not start: the supervisor ended with code 1: RuntimeError: no such"
                                 f" luck\nstack: its log is {self.log}\n")
        with open(self.log, encoding="utf-8") as log:
            self.assertIn("Traceback", log.read())

    def test_one_that_is_killed_and_said_nothing(self):
        status, _, errors = self.launch("import os; os.kill(os.getpid(), 9)")
        self.assertEqual(status, 1)
        self.assertIn("the supervisor ended with signal SIGKILL: it said nothing\n", errors)
        self.assertIn(self.log, errors)

    def test_one_that_ends_with_0_and_was_never_ready_is_a_failure(self):
        status, shown, errors = self.launch("print('starting')")
        self.assertEqual((status, shown), (1, "starting\n"))
        self.assertIn("ended with code 0", errors)

    def test_a_reason_of_several_lines_is_shown_whole(self):
        status, shown, errors = self.launch("print('FAILED redis is not ready; its log ends with\\nport in use')")
        self.assertEqual((status, shown), (1, ""))
        self.assertIn("did not start: redis is not ready; its log ends with\nport in use\nstack: its log is", errors)

    def test_a_program_that_cannot_be_started(self):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = launch.launch(["/nonexistent/python"], os.path.join(self.folder, "log"))
        self.assertEqual(status, 1)
        self.assertIn("the supervisor cannot be started: ", errors.getvalue())

    def test_one_that_is_ready_lives_on(self):
        pid_path = os.path.join(self.folder, "pid")
        status, shown, errors = self.launch(
            f"import os, time; open({pid_path!r}, 'w').write(str(os.getpid())); print('up', flush=True);"
            " print('READY', flush=True); time.sleep(60)")
        self.assertEqual((status, shown, errors), (0, "up\n", ""))
        with open(pid_path, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Starts(InFolder):
    """`stack start` from another folder, on a machine whose Java does not work."""

    def setUp(self):
        super().setUp()
        location.executable(os.path.join(self.folder, "bin", "kassa"), "exit 3")
        location.executable(os.path.join(self.folder, "java", "bin", "java"),
                            "echo 'this Java does not work'; exit 1")
        os.makedirs(os.path.join(self.folder, "kafka", "libs"))
        with open(os.path.join(self.folder, "kafka", "libs", "kafka-server-4.3.0.jar"), "wb"):
            pass
        self.stack = os.path.join(self.folder, "stack")
        self.log = os.path.join(self.stack, "logs", "supervisor.log")

    def run_stack(self, *words):
        """Exit code, standard output, standard error."""
        environment = {**os.environ, "JAVA_HOME": os.path.join(self.folder, "java"),
                       "KAFKA_HOME": os.path.join(self.folder, "kafka")}
        done = subprocess.run([STACK, "--folder", self.stack, *words], cwd=self.folder, env=environment, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    @unittest.skipUnless(machines.find_postgres(), "PostgreSQL's programs are needed: scripts/system-packages --for test")
    def test_a_relative_path_of_the_program_is_found_and_what_fails_then_is_told(self):
        code, shown, errors = self.run_stack("start", "--kassa", "bin/kassa")
        self.assertEqual(code, 1)
        self.assertIn("starting Kafka (1)", shown)
        self.assertIn("stack: the stack did not start: Kafka's folder cannot be made:\nthis Java does not work", errors)
        self.assertIn(f"stack: its log is {self.log}", errors)
        self.assertNotIn("Traceback", errors)
        code, shown, _ = self.run_stack("status")
        self.assertEqual((code, shown), (1, "the stack does not run\n"))

    def test_a_program_that_is_missing_is_named(self):
        code, _, errors = self.run_stack("start", "--kassa", "bin/missing")
        self.assertEqual(code, 1)
        self.assertEqual(errors.splitlines()[0], f"stack: the program {self.folder}/bin/missing: make build")

    def test_a_folder_without_jars_is_named(self):
        os.remove(os.path.join(self.folder, "kafka", "libs", "kafka-server-4.3.0.jar"))
        code, _, errors = self.run_stack("start", "--kassa", "bin/kassa")
        self.assertEqual(code, 1)
        self.assertIn(f"KAFKA_HOME is {self.folder}/kafka, which has no jars", errors)

    def test_a_port_that_was_taken_after_it_was_chosen_is_named(self):
        plan = plans.Plan(dict.fromkeys(plans.SERVICES, 1))
        plan.take_ports({})
        os.makedirs(os.path.join(self.stack, "logs"))
        plan.save(os.path.join(self.stack, "plan.json"))
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.1", plan.ports["redis"]))
            stranger.listen()
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                code = launch.launch([sys.executable, STACK, "--folder", self.stack, "supervise", "--kassa",
                                      os.path.join(self.folder, "bin", "kassa")], self.log, lambda line: None)
        self.assertEqual(code, 1)
        self.assertEqual(errors.getvalue(), "stack: the stack did not start: another program has taken the port of redis"
                         f" (127.0.0.1:{plan.ports['redis']}): run make stack again, which finds others\n"
                         f"stack: its log is {self.log}\n")

    def test_a_folder_that_cannot_be_made_is_named(self):
        with open(self.stack, "w", encoding="ascii"):
            pass
        code, _, errors = self.run_stack("start", "--kassa", "bin/kassa")
        self.assertEqual(code, 1)
        self.assertIn(self.stack, errors)
        self.assertNotIn("Traceback", errors)


class Makefile(InFolder):
    """What make hands over."""

    def recipe(self, *words):
        """What make would run."""
        done = subprocess.run(["make", "--no-print-directory", "-n", "-C", location.REPOSITORY, *words], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=30)
        return done.stdout

    def test_every_program_is_named_by_its_whole_path(self):
        paths = re.findall(r"--kassa (\S+)", self.recipe("stack", "perf", "perf-cluster"))
        self.assertEqual(len(paths), 3)
        self.assertEqual(set(paths), {f'"{location.REPOSITORY}/.build/release/kassa"'})

    def test_partitions_are_decided_by_the_plan_unless_they_are_given(self):
        self.assertNotIn("--partitions", self.recipe("stack"))
        self.assertIn('--partitions "8"', self.recipe("stack", "PARTITIONS=8"))
        with open(PAGE, encoding="utf-8") as file:
            page = file.read()
        row = re.search(r"^\| `PARTITIONS` \| (\d+) \|", page, re.M)
        self.assertEqual(int(row[1]), plans.PARTITIONS)
        self.assertEqual([int(number) for number in re.findall(r"(\d+) partitions \(`make stack PARTITIONS", page)],
                         [plans.PARTITIONS])
        self.assertEqual(plans.Plan({}).partitions, plans.PARTITIONS)


if __name__ == "__main__":
    unittest.main()
