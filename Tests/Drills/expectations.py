"""Which processes of a stack a drill ends, and how: any other end fails it.

A supervisor starts again what has crashed, and clients repeat what it did not answer: nothing else would show it.
"""
import dataclasses
import json
import os
import re
import shutil
import signal
import time

import ends

# The supervisor writes an end down within milliseconds; a machine that is busy takes longer.
RECORD_SECONDS_MAX = 20
# How each kind of process ends when it is told to, all others with code 0. Java answers SIGTERM with 128 + 15; HAProxy
# closes everything, and ends by the signal.
ORDERLY = {"kafka": {0, 143}, "gateway": {0, "SIGTERM"}}


@dataclasses.dataclass(frozen=True)
class Expected:
    """An end that a drill causes. `pid` is None where nobody can know it before."""
    name: str
    pid: int | None
    signal: str | None = None
    code: int | None = None
    # What the supervisor was told to do: "stop", "restart", or None.
    order: str | None = None

    def matches(self, end):
        """Whether an end that was written down is this one."""
        return (self.pid in (None, end["pid"]) and
                all(getattr(self, key) == end[key] for key in ("name", "signal", "code", "order")))

    def __str__(self):
        return f"{self.name} (pid {self.pid or 'any'}) with {self.signal or f'code {self.code}'}"


class Expectations:
    """The ends of a stack's processes, as its supervisor writes them down, held against those that are expected."""

    def __init__(self, folder, results=None):
        self.path = os.path.join(folder, "ends.jsonl")
        self.logs = os.path.join(folder, "logs")
        # Where the logs of processes that nobody wanted to end are kept, a folder for each drill.
        self.results = results
        self.position = 0
        self.expected = []
        # Processes that may end as often as they like until the next comparison.
        self.allowed = set()

    def skip(self):
        """Leaves aside what has ended until now."""
        _, self.position = ends.read(self.path, self.position)

    def expect(self, name, pid, number=None, code=None, order=None):
        """From now on a process may end, and has to: by a signal, or with an exit code."""
        text = ends.signal_name(number) if number is not None else None
        self.expected.append(Expected(name, pid, text, code, order))

    def allow(self, name):
        """From now on a process may end in any way, and need not."""
        self.allowed.add(name)

    def compare(self, seconds=RECORD_SECONDS_MAX):
        """Waits until all that are expected have ended. Those that ended unexpectedly, and those that have not ended;
        afterwards nothing is expected any more."""
        deadline, unexpected = time.monotonic() + seconds, []
        while True:
            found, self.position = ends.read(self.path, self.position)
            for end in found:
                one = next((one for one in self.expected if one.matches(end)), None)
                if one is not None:
                    self.expected.remove(one)
                elif end["name"] not in self.allowed:
                    unexpected.append(end)
            # One more look would find only what is the next drill's.
            if not self.expected or time.monotonic() > deadline:
                missing, self.expected, self.allowed = self.expected, [], set()
                return unexpected, missing
            time.sleep(0.05)

    def check(self, checks, seconds=RECORD_SECONDS_MAX):
        """Holds the ends of a drill against those that it has declared."""
        count = len(self.expected)
        unexpected, missing = self.compare(seconds)
        for end in unexpected:
            checks.check(False, f"{described(end)}; the drill did not end it{self.keep(checks.name, end)}")
        for one in missing:
            checks.check(False, f"{one} was to end, and has not")
        if not unexpected and not missing:
            checks.check(True, f"processes that ended: {count}, each by the drill's doing")

    def disorderly(self):
        """What has ended otherwise than in order since the last look, now that everything was told to stop."""
        found, self.position = ends.read(self.path, self.position)
        return [end for end in found
                if end["order"] != "stop" or (end["signal"] or end["code"]) not in ORDERLY.get(end["kind"], {0})]

    def keep(self, drill, end):
        """Copies the log of a process to the drill's results; says where it is."""
        if self.results is None:
            return ""
        folder = os.path.join(self.results, re.sub(r"\W+", "-", drill))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "ends.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(end) + "\n")
        kept = os.path.join(folder, f"{end['name']}-{end['pid']}.log")
        try:
            shutil.copyfile(os.path.join(self.logs, f"{end['name']}.log"), kept)
        except OSError as reason:
            return f"; its log cannot be kept: {reason}"
        return f"; its log is kept in {kept}"


def described(end):
    """An end in words."""
    order = f" when told to {end['order']}" if end["order"] else ""
    last = f", its last words: {end['log'][-1][:200]!r}" if end["log"] else ""
    return f"{end['name']} (pid {end['pid']}) ended with {end['signal'] or 'code ' + str(end['code'])}{order}" \
           f" at {end['ended']}{last}"


def is_deadly(number):
    """Whether a signal ends a process that does nothing about it."""
    return number not in (signal.SIGSTOP, signal.SIGCONT, signal.SIGTSTP)
