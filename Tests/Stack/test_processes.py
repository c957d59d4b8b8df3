"""Identities of processes, and their supervision."""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import unittest.mock

import location  # noqa: F401  pylint: disable=unused-import

import identity
import member as members
import postgres
import supervisor as supervisors

STAY = [sys.executable, "-c", "import time; time.sleep(100)"]


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)


def command_name(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read()


class Identity(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(STAY)  # pylint: disable=consider-using-with
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    def test_a_process_is_known_again(self):
        known = identity.describe(self.process.pid)
        self.assertTrue(identity.is_alive(known))
        self.assertTrue(identity.send(known, signal.SIGTERM))
        self.assertEqual(self.process.wait(10), -signal.SIGTERM)
        self.assertFalse(identity.is_alive(known))
        self.assertFalse(identity.send(known, signal.SIGTERM))

    def test_whoever_has_the_pid_now_is_left_alone(self):
        known = identity.describe(self.process.pid)
        for change in ({"ticks": known["ticks"] - 1}, {"ticks": None}, {"boot": "another"}):
            stranger = {**known, **change}
            self.assertFalse(identity.is_alive(stranger))
            self.assertFalse(identity.send(stranger, signal.SIGKILL))
            self.assertTrue(identity.end(stranger, signal.SIGKILL, 1))
        self.assertIsNone(self.process.poll())

    def test_a_process_that_has_ended_and_was_not_reaped_is_not_alive(self):
        known = identity.describe(self.process.pid)
        self.process.kill()
        members.has_ended(self.process.pid, waits=True)
        self.assertFalse(identity.is_alive(known))

    def test_names_with_brackets_and_blanks_do_not_confuse(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a) S (b 1")
            os.symlink("/bin/sleep", path)
            with subprocess.Popen([path, "100"]) as process:
                wait_until(lambda: command_name(process.pid).startswith("a) S"))
                ticks = identity.start_ticks(process.pid)
                process.kill()
        self.assertGreater(ticks, 1000)

    def test_what_does_not_end_is_killed(self):
        code = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(100)"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as stubborn:
            stubborn.stdout.read(1)
            reaper_sees = identity.end(identity.describe(stubborn.pid), signal.SIGTERM, 0.2)
        self.assertFalse(reaper_sees)


class Supervision(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(self.folder.cleanup)
        self.said, self.calls = [], []

    def member(self, argv=None, probe=lambda: True, **options):
        spec = members.Spec("one", "redis", "127.0.0.1:1", argv or STAY, probe, "/", **options)
        made = members.Member(spec, os.path.join(self.folder.name, "log"), self.said.append, lambda: None,
                              lambda name: self.calls.append("in"), lambda name: self.calls.append("out"))
        made.start()
        self.addCleanup(made.stop)
        return made

    def test_what_dies_is_started_again_after_a_second(self):
        one = self.member()
        self.assertTrue(one.is_ready.wait(10))
        first = one.pid
        killed = time.monotonic()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: one.pid not in (None, first))
        self.assertGreaterEqual(time.monotonic() - killed, members.RESTART_SECONDS * 0.9)
        self.assertTrue(one.is_ready.wait(10))
        self.assertEqual(self.calls, ["in", "out", "in"])
        self.assertTrue(any("SIGKILL" in line for line in self.said))

    def test_a_restart_does_not_wait(self):
        one = self.member()
        self.assertTrue(one.is_ready.wait(10))
        first = one.pid
        began = time.monotonic()
        one.restart()
        wait_until(lambda: one.pid not in (None, first))
        self.assertLess(time.monotonic() - began, members.RESTART_SECONDS * 0.9)

    def test_a_stop_is_for_good_and_reaches_even_what_is_stopped(self):
        one = self.member()
        self.assertTrue(one.is_ready.wait(10))
        known = identity.describe(one.pid)
        os.kill(one.pid, signal.SIGSTOP)
        self.assertTrue(one.stop())
        self.assertFalse(identity.is_alive(known))
        self.assertIsNone(one.pid)
        self.assertEqual(one.starts, 1)

    def test_what_ignores_the_signal_is_killed(self):
        code = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(100)"
        one = self.member([sys.executable, "-c", code], lambda: os.path.getsize(one.log_path) > 0, stop_seconds=0.3)
        self.assertTrue(one.is_ready.wait(10))
        self.assertFalse(one.stop())
        self.assertIsNone(one.pid)

    def test_children_hear_signals_that_the_supervisor_blocks(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self.addCleanup(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM})
        one = self.member(stop_seconds=5)
        self.assertTrue(one.is_ready.wait(10))
        self.assertTrue(one.stop())

    def test_a_program_that_is_not_there_is_told(self):
        one = self.member(["/nonexistent/program"])
        wait_until(lambda: self.said)
        self.assertIn("cannot be started", self.said[0])
        one.stop()


    def await_one(self, one, seconds):
        """Waits as a start does; the reason why it failed."""
        start = types.SimpleNamespace(is_ending=threading.Event())
        with self.assertRaises(supervisors.StackFailure) as failure:
            supervisors.Supervisor._await(start, [one], time.monotonic() + seconds)  # pylint: disable=protected-access
        return str(failure.exception)

    def test_what_cannot_start_fails_a_start_long_before_its_time_is_over(self):
        with unittest.mock.patch.multiple(members, RESTART_SECONDS=0.01, RESTART_SECONDS_MAX=0.01):
            one = self.member(["/bin/sh", "-c", "echo the port is taken; exit 3"], lambda: False)
            began = time.monotonic()
            reason = self.await_one(one, 600)
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn(f"one ended {supervisors.STARTS_MAX} times before it was ready; {one.log_path} ends with\n"
                      "the port is taken\n", reason)

    def test_what_is_not_ready_in_time_fails_a_start(self):
        one = self.member(probe=lambda: False)
        self.assertEqual(self.await_one(one, 0.2), f"one was not ready in time; {one.log_path} is empty")


class Reach(unittest.TestCase):
    def test_a_folder_is_reachable_where_each_step_lets_the_user_pass(self):
        class User:
            """Nobody that owns anything here."""
            pw_uid, pw_gid = 4_000_001, 4_000_001

        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o711)
            inner = os.path.join(folder, "inner")
            os.mkdir(inner, 0o755)
            self.assertTrue(postgres.is_reachable(inner, User))
            self.assertEqual(postgres.reachable_folder(inner, User), os.path.join(inner, "postgres"))
            os.chmod(folder, 0o700)
            self.assertFalse(postgres.is_reachable(inner, User))
            self.assertTrue(postgres.reachable_folder(inner, User).startswith("/var/tmp/kassa-stack-"))
            self.assertEqual(postgres.reachable_folder(inner, None), os.path.join(inner, "postgres"))


if __name__ == "__main__":
    unittest.main()
