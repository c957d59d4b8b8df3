"""perf/jobs, which takes the figures of the jobs: at a real server, and where answers are wrong."""
import os
import shutil
import subprocess
import sys

from altering import Gateway, paid_though_refused
from processes import ROOT, ServerTest
from servers import serving
from stress import SIGNS

SOME = ["CheckoutSucceeds", "CartWithoutCheckout"]


class TestFigures(ServerTest):
    """Both tables, in short."""

    def figures(self, url, *options):
        """The exit code, and the cells of each row that is no head."""
        # It looks for the packages itself; those that run this are as good, and need no network.
        program, python = self.folder / "perf" / "jobs", self.folder / "scripts" / "job-packages"
        for path in (program, python):
            path.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "perf" / "jobs", program)
        python.write_text(f"#!/bin/sh\necho {sys.executable}\n", encoding="utf-8")
        python.chmod(0o755)
        if not (self.folder / "test").exists():
            os.symlink(ROOT / "test", self.folder / "test")
        words = ["--url", url, "--seconds", "2", "--users", "2", "--rate", "4", "--buyers", "1,10", *options]
        done = subprocess.run([sys.executable, "-B", program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=240)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()
                if line.startswith("|") and "---" not in line]
        return done.returncode, [row for row in rows if row[0] not in ("buyers", "scenario")], done.stdout + done.stderr

    def test_every_run_has_its_row(self):
        """Ten columns of the consistency job, seven of Locust, and no wrong answer."""
        code, rows, said = self.figures(self.url, "--only", ",".join(SOME))
        self.assertEqual(code, 0, said)
        self.assertEqual([(row[0], row[2], row[9]) for row in rows[:2]], [("1", "1", "exact"), ("10", "1", "exact")])
        self.assertEqual([row[0].strip("`") for row in rows[2:]], SOME)
        for row in rows[2:]:
            self.assertGreater(int(row[1].replace(",", "")), 0, said)
            self.assertEqual(row[2], "0", said)
        self.assertEqual([row[4] != "0" for row in rows[2:]], [True, False], said)

    def test_wrong_answers_are_counted_and_fail(self):
        """A shop that pays what it should refuse."""
        with serving(Gateway(self.url, paid_though_refused).answer) as url:
            code, rows, said = self.figures(url, "--only", "CheckoutWithoutStock")
        self.assertEqual(code, 1, said)
        self.assertEqual(rows[2][0], "`CheckoutWithoutStock`", said)
        self.assertNotEqual(rows[2][2], "0", said)

    def test_a_scenario_that_does_not_exist_is_named(self):
        """Exit code 2, before anything is measured."""
        code, rows, said = self.figures(self.url, "--only", "Sales")
        self.assertEqual((code, rows), (2, []))
        self.assertIn(f"there is no scenario Sales; there are {', '.join(SIGNS)}\n", said)
