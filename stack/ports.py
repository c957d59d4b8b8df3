"""Ports of 127.0.0.1 for servers that end and start again at them.

Not from the range that the system gives to whoever connects somewhere: a port there can be a stranger's by the time
that its server comes back.
"""
import random
import socket

CANDIDATES = range(20_000, 32_000)


class NoPort(Exception):
    """So many ports are taken that looking for one was given up."""


def is_free(port):
    """Whether a server could listen at the port now; what earlier connections left in TIME_WAIT does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def find(count, taken=()):
    """Different free ports, none of those taken."""
    found = []
    used = set(taken)
    order = random.sample(CANDIDATES, len(CANDIDATES))
    for port in order:
        if len(found) == count:
            break
        if port not in used and is_free(port):
            found.append(port)
    if len(found) < count:
        raise NoPort(f"fewer than {count} free ports between {CANDIDATES.start} and {CANDIDATES.stop}")
    return found
