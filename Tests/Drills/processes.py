"""A real server: started, asked, starved of disk and ended."""
import os
import resource
import signal
import socket
import subprocess

from checks import DrillFailure, ask, sum_of_metric, wait_until

READY_SECONDS_MAX = 30
END_SECONDS_MAX = 60


def free_ports():
    """Two ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """One `kassa serve` after the other on the same ports and folder."""

    def __init__(self, kassa, folder, *options):
        self.kassa, self.folder, self.options = kassa, folder, options
        self.data = os.path.join(folder, "data")
        self.http, self.operator = free_ports()
        self.journal = open(os.path.join(folder, "journal"), "ab")
        self.faults = os.path.join(folder, "faults")
        self.process = None
        # The signals that a drill has sent to the process. Any other one that ends it is a crash.
        self.sent = set()
        # Without root's right to write what nobody may write.
        self.is_unprivileged = False
        # The soft and the hard limit of descriptors that it is started with; None: those of this process.
        self.descriptors = None
        # What its environment has beside that of this process.
        self.environment = {}

    def launch(self):
        self.refuse_crash()
        self.sent = set()
        # Nothing stands in front that would have to notice an end; a flag overrides it.
        environment = {"KASSA_DRAIN_DELAY": "0s"} | os.environ | self.environment
        if os.path.exists(self.faults):
            environment["KASSA_FAULT_FILE"] = self.faults
        isolation = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        prefix = isolation if self.is_unprivileged and os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*prefix, self.kassa, "serve", "--http", f"127.0.0.1:{self.http}",
             "--operator", f"127.0.0.1:{self.operator}", "--data", self.data, *self.options],
            stdin=subprocess.DEVNULL, stderr=self.journal, env=environment, preexec_fn=self.limit_descriptors)

    def limit_descriptors(self):
        """In the server's process, before the program begins."""
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, self.descriptors)

    def start(self):
        """Starts a server and waits until it is ready."""
        self.launch()
        wait_until(lambda: self.is_over() or self.is_ready(), "the server is ready", READY_SECONDS_MAX)
        if self.is_over():
            raise DrillFailure(f"the server ended with {self.process.returncode}:\n{self.logged()}")

    def is_over(self):
        return self.process.poll() is not None

    def ask(self, path, port=None, method="GET"):
        """The status and the body of an answer, of the operator port by default; None and a reason without one."""
        return ask(port or self.operator, path, method)

    def is_ready(self):
        return self.ask("/readyz")[0] == 200

    def metric(self, name, label=""):
        """The sum of all samples of a metric that have the label."""
        return sum_of_metric(self.ask("/metrics")[1], name, label)

    def oldest_checkpoint(self):
        """The age in seconds of the partition whose store is the furthest behind."""
        name = "kassa_partition_checkpoint_age_seconds{"
        return max(float(line.rsplit(" ", 1)[1])
                   for line in self.ask("/metrics")[1].splitlines() if line.startswith(name))

    def checkouts(self):
        """How many checkouts were answered."""
        return self.metric("kassa_http_request_duration_seconds_count", 'route="/orders/checkout/')

    def fail_disk(self, *rules):
        """From now on the disk fails as the rules say, `FILE OPERATION FAULT` each. Call it before `start`, too."""
        with open(self.faults + ".new", "w", encoding="ascii") as control:
            control.write("".join(rule + "\n" for rule in rules))
        os.replace(self.faults + ".new", self.faults)

    def send(self, number):
        self.sent.add(number)
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Ends the server; returns its exit status. A `DrillFailure` when it has crashed instead."""
        self.send(number)
        return self.wait()

    def wait(self):
        """Waits until the server ends; returns its exit status. A `DrillFailure` when it has crashed instead."""
        status = self.process.wait(timeout=END_SECONDS_MAX)
        self.refuse_crash()
        return status

    def refuse_crash(self):
        """A `DrillFailure` with the end of the journal when the process was ended by a signal that no drill sent: a
        crash, even one that nothing else has shown."""
        if self.process is None or self.process.poll() is None:
            return
        number = -self.process.returncode
        if number > 0 and number not in self.sent:
            process, self.process = self.process, None
            raise DrillFailure(f"the server (pid {process.pid}) crashed: {signal.Signals(number).name}\n{self.logged()}")

    def logged(self, after=0):
        """What the servers wrote to standard error after a position, at least the end of it."""
        with open(self.journal.name, encoding="utf-8", errors="replace") as journal:
            journal.seek(after)
            return journal.read()[-4000:]

    def close(self):
        try:
            self.refuse_crash()
        finally:
            if self.process and self.process.poll() is None:
                self.send(signal.SIGKILL)
                self.process.wait()
            self.journal.close()
