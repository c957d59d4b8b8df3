"""A real server, real clients, and what is checked of both: what all drills share."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

READY_SECONDS_MAX = 30
END_SECONDS_MAX = 60
LOAD_SECONDS_MAX = 240


class DrillFailure(Exception):
    """The drill could not go on."""


def free_ports():
    """Two ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(condition, what, seconds):
    """Waits until `condition()` is true; a `DrillFailure` names `what` did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DrillFailure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Server:
    """One `kassa serve` after the other on the same ports and folder."""

    def __init__(self, kassa, folder, *options):
        self.kassa, self.folder, self.options = kassa, folder, options
        self.data = os.path.join(folder, "data")
        self.http, self.operator = free_ports()
        self.journal = open(os.path.join(folder, "journal"), "ab")
        self.faults = os.path.join(folder, "faults")
        self.process = None
        # Without root's right to write what nobody may write.
        self.is_unprivileged = False

    def launch(self):
        environment = dict(os.environ)
        if os.path.exists(self.faults):
            environment["KASSA_FAULT_FILE"] = self.faults
        isolation = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        prefix = isolation if self.is_unprivileged and os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*prefix, self.kassa, "serve", "--http", f"127.0.0.1:{self.http}",
             "--operator", f"127.0.0.1:{self.operator}", "--data", self.data, *self.options],
            stdin=subprocess.DEVNULL, stderr=self.journal, env=environment)

    def start(self):
        """Starts a server and waits until it is ready."""
        self.launch()
        wait_until(lambda: self.is_over() or self.is_ready(), "the server is ready", READY_SECONDS_MAX)
        if self.is_over():
            raise DrillFailure(f"the server ended with {self.process.returncode}:\n{self.told()}")

    def is_over(self):
        return self.process.poll() is not None

    def ask(self, path, port=None, method="GET"):
        """The status and the body of an answer; None and a reason where there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.operator, timeout=15)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as reason:
            return None, str(reason)
        finally:
            connection.close()

    def is_ready(self):
        return self.ask("/readyz")[0] == 200

    def metric(self, name, label=""):
        """The sum of all samples of a metric that have the label."""
        lines = self.ask("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if line.split("{")[0].split(" ")[0] == name and label in line)

    def checkouts(self):
        """How many checkouts were answered."""
        return self.metric("kassa_http_request_duration_seconds_count", 'route="/orders/checkout/')

    def fail_disk(self, *rules):
        """From now on the disk fails as the rules say, `FILE OPERATION FAULT` each. Call it before `start`, too."""
        with open(self.faults + ".new", "w", encoding="ascii") as control:
            control.write("".join(rule + "\n" for rule in rules))
        os.replace(self.faults + ".new", self.faults)

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Ends the server; returns its exit status."""
        self.send(number)
        return self.process.wait(timeout=END_SECONDS_MAX)

    def told(self, after=0):
        """What the servers said on standard error behind a position, its end at least."""
        with open(self.journal.name, encoding="utf-8", errors="replace") as journal:
            journal.seek(after)
            return journal.read()[-4000:]

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.journal.close()


class Load:
    """64 clients of `kassa bench mixed`: they fill carts and check them out, every write under an idempotency key.

    After a lost answer they reconnect and repeat the write under its key. In the end every key is asked again and has
    to give the answer that it gave before, and stock and money have to be conserved as REST shows them.
    """

    def __init__(self, server, seconds, seed):
        self.process = subprocess.Popen(
            [server.kassa, "bench", "mixed", "--url", f"http://127.0.0.1:{server.http}", "--connections", "64",
             "--warmup", "0", "--seconds", str(seconds), "--idempotency-keys", "--seed", str(seed % 1000), "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_over(self):
        return self.process.poll() is not None

    def report(self):
        """What the clients saw: the exit status, the report, what was said on standard error."""
        out, err = self.process.communicate(timeout=LOAD_SECONDS_MAX)
        return self.process.returncode, json.loads(out) if out.strip() else {}, err.strip()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Checks:
    """What has to hold at the end of a drill."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def check(self, is_well, text):
        if is_well:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok    ' if is_well else 'FAILED'} {self.name}: {text}", flush=True)

    def load(self, load, paid_min):
        """The clients saw enough happen, and nothing wrong."""
        status, report, err = load.report()
        keys, truth = report.get("keys") or {}, report.get("truth") or {}
        self.check(status == 0, f"the clients found nothing wrong {err}{report.get('troubles') or ''}")
        self.check(truth.get("acknowledged", 0) >= paid_min,
                   f"{truth.get('acknowledged')} checkouts paid, at least {paid_min}")
        self.check(keys.get("used", 0) > 0 and keys.get("different") == 0 and keys.get("unanswered") == 0,
                   f"each of {keys.get('used')} keys gave one answer")
        self.check(truth.get("conserved") is True, "stock and money are conserved over REST")
        return report

    def folder(self, server):
        """`kassa verify` finds the folder sound, its store equal to a replay of the whole log."""
        verify = subprocess.run(
            [server.kassa, "verify", server.data], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        said = " / ".join(verify.stdout.strip().splitlines()[-3:])
        self.check(verify.returncode == 0 and "24 partitions compared" in verify.stdout,
                   f"kassa verify: {said}{verify.stderr[-300:] if verify.returncode else ''}")
