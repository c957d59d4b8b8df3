"""A fresh clone of the repository, in which commands run as a newcomer types them."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

# A clone has nothing of what was built. Compiling it takes minutes: unless it is compiled for once, a `swift` in front of
# the real one answers the calls that build a program by putting the one there that is tested; every other call
# goes to the real one. All else is as it is for a newcomer: make, its checks, what it calls and hands over.
COMPILER = r"""#!/usr/bin/env bash
set -euo pipefail
if [ "${1:-}" = build ] && [[ "$*" =~ ^build\ -c\ release\ .*--product\ (kassa[a-z-]*) ]]; then
  program="${BASH_REMATCH[1]}"
  tested="$(dirname "$TESTED_KASSA")/$program"
  [ "$program" != kassa ] || tested="$TESTED_KASSA"
  if [ -x "$tested" ]; then
    mkdir -p .build/release
    cp --reflink=auto "$tested" ".build/release/$program"
    exit
  fi
fi
exec "$REAL_SWIFT" "$@"
"""


class Clone:
    """The clone, and beside it a folder of programs that come first on the path."""

    def __init__(self, root, kassa, compiles):
        self._outer = tempfile.TemporaryDirectory(prefix="kassa-clone-")  # pylint: disable=consider-using-with
        outer = pathlib.Path(self._outer.name)
        os.chmod(outer, 0o755)
        self.folder, self.programs = outer / "kassa", outer / "programs"
        self.journal = outer / "journal"
        self.programs.mkdir()
        # Where `kassa` is on the path, it is the one that is tested.
        (self.programs / "kassa").symlink_to(self.folder / ".build/release/kassa" if compiles else kassa)
        if not compiles:
            (self.programs / "swift").write_text(COMPILER, encoding="utf-8")
            (self.programs / "swift").chmod(0o755)
        self._configuration = outer / "gitconfig"
        self._configuration.write_text("[safe]\n\tdirectory = *\n", encoding="utf-8")
        self.environment = {**_newcomer(), "TESTED_KASSA": str(kassa), "REAL_SWIFT": shutil.which("swift") or "swift",
                            "PATH": f"{self.programs}:{os.environ['PATH']}",
                            "GIT_CONFIG_GLOBAL": str(self._configuration)}
        self._fill(root)

    def _fill(self, root):
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(self.folder)], check=True,
                       env=self.environment, stdin=subprocess.DEVNULL)
        # What is changed and not committed yet comes along; what git does not know does not.
        changed = subprocess.run(["git", "-C", str(root), "diff", "--name-only", "-z", "HEAD"], check=True, text=True,
                                 env=self.environment, stdout=subprocess.PIPE).stdout
        for name in filter(None, changed.split("\0")):
            source, target = root / name, self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                shutil.copy2(source, target)
            else:
                target.unlink(missing_ok=True)
        # The neighbour's jars are found from the clone, too.
        libs = subprocess.run([root / "scripts" / "kafka"], check=False, stdout=subprocess.PIPE, text=True)
        if libs.returncode == 0:
            self.environment["KAFKA_HOME"] = os.path.dirname(libs.stdout.strip())

    def command(self, text, output=None):
        """A process of a shell that is given the command as it stands. Its output goes to a file, or to pipes."""
        words = ["bash", "-euo", "pipefail", "-c", text]
        options = {"cwd": self.folder, "env": self.environment, "stdin": subprocess.DEVNULL, "start_new_session": True}
        if output is not None:
            with open(output, "wb") as file:
                return subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, **options)
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                **options)

    def run(self, text, seconds):
        """Exit code ("no end" for one that was killed after so many seconds), standard output, standard error."""
        process = self.command(text)
        try:
            said, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, errors = process.communicate()
            return "no end", said, errors
        return process.returncode, said, errors

    def close(self):
        """Deletes it."""
        self._outer.cleanup()


def _newcomer():
    """The environment without what make and the tests have put there."""
    prefixes = ("KASSA_", "MAKE", "MFLAGS", "KAFKA_")
    names = ("SWIFTFLAGS", "FILTER", "REQUIRE", "NOT_RUN", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes) and name not in names}
