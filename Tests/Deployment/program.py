"""A real server and a real Prometheus that scrapes it, for the tests of rules and dashboard."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import yaml

import pages

READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20


def kassa():
    """The path of the program: KASSA_PROGRAM, or the one of this checkout, built when it is missing or old."""
    given = os.environ.get("KASSA_PROGRAM")
    if given:
        return os.path.abspath(given)
    flags = os.environ.get("SWIFTFLAGS", "").split()
    build = ["swift", "build", *flags]
    subprocess.run([*build, "--product", "kassa"], cwd=pages.ROOT, check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run([*build, "--show-bin-path"], cwd=pages.ROOT, check=True, capture_output=True, text=True)
    return os.path.join(shown.stdout.strip(), "kassa")


def free_ports(count):
    """Ports of 127.0.0.1 that nobody uses."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def ask(port, path, method="GET", headers=None):
    """(status, body) of a request to 127.0.0.1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait_until(condition, what, seconds):
    """Asks until it is so, or fails with what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def _answers(port, path):
    try:
        return ask(port, path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


class _Process:
    """A server with its own folder and log."""

    def __init__(self, name, argv, folder, port, path):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "wb") as log:
            # Ended in `stop`. Kassa refuses variables KASSA_… that are no settings, and takes those that are.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={name: value for name, value in os.environ.items() if not name.startswith("KASSA_")})
        try:
            wait_until(lambda: self._is_up(port, path), f"{name} is ready", READY_SECONDS_MAX)
        except AssertionError:
            self.stop()
            raise

    def _is_up(self, port, path):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{log.read()}")
        return _answers(port, path)

    def stop(self):
        """Ends it in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Shop:
    """An embedded server on an empty folder, and Prometheus, which scrapes it every second and has the rules."""

    def __init__(self, rules):
        if not shutil.which("prometheus"):
            raise AssertionError("there is no prometheus: scripts/system-packages --for test installs it")
        self.folder = tempfile.mkdtemp(prefix="kassa-monitoring-")
        self.http, self.operator, self.prometheus = free_ports(3)
        self.processes = []
        try:
            self.processes.append(_Process(
                "kassa", [kassa(), "serve", "--http", f"127.0.0.1:{self.http}", "--operator",
                          f"127.0.0.1:{self.operator}", "--data", os.path.join(self.folder, "data"),
                          "--drain-delay", "0s"],
                self.folder, self.operator, "/readyz"))
            configuration = {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [rules],
                "scrape_configs": [{"job_name": "kassa",
                                    "static_configs": [{"targets": [f"127.0.0.1:{self.operator}"]}]}],
            }
            with open(os.path.join(self.folder, "prometheus.yml"), "w", encoding="utf-8") as file:
                yaml.safe_dump(configuration, file)
            self.processes.append(_Process(
                "prometheus", ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                               f"--web.listen-address=127.0.0.1:{self.prometheus}"],
                self.folder, self.prometheus, "/-/ready"))
        except BaseException:
            self.close()
            raise

    def metrics(self):
        """The text of /metrics."""
        status, body = ask(self.operator, "/metrics")
        if status != 200:
            raise AssertionError(f"/metrics answered {status}")
        return body

    def post(self, path):
        """What is made by a POST that has to succeed."""
        status, body = ask(self.http, path, "POST")
        if status != 200:
            raise AssertionError(f"POST {path} answered {status}: {body}")
        return json.loads(body) if body.startswith("{") else {}

    def buy(self):
        """One checkout that is paid, one that is refused, and something that is not there."""
        item = self.post("/stock/item/create/10")["item_id"]
        user = self.post("/payment/create_user")["user_id"]
        self.post(f"/stock/add/{item}/5")
        self.post(f"/payment/add_funds/{user}/30")
        for quantity, status in ((2, 200), (4, 409)):
            order = self.post(f"/orders/create/{user}")["order_id"]
            self.post(f"/orders/addItem/{order}/{item}/{quantity}")
            found = ask(self.http, f"/orders/checkout/{order}", "POST")[0]
            if found != status:
                raise AssertionError(f"a checkout of {quantity} answered {found}, not {status}")
        if ask(self.http, "/stock/find/nothing")[0] != 404:
            raise AssertionError("an item that nobody made was found")

    def query(self, expression):
        """The samples of an expression at this moment. Raises AssertionError with what Prometheus says against it."""
        status, body = ask(self.prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        answer = json.loads(body)
        if status != 200 or answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer.get('error', status)}")
        return answer["data"]["result"]

    def rules(self):
        """Every rule as Prometheus has it."""
        answer = json.loads(ask(self.prometheus, "/api/v1/rules")[1])
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def close(self):
        """Ends both and deletes what they left."""
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
