"""Who a process is: its pid together with the moment it started.

A pid alone is given again to others. Before a process is signalled that this program is not the parent of, it is held
by a pidfd, compared with what was written down about it, and signalled through the pidfd: no stranger can be hit.
"""
import os
import signal
import time


def start_ticks(pid, even_ended=False):
    """When a process started, in clock ticks since the machine started; None when there is no such process.

    One that has ended and is not reaped counts only with `even_ended`.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            text = stat.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may hold brackets and blanks itself: what counts comes behind the last one.
    fields = text[text.rindex(")") + 1:].split()
    return None if fields[0] in ("Z", "X") and not even_ended else int(fields[19])


def boot():
    """This run of the machine: ticks of another one mean nothing."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def describe(pid):
    """What to write down about a process that is there."""
    return {"pid": pid, "ticks": start_ticks(pid), "boot": boot()}


def is_alive(known):
    """Whether the process that was written down still runs."""
    return known["boot"] == boot() and known["ticks"] is not None and start_ticks(known["pid"]) == known["ticks"]


def send(known, number):
    """Signals the process that was written down; False when it is gone, whoever has its pid now."""
    try:
        descriptor = os.pidfd_open(known["pid"])
    except (ProcessLookupError, OSError):
        return False
    try:
        if not is_alive(known):
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)


def end(known, number, seconds):
    """Signals a process, waits, and kills it when it stays. True when nothing had to be killed."""
    send(known, number)
    deadline = time.monotonic() + seconds
    while is_alive(known):
        if time.monotonic() > deadline:
            send(known, signal.SIGKILL)
            while is_alive(known):
                time.sleep(0.02)
            return False
        time.sleep(0.02)
    return True
