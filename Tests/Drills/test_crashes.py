"""Tests of how a drill notices that its server crashed: a program that stands in for one ends in many ways."""
import os
import signal
import tempfile
import unittest

from checks import DrillFailure, wait_until
from processes import Server

# Says that it is up, and stays; SIGTERM ends it in order.
PROGRAM = """#!/bin/sh
trap 'exit 0' TERM
echo ready >&2
while :; do sleep 0.02; done
"""


class Crashes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        program = os.path.join(folder.name, "program")
        with open(program, "w", encoding="ascii") as file:
            file.write(PROGRAM)
        os.chmod(program, 0o755)
        self.server = Server(program, folder.name)
        self.addCleanup(self.server.close)
        self.launch()

    def launch(self):
        """Starts the program, and waits until it is up."""
        said = self.server.logged().count("ready")
        self.server.launch()
        wait_until(lambda: self.server.logged().count("ready") > said, "it is up", 20)

    def plant(self, number):
        """Somebody else ends it: the drill does not know."""
        os.kill(self.server.process.pid, number)
        wait_until(self.server.is_over, "it has ended", 20)

    def assert_crash(self, call):
        pid = self.server.process.pid
        with self.assertRaises(DrillFailure) as failure:
            call()
        self.assertIn(f"the server (pid {pid}) crashed: SIGABRT\nready\n", str(failure.exception))

    def test_an_abort_fails_a_drill_that_ends_the_server(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.plant(signal.SIGABRT)
            self.assert_crash(lambda number=number: self.server.end(number))
            self.launch()

    def test_an_abort_fails_a_drill_that_starts_the_next_one_or_is_over(self):
        self.plant(signal.SIGABRT)
        self.assert_crash(self.server.launch)
        self.launch()
        self.plant(signal.SIGABRT)
        self.assert_crash(self.server.close)

    def test_what_the_drill_does_is_no_crash(self):
        self.assertEqual(self.server.end(), 0)
        self.launch()
        self.server.send(signal.SIGSTOP)
        self.server.send(signal.SIGCONT)
        self.assertEqual(self.server.end(signal.SIGKILL), -signal.SIGKILL)
        self.launch()
        self.server.close()
        self.server.close()


if __name__ == "__main__":
    unittest.main()
