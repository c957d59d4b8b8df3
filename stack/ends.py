"""How the processes of a stack have ended: a file with a line for each end, which is only appended to."""
import datetime
import json
import os
import signal
import threading

import identity

LOG_LINES = 40
LOG_LINE_CHARACTERS_MAX = 1000
# What is read of a log; only lines that are far too long leave room for fewer of them.
LOG_BYTES_MAX = LOG_LINES * LOG_LINE_CHARACTERS_MAX * 4
# Processes may end at once; the supervisor is the only one that writes.
WRITING = threading.Lock()


def last_lines(path, lines=LOG_LINES):
    """The last lines of a log, each cut to `LOG_LINE_CHARACTERS_MAX` characters; none when it cannot be read."""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - LOG_BYTES_MAX))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    return [line[:LOG_LINE_CHARACTERS_MAX] for line in text.splitlines()[-lines:]]


def moment(seconds):
    """A time since 1970 as a line of the file has it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def describe(spec, pid, status, started, ended, order, log_path):  # pylint: disable=too-many-arguments
    """What to write down about a child that has ended and is not reaped yet.

    `status` is a negative signal or the exit code, `started` and `ended` are seconds since 1970, `order` says what the
    supervisor had told the process: "stop", "restart", or None when it ended without being told.
    """
    return {
        "name": spec.name, "kind": spec.kind, "pid": pid,
        "ticks": identity.start_ticks(pid, even_ended=True), "boot": identity.boot(),
        "started": moment(started), "ended": moment(ended),
        "code": status if status >= 0 else None, "signal": signal_name(-status) if status < 0 else None,
        "order": order, "log": last_lines(log_path),
    }


def signal_name(number):
    """The name of a signal; those without one are called by their number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def append(path, end):
    """Adds a line. An `OSError` when it cannot be written as a whole: then the file stays as it was."""
    line = (json.dumps(end) + "\n").encode()
    with WRITING:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            before = os.fstat(descriptor).st_size
            written = os.write(descriptor, line)
            if written < len(line):
                os.ftruncate(descriptor, before)
                raise OSError(f"only {written} of {len(line)} bytes could be written to {path}")
        finally:
            os.close(descriptor)


def read(path, position=0):
    """The ends that were added after a position, and the position after them."""
    try:
        with open(path, "rb") as file:
            file.seek(position)
            data = file.read()
    except FileNotFoundError:
        return [], position
    whole = data[:data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()], position + len(whole)
