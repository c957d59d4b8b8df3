"""Clients, questions and checks that all drills share, whatever they are done to: one server or a cluster.

What is drilled has a program `kassa` and takes requests at the port `http` of 127.0.0.1.
"""
import http.client
import json
import subprocess
import time

ANSWER_SECONDS_MAX = 15
LOAD_SECONDS_MAX = 240


class DrillFailure(Exception):
    """The drill could not continue."""


def wait_until(condition, what, seconds, reason=None, every=0.02):
    """Waits until `condition()` is true; a `DrillFailure` names `what` did not happen, and what `reason()` says."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            why = f": {reason()}" if reason else ""
            raise DrillFailure(f"{what}: not within {seconds} s{why}")
        time.sleep(every)


def ask(port, path, method="GET"):
    """The status and the body of an answer; None and a reason where there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as reason:
        return None, str(reason)
    finally:
        connection.close()


def sum_of_metric(page, name, label=""):
    """The sum of all samples of a metric that have the label, on a page of Prometheus' format."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
               if line.split("{")[0].split(" ")[0] == name and label in line)


class Load:
    """64 clients of `kassa bench mixed`: they fill carts and check them out, every write under an idempotency key.

    After a lost answer they reconnect and repeat the write under its key. In the end every key is asked again and has
    to give the answer that it gave before, and stock and money have to be conserved as REST shows them.
    """

    def __init__(self, server, seconds, seed, *options):
        self.seconds = seconds
        self.process = subprocess.Popen(
            [server.kassa, "bench", "mixed", "--url", f"http://127.0.0.1:{server.http}", "--connections", "64",
             "--warmup", "0", "--seconds", str(seconds), "--idempotency-keys", "--seed", str(seed % 1000), "--json",
             *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_over(self):
        return self.process.poll() is not None

    def report(self):
        """What the clients saw: the exit status, the report, what was said on standard error."""
        out, err = self.process.communicate(timeout=self.seconds + LOAD_SECONDS_MAX)
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

    def folder(self, server, compared="24 partitions compared"):
        """`kassa verify` finds the folder sound, its store equal to a replay of the log where all of it was kept."""
        verify = subprocess.run(
            [server.kassa, "verify", server.data], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        said = " / ".join(verify.stdout.strip().splitlines()[-3:])
        self.check(verify.returncode == 0 and compared in verify.stdout,
                   f"kassa verify: {said}{verify.stderr[-300:] if verify.returncode else ''}")


def run_drills(drills, only=None):
    """Runs drills by name, each a function of its `Checks`, and prints how many checks passed and failed.

    `only` names a single one. Returns 0 when all passed.
    """
    passed = failed = 0
    for name, drill in drills.items():
        if only and only != name:
            continue
        checks, started = Checks(name), time.monotonic()
        try:
            drill(checks)
        except DrillFailure as failure:
            checks.check(False, str(failure))
        print(f"       {name}: {time.monotonic() - started:.1f} s", flush=True)
        passed, failed = passed + checks.passed, failed + checks.failed
    print(f"drills: {passed} checks passed, {failed} failed")
    return 1 if failed or not passed else 0
