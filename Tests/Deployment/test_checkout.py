"""The script of `helm test`, against a real server: it buys, and it fails when it should."""
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import chart
import program

SCRIPT = chart.CHART / "files" / "checkout.py"
READY_SECONDS_MAX = 30


def free_port():
    """A port of 127.0.0.1 that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_ready(port):
    """Whether a server says that it serves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def checkout(*urls):
    """The script, as the pod runs it."""
    return subprocess.run([sys.executable, "-B", str(SCRIPT), *urls], capture_output=True, text=True, check=False)


class Checkout(unittest.TestCase):
    """One embedded server stands for the three services: the paths are the same."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        cls.addClassCleanup(cls.folder.cleanup)
        http_port, operator = free_port(), free_port()
        cls.url = f"http://127.0.0.1:{http_port}"
        settings = {name: value for name, value in os.environ.items() if not name.startswith("KASSA_")}
        cls.server = subprocess.Popen(  # pylint: disable=consider-using-with
            [program.kassa(), "serve", "--http", f"127.0.0.1:{http_port}", "--operator",
             f"127.0.0.1:{operator}", "--data", os.path.join(cls.folder.name, "data"), "--drain-delay", "0s"],
            env=settings, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.stop)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not is_ready(operator):
            if cls.server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the server did not get ready")
            time.sleep(0.1)

    @classmethod
    def stop(cls):
        """Ends the server."""
        cls.server.terminate()
        cls.server.wait(60)

    def test_it_buys(self):
        done = checkout(self.url, self.url, self.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^order \S+ is paid; stock and credit are what they should be\n$")

    def test_it_names_what_cannot_be_reached(self):
        away = f"http://127.0.0.1:{free_port()}"
        done = checkout(self.url, away, self.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the checkout failed: POST {away}/stock/item/create/7", done.stderr)

    def test_it_names_a_refusal(self):
        done = checkout(f"{self.url}/nowhere", self.url, self.url)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/orders/create/", done.stderr)
        self.assertIn("404", done.stderr)

    def test_the_pod_runs_it(self):
        objects = chart.objects()
        pod = next(each for each in objects if each["kind"] == "Pod")
        self.assertEqual(pod["spec"]["containers"][0]["command"][-3:],
                         ["http://orders:8000", "http://stock:8000", "http://payments:8000"])
        script = next(each for each in objects if each["kind"] == "ConfigMap" and chart.is_hook(each, "test"))
        self.assertEqual(script["data"]["checkout.py"].strip(), SCRIPT.read_text(encoding="utf-8").strip())


if __name__ == "__main__":
    unittest.main()
