"""How a running supervisor is told to change the stack: a line over a socket, progress back, a verdict at the end."""
import contextlib
import os
import socket
import threading

DONE = "+done"
FAILED = "-failed"
REQUEST_BYTES_MAX = 200


class Refused(Exception):
    """The supervisor could not do it."""


def _address(folder, name):
    # A path of a socket has 107 bytes at most, a folder may be deeper: name it by an open descriptor.
    return f"/proc/self/fd/{folder}/{name}"


def listen(folder, name, obey):
    """Takes connections in a thread. `obey(words, say)` does what a line says, and raises what goes wrong."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        os.remove(path)
    server = socket.socket(socket.AF_UNIX)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    previous = os.umask(0o177)
    server.bind(_address(descriptor, name))
    os.umask(previous)
    os.close(descriptor)
    server.listen(4)
    threading.Thread(target=_take, args=(server, obey), daemon=True).start()


def _take(server, obey):
    while True:
        peer, _ = server.accept()
        threading.Thread(target=_serve, args=(peer, obey), daemon=True).start()


def _serve(peer, obey):
    def say(text):
        # Whoever asked may have gone; what was begun is finished.
        with contextlib.suppress(OSError):
            peer.sendall(text.encode() + b"\n")

    with peer:
        peer.settimeout(5)
        try:
            line = peer.makefile("rb").readline(REQUEST_BYTES_MAX)
        except OSError:
            return
        peer.settimeout(None)
        try:
            obey(line.decode("ascii", errors="replace").split(), say)
            say(DONE)
        except Exception as reason:  # pylint: disable=broad-except
            # Whatever it is: it is told to whoever asked, and the stack stays as it is.
            say(f"{FAILED} {reason}")


def ask(folder, name, words, show, seconds):
    """Sends a line, shows what comes back; `Refused` with the reason when it was not done."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(seconds)
            peer.connect(_address(descriptor, name))
            peer.sendall(" ".join(words).encode() + b"\n")
            failure = None
            for raw in peer.makefile("rb"):
                line = raw.decode(errors="replace").rstrip("\n")
                if line == DONE:
                    return
                if failure is not None:
                    failure.append(line)
                elif line.startswith(FAILED):
                    failure = [line[len(FAILED) + 1:]]
                else:
                    show(line)
            raise Refused("\n".join(failure or ["the supervisor has ended meanwhile"]))
    except OSError as reason:
        raise Refused(f"the supervisor does not answer: {reason}") from reason
    finally:
        os.close(descriptor)
