"""Tests of how a drill notices that a process crashed: processes that stand in for pods end in many ways, under the
supervisor that the stack has."""
import contextlib
import io
import os
import signal
import sys
import tempfile
import time
import unittest
import unittest.mock

import location  # noqa: F401  pylint: disable=unused-import

import courses
import ends
import member as members
import pod_drills
from checks import Checks, DrillFailure, run_drills, wait_until
from cluster import Cluster
from stacks import Stacks

POD = """
import signal, sys, time
# What an end in order is for a pod: code 0.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(100)
"""
# It hears that it should end, and crashes over it.
CRASHING_POD = POD.replace("sys.exit(0)", "(print('assertion failed', flush=True), __import__('os').abort())")


class StandIn(Cluster):
    """A cluster of which only processes exist, supervised as a stack's are."""

    def __init__(self, folder):
        super().__init__("no program", folder)
        os.mkdir(os.path.join(folder, "logs"))
        self.ends.results = os.path.join(folder, "results")
        self.members = {}

    def add(self, name, program=POD):
        """Starts a process, and waits until it is up."""
        log = os.path.join(self.folder, "logs", f"{name}.log")
        spec = members.Spec(name, name.rsplit("-", 1)[0], "127.0.0.1:1", [sys.executable, "-c", program],
                            lambda: "ready" in "".join(ends.last_lines(log)), "/", stop_seconds=5)
        one = self.members[name] = members.Member(spec, log, lambda text: None, lambda: None, ends_path=self.ends.path)
        one.start()
        if not one.is_ready.wait(20):
            raise AssertionError(f"{name} does not come up")
        return one

    def rows(self):
        return {name: {"name": name, "kind": one.spec.kind, "pid": one.pid} for name, one in self.members.items()
                if one.pid}

    def plant(self, name, number):
        """Somebody else signals a process: no drill knows."""
        pid = self.pid(name)
        os.kill(pid, number)
        self.wait_for_another(name, pid)

    def wait_until_settled(self, seconds=20):
        wait_until(lambda: all(one.is_ready.is_set() for one in self.members.values()), "all are up", seconds)


class Ends(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        quickly = unittest.mock.patch.multiple(members, RESTART_SECONDS=0.02, RESTART_SECONDS_MAX=0.02)
        quickly.start()
        self.addCleanup(quickly.stop)
        self.cluster = StandIn(folder.name)
        for name in ("stock-0", "orders-0"):
            self.addCleanup(self.cluster.add(name).stop)

    def check(self, seconds=20):
        """Whether the ends until now are those that were declared, and what is said of it."""
        checks, said = Checks("a drill"), io.StringIO()
        with contextlib.redirect_stdout(said):
            self.cluster.ends.check(checks, seconds)
        self.assertEqual(checks.failed > 0, checks.passed == 0)
        return checks.failed == 0, said.getvalue()

    def kept(self):
        """The files of the drill's results, with what they hold."""
        folder = os.path.join(self.cluster.ends.results, "a-drill")
        texts = {}
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                texts[name] = file.read()
        return texts

    def test_an_allowed_end_need_not_happen(self):
        self.cluster.ends.allow("stock-0")
        self.assertTrue(self.check(seconds=0)[0])
        self.cluster.ends.allow("stock-0")
        self.cluster.plant("stock-0", signal.SIGKILL)
        self.cluster.plant("stock-0", signal.SIGSEGV)
        self.assertTrue(self.check(seconds=0)[0])
        self.cluster.plant("stock-0", signal.SIGKILL)
        self.assertFalse(self.check(seconds=0)[0], "only until the next comparison")

    def test_nothing_has_ended(self):
        self.assertTrue(self.check()[0])

    def test_an_abort_that_nobody_expects_fails_the_drill_and_is_named_and_its_log_is_kept(self):
        pid = self.cluster.pid("stock-0")
        self.cluster.plant("stock-0", signal.SIGABRT)
        is_well, said = self.check()
        self.assertFalse(is_well)
        self.assertIn(f"FAILED a drill: stock-0 (pid {pid}) ended with SIGABRT at ", said)
        self.assertIn("its last words: 'ready'", said)
        self.assertEqual(set(self.kept()), {"ends.jsonl", f"stock-0-{pid}.log"})
        self.assertTrue(self.kept()[f"stock-0-{pid}.log"].startswith("ready\n"))
        # It belongs to the drill that is over.
        self.assertTrue(self.check()[0])

    def test_a_kill_that_the_drill_causes_does_not(self):
        pid = self.cluster.send("stock-0", signal.SIGKILL)
        is_well, said = self.check()
        self.assertTrue(is_well, said)
        self.assertEqual(self.kept(), {})
        self.cluster.wait_for_another("stock-0", pid)
        # The next one of the name is another process.
        self.cluster.plant("stock-0", signal.SIGKILL)
        self.assertFalse(self.check()[0])

    def test_another_process_another_way_and_once_more_are_not_what_was_expected(self):
        for victim, number in (("orders-0", signal.SIGKILL), ("stock-0", signal.SIGSEGV)):
            self.cluster.ends.expect("stock-0", self.cluster.pid("stock-0"), signal.SIGKILL)
            self.cluster.plant(victim, number)
            is_well, said = self.check(seconds=0)
            self.assertFalse(is_well)
            self.assertIn(f"{victim} (pid ", said)
            self.assertIn("with SIGKILL was to end, and has not", said)

    def test_an_end_with_a_code_is_expected_with_that_code(self):
        for code, is_well in ((0, True), (1, False)):
            self.cluster.ends.expect("stock-0", self.cluster.pid("stock-0"), code=code)
            self.cluster.plant("stock-0", signal.SIGTERM)
            self.assertEqual(self.check(seconds=0)[0], is_well)

    def test_a_pod_that_is_stopped_and_goes_on_is_the_same_process(self):
        before = self.cluster.process("stock-0")
        self.assertNotIn(None, before)
        self.cluster.send("stock-0", signal.SIGSTOP)
        os.kill(before[0], signal.SIGCONT)
        self.assertEqual(self.cluster.process("stock-0"), before)
        self.assertTrue(self.check()[0])
        self.cluster.plant("stock-0", signal.SIGABRT)
        self.assertNotEqual(self.cluster.process("stock-0"), before)

    def test_a_restart_in_order_is_expected_and_one_that_crashes_is_not(self):
        for program, is_well in ((POD, True), (CRASHING_POD, False)):
            name = f"payments-{int(is_well)}"
            one = self.cluster.add(name, program)
            self.addCleanup(one.stop)
            before = one.pid
            self.cluster.ends.expect(name, before, code=0, order="restart")
            one.restart()
            self.cluster.wait_for_another(name, before)
            found, said = self.check(seconds=0)
            self.assertEqual(found, is_well, said)
            self.assertEqual("ended with SIGABRT when told to restart" in said, not is_well)

    def test_at_the_end_of_the_stack_a_crash_is_seen_too(self):
        self.cluster.members["stock-0"].stop()
        self.assertEqual(self.cluster.ends.disorderly(), [])
        self.cluster.add("payments-0", CRASHING_POD).stop()
        wrong = self.cluster.ends.disorderly()
        self.assertEqual([(end["name"], end["signal"]) for end in wrong], [("payments-0", "SIGABRT")])
        # Those that end otherwise than with 0, in order.
        stay = POD.replace("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))", "")
        self.cluster.add("gateway-0", stay).stop()
        self.assertEqual(self.cluster.ends.disorderly(), [])
        self.cluster.add("stock-1", stay).stop()
        self.assertEqual([end["signal"] for end in self.cluster.ends.disorderly()], ["SIGTERM"])

    def test_an_end_is_written_down_as_a_whole(self):
        pid, ticks = self.cluster.process("stock-0")
        began = time.time()
        self.cluster.plant("stock-0", signal.SIGABRT)
        found, _ = ends.read(self.cluster.ends.path)
        self.assertEqual(len(found), 1)
        end = found[0]
        self.assertEqual([end[key] for key in ("name", "kind", "pid", "ticks", "signal", "code", "order", "log")],
                         ["stock-0", "stock", pid, ticks, "SIGABRT", None, None, ["ready"]])
        self.assertLess(end["started"], ends.moment(began))
        self.assertLessEqual(ends.moment(began), end["ended"])

    def test_what_cannot_be_written_down_as_a_whole_leaves_the_file_as_it_was(self):
        self.cluster.plant("stock-0", signal.SIGABRT)
        before = ends.read(self.cluster.ends.path)
        whole = os.write
        with (unittest.mock.patch.object(os, "write", lambda file, data: whole(file, data[:10])),
              self.assertRaises(OSError)):
            ends.append(self.cluster.ends.path, before[0][0])
        self.assertEqual(ends.read(self.cluster.ends.path), before)

    def test_a_full_disk_does_not_end_supervision(self):
        one = self.cluster.members["stock-0"]
        one.ends_path, said = "/dev/full", []
        one.say = said.append
        pid = one.pid
        self.cluster.plant("stock-0", signal.SIGABRT)
        self.assertIn(f"the end of stock-0 (pid {pid}) cannot be written down: ", said[0])
        self.assertIn("ended with signal SIGABRT; it is started again", said[1])

    def test_of_a_long_log_the_last_forty_lines_are_written_down(self):
        path = os.path.join(self.cluster.folder, "logs", "stock-0.log")
        with open(path, "a", encoding="utf-8") as log:
            log.writelines(f"{number} {'x' * 2000}\n" for number in range(100))
        lines = ends.last_lines(path)
        self.assertEqual([line.split()[0] for line in lines], [str(number) for number in range(60, 100)])
        self.assertEqual({len(line) for line in lines}, {ends.LOG_LINE_CHARACTERS_MAX})

    def test_a_planted_abort_fails_each_drill(self):
        """The drills as `make drills` runs them, each with an abort in its place."""
        stacks = Stacks("no program", False)
        stacks.take = lambda kind: self.cluster

        def planted(checks, cluster, seed):
            checks.check(seed == 1, "the drill's own check")
            cluster.plant("stock-0", signal.SIGABRT)

        def aborted(checks, cluster, seed):
            planted(checks, cluster, seed)
            raise DrillFailure("it could not go on")

        for is_long in (False, True):
            table = courses.drills_by_kind(1, is_long)
            self.assertGreater(sum(map(len, table.values())), 10)
            for kind, names in table.items():
                for name in names:
                    one = {kind: {name: aborted if is_long else planted}}
                    said = io.StringIO()
                    with contextlib.redirect_stdout(said):
                        code = run_drills(courses.course(stacks, one, kind, seed=1))
                    self.assertEqual(code, 1, name)
                    self.assertIn(f"FAILED {name}: stock-0 (pid ", said.getvalue())
                    self.assertIn(f"{1} checks passed, {2 if is_long else 1} failed", said.getvalue())

    def test_the_kills_of_the_drills_are_expected(self):
        """The drill of killed pods, without its clients."""
        stacks = Stacks("no program", False)
        stacks.take = lambda kind: self.cluster
        with unittest.mock.patch.multiple(pod_drills, Crowd=unittest.mock.MagicMock(), check_waits=lambda *_: None):
            one = {"pods": {"kills": lambda *given, **more: pod_drills.kills(
                *given, **more, count=2, services=["stock", "orders"])}}
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = run_drills(courses.course(stacks, one, "pods", seed=1))
        self.assertEqual(code, 0, said.getvalue())
        self.assertIn("processes that ended: 4, each by the drill's doing", said.getvalue())


if __name__ == "__main__":
    unittest.main()
