"""Starting the supervisor: it lives on by itself once it is ready; until then its reader learns why it is not.

The supervisor prints progress, then READY or FAILED and its reason. One that ends without either, such as one that
Python itself gave up, has left its reason in its log.
"""
import contextlib
import os
import subprocess
import sys

import member

READY = "READY"
FAILED = "FAILED"
LOG_BYTES_MAX = 65536


def launch(argv, log_path, show=lambda line: print(line, end="", flush=True)):
    """Starts a supervisor in the background and waits until it is ready; the exit code, 0 when it is.

    What fails is said on standard error, with the reason and where the log is.
    """
    with open(log_path, "ab") as log:
        log_start = log.tell()
        try:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                     start_new_session=True, text=True, errors="replace", cwd="/")
        except OSError as reason:
            return _fail(f"the supervisor cannot be started: {reason}", log_path)
    failure = None
    try:
        for line in child.stdout:
            if line.strip() == READY:
                child.returncode = 0  # It lives on by itself.
                return 0
            if failure is not None:
                failure.append(line)
            elif line.startswith(FAILED):
                failure = [line[len(FAILED):].strip() + "\n"]
            else:
                show(line)
    except KeyboardInterrupt:
        print("interrupted: what was started ends", file=sys.stderr)
        child.terminate()
    finally:
        child.stdout.close()
    code = child.wait()
    if failure is None:
        last = last_line(log_path, log_start) or "it said nothing"
        failure = [f"the supervisor ended with {member.status_text(code)}: {last}"]
    return _fail("".join(failure).rstrip("\n"), log_path)


def _fail(reason, log_path):
    print(f"stack: the stack did not start: {reason}\nstack: its log is {log_path}", file=sys.stderr, flush=True)
    return 1


def last_line(path, start):
    """The last line with words in it that was written to a file after `start` bytes; empty when there is none."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - LOG_BYTES_MAX))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def say_failed(reason):
    """What a supervisor prints when it gives up; a reader that has gone is none to tell."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{FAILED} {reason}", flush=True)
