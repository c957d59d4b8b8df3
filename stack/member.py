"""One process that is kept running: started, waited for, started again when it dies, ended when it is told to.

Each has a thread of its own, which is the only one that starts and reaps the process. As its parent does not reap it
before it has been looked at, its pid cannot be a stranger's when it is signalled.
"""
import dataclasses
import os
import resource
import signal
import subprocess
import threading
import time

import ends

RESTART_SECONDS = 1.0
RESTART_SECONDS_MAX = 15.0
# Who lived so long is not one that cannot start.
SETTLED_SECONDS = 10.0
PROBE_SECONDS = 0.1
DESCRIPTORS_MAX = 65536


@dataclasses.dataclass
class Spec:
    """How a process is started, found ready and ended."""
    name: str
    kind: str
    address: str
    argv: list
    # Whether it serves; asked again and again, with a short limit of time of its own.
    probe: object
    folder: str
    environment: dict = dataclasses.field(default_factory=dict)
    user: object = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 30.0
    # Called before each start.
    before_start: object = None


class Member:
    """A process under supervision. `changed` is called whenever there is another process, or none.

    Each end is appended to the file `ends_path` before others are told of it.
    """

    def __init__(self, spec, log_path, say, changed, admit=None, dismiss=None, ends_path=None):
        self.spec, self.log_path, self.say, self.changed = spec, log_path, say, changed
        self.ends_path = ends_path
        # Called with the name once it is ready, and once it is not any more.
        self.admit, self.dismiss = admit or (lambda name: None), dismiss or (lambda name: None)
        self.process = None
        self.is_ready = threading.Event()
        self.starts = 0
        self._wanted = True
        self._wake = threading.Event()
        self._skips_pause = False
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=spec.name, daemon=True)

    def start(self):
        """Starts it, and keeps it running from now on."""
        self._thread.start()

    @property
    def pid(self):
        """The process; None while there is none."""
        process = self.process
        return process.pid if process is not None else None

    def _launch(self):
        if self.spec.before_start:
            self.spec.before_start()
        user = self.spec.user
        identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(
                self.spec.argv, cwd=self.spec.folder, env={**clean_environment(), **self.spec.environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=prepare_child, **identity)

    def _keep(self):
        pause = RESTART_SECONDS
        while self._wanted:
            started, started_at = time.monotonic(), time.time()
            try:
                process = self._launch()
            except (OSError, subprocess.SubprocessError) as reason:
                self.say(f"{self.spec.name} cannot be started: {reason}")
            else:
                with self._guard:
                    self.process = process
                    self.starts += 1
                if not self._wanted:
                    self._signal(signal.SIGKILL)
                self._reap(process, started_at)
            if not self._wanted:
                break
            if self._skips_pause:
                self._skips_pause, pause = False, RESTART_SECONDS
                continue
            settled = time.monotonic() - started > SETTLED_SECONDS
            pause = RESTART_SECONDS if settled else pause
            self._wake.wait(pause)
            self._wake.clear()
            pause = min(pause * 2, RESTART_SECONDS_MAX)

    def _reap(self, process, started_at):
        self.changed()
        while not has_ended(process.pid):
            if not self.spec.probe():
                time.sleep(PROBE_SECONDS)
                continue
            self.admit(self.spec.name)
            self.is_ready.set()
            if self.starts > 1:
                self.say(f"{self.spec.name} is ready again, pid {process.pid}")
            has_ended(process.pid, waits=True)
        self._write_down(process.pid, started_at)
        with self._guard:
            process.wait()
            self.process = None
        self.is_ready.clear()
        self.dismiss(self.spec.name)
        self.changed()
        if self._wanted and not self._skips_pause:
            self.say(f"{self.spec.name} ended with {status_text(process.returncode)}; it is started again")

    def _write_down(self, pid, started_at):
        if self.ends_path is None:
            return
        order = "restart" if self._skips_pause else None if self._wanted else "stop"
        try:
            ends.append(self.ends_path, ends.describe(
                self.spec, pid, end_status(pid), started_at, time.time(), order, self.log_path))
        except OSError as reason:
            # A full disk is no reason to stop looking after the process.
            self.say(f"the end of {self.spec.name} (pid {pid}) cannot be written down: {reason}")

    def _signal(self, number):
        with self._guard:
            if self.process is not None:
                os.kill(self.process.pid, number)

    def restart(self):
        """Ends it in order, and starts it again at once."""
        process = self.process
        if process is None:
            return
        self._skips_pause = True
        self._signal(self.spec.stop_signal)
        self._wait_for_end(process)

    def stop(self):
        """Ends it for good, in order, by force when it takes too long. True when no force was needed."""
        self._wanted = False
        self._wake.set()
        process = self.process
        orderly = True
        if process is not None:
            # One that was stopped (SIGSTOP) would not hear it.
            self._signal(self.spec.stop_signal)
            self._signal(signal.SIGCONT)
            orderly = self._wait_for_end(process)
        self._thread.join(timeout=self.spec.stop_seconds)
        # It may have been started at the very moment.
        self._signal(signal.SIGKILL)
        return orderly

    def _wait_for_end(self, process):
        deadline = time.monotonic() + self.spec.stop_seconds
        while self.process is process:
            if time.monotonic() > deadline:
                self.say(f"{self.spec.name} did not end within {self.spec.stop_seconds:.0f} s: killed")
                self._signal(signal.SIGKILL)
                self._thread.join(timeout=1)
                return False
            time.sleep(0.02)
        return True

    def log_end(self, lines=8):
        """The last lines of its log."""
        return "".join(line + "\n" for line in ends.last_lines(self.log_path, lines))


def has_ended(pid, waits=False):
    """Whether a child has ended. It is not reaped yet: until then its pid is nobody else's."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | (0 if waits else os.WNOHANG)) is not None


def end_status(pid):
    """How a child ended that is not reaped yet: its exit code, or the signal as a negative number."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def clean_environment():
    """What a server may see of the environment: nothing that would change how it is configured here."""
    prefixes = ("KASSA_", "PG", "KAFKA_", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def prepare_child():
    """As many descriptors as may be had, and no signal blocked: the supervisor blocks those that it waits for."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def status_text(code):
    """How a process ended."""
    return f"code {code}" if code >= 0 else f"signal {ends.signal_name(-code)}"
