"""The jobs as processes, and the servers that they run against."""
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Far beyond what a job takes: reached only by one that hangs.
SECONDS_MAX = 240
READY_SECONDS_MAX = 120
# Jobs that wait for a shop more than they compute.
AT_ONCE = 3


def run(*argv):
    """A job's exit code and all it wrote. One that hangs is ended with all its children."""
    with subprocess.Popen([sys.executable, "-B", *map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            return f"killed after {SECONDS_MAX} s", said
        return process.returncode, said


def for_each(function, values):
    """Pairs of a value and the function's result for it, a few at a time: for runs that share nothing."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        return list(zip(values, threads.map(function, values)))


def free_ports(number):
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def nobody():
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def _is_ready(operator):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operator}/readyz", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def kassa():
    """A server with its own data, until the block ends; gives its address. It has to end in order."""
    http, operator = free_ports(2)
    # Settings of the one who runs the tests are not the server's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KASSA_")}
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w+", encoding="utf-8") as log:
        os.mkdir(f"{folder}/data")
        with subprocess.Popen([os.environ["TESTED_KASSA"], "serve", "--http", f"127.0.0.1:{http}",
                               "--operator", f"127.0.0.1:{operator}", "--data", f"{folder}/data",
                               "--drain-delay", "0s"],
                              stdin=subprocess.DEVNULL, stderr=log, env=environment) as process:
            try:
                deadline = time.monotonic() + READY_SECONDS_MAX
                while not _is_ready(operator):
                    if process.poll() is not None or time.monotonic() > deadline:
                        log.seek(0)
                        raise AssertionError(f"the server did not get ready: {log.read()[-2000:]}")
                    time.sleep(0.1)
                yield f"http://127.0.0.1:{http}"
                process.terminate()
                code = process.wait(timeout=READY_SECONDS_MAX)
                log.seek(0)
                assert code == 0, f"the server ended with {code}: {log.read()[-2000:]}"
            finally:
                if process.poll() is None:
                    process.kill()


class JobTest(unittest.TestCase):
    """A test with its own folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.folder = pathlib.Path(self.enterContext(folder))


class ServerTest(JobTest):
    """Tests of a class share one server, which no other class has: batch_init makes the ids 0 to n - 1 again."""

    url = ""

    @classmethod
    def setUpClass(cls):
        cls.url = cls.enterClassContext(kassa())
