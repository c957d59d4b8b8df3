"""What Tests/Jobs/run says and how it ends where the packages of the jobs cannot be fetched."""
import os
import shutil
import subprocess

from processes import ROOT, JobTest

# A python3 whose virtual environments have a pip that reaches nothing.
PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 9
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho no route to the index >&2\\nexit 1\\n' >"$3/bin/pip"
chmod +x "$3/bin/pip"
"""
NOTED = ("NOT RUN: the jobs of test/ (Tests/Jobs): the packages of test/requirements.txt could not be fetched from PyPI: "
         "check that pip can reach it")


class TestRun(JobTest):
    """The runner in a checkout that has nothing else."""

    def setUp(self):
        super().setUp()
        for name in ("scripts/not-run", "scripts/job-packages", "Tests/Jobs/run", "test/requirements.txt"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        self.executable("Tests/Jobs/manifests", "#!/bin/sh\necho manifests: checked\n")
        self.executable("bin/python3", PYTHON)

    def executable(self, name, text):
        """A program of the checkout."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def call(self, *words, **environment):
        """Exit code, and the lines of standard output."""
        clean = {name: value for name, value in os.environ.items() if name not in ("CI", "REQUIRE", "NOT_RUN")}
        clean["PATH"] = f"{self.folder}/bin:{clean['PATH']}"
        done = subprocess.run([self.folder / "Tests/Jobs/run", *words], env=clean | environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def test_without_the_packages(self):
        """It says so, checks the rest, and fails only where everything has to be run."""
        for environment, expected in (({}, 0), ({"REQUIRE": "all"}, 1), ({"CI": "true"}, 1)):
            code, lines, errors = self.call(**environment)
            self.assertEqual((code, lines), (expected, [NOTED, "manifests: checked"]), errors)
            self.assertIn("no route to the index", errors)

    def test_what_was_not_run_is_noted_for_make_test(self):
        """In the file, which make test reads at its end."""
        noted = self.folder / "noted"
        code, lines, errors = self.call(REQUIRE="all", NOT_RUN=str(noted))
        self.assertEqual((code, lines), (0, ["manifests: checked"]), errors)
        self.assertEqual(noted.read_text(encoding="utf-8"), f"{NOTED}\n")

    def test_a_program_that_is_not_there(self):
        """Exit code 2, and its name."""
        code, _, errors = self.call("--kassa", "/nowhere/kassa")
        self.assertEqual(code, 2)
        self.assertIn("'/nowhere/kassa'", errors)
