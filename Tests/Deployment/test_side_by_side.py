"""The runner of these tests: nothing that fails, is skipped or ends its process goes unnoticed."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
MODULE = """
import os, unittest

class Single(unittest.TestCase):
    def test_good(self): pass
    def test_{name}(self): {body}

class Together(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.prepared = 1
    def test_one(self): self.assertEqual(self.prepared, 1); Together.prepared = 2
    def test_two(self): self.assertEqual(self.prepared, 2)
"""


class Runner(unittest.TestCase):
    """side_by_side.py on its own module."""

    def ran(self, name, body, *names):
        """(exit code, output) with one more test in the module."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "planted.py").write_text(MODULE.format(name=name, body=body), encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", HERE / "side_by_side.py", *(names or ["planted"])],
                                  env={**os.environ, "PYTHONPATH": folder}, cwd=folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    def test_all_good(self):
        code, said = self.ran("other", "pass")
        self.assertEqual(code, 0, said)
        self.assertIn("Ran 4 tests in ", said)

    def test_a_failure(self):
        code, said = self.ran("bad", "self.fail('on purpose')")
        self.assertEqual(code, 1, said)
        self.assertIn("on purpose", said)
        self.assertIn("FAILED: planted.Single.test_bad\n", said)

    def test_a_skipped_one_is_named(self):
        code, said = self.ran("left_out", "self.skipTest('no such tool')")
        self.assertEqual(code, 0, said)
        self.assertIn("skipped: planted.Single.test_left_out: no such tool\n", said)

    def test_a_process_that_ends(self):
        code, said = self.ran("end", "os._exit(0)")
        self.assertEqual(code, 1, said)
        self.assertIn("planted.Single.test_end (its process ended)", said)

    def test_a_name_that_does_not_exist(self):
        code, said = self.ran("other", "pass", "planted", "plantet")
        self.assertEqual(code, 1, said)
        self.assertIn("plantet", said)


if __name__ == "__main__":
    unittest.main()
