"""Whether a server serves: one question, answered within a second or counted as no."""
import http.client
import socket
import subprocess

SECONDS_MAX = 1.0


def accepts(port):
    """Somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX).close()
        return True
    except OSError:
        return False


def answers(port, path):
    """A GET is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def redis_answers(port):
    """A PING is answered."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX) as peer:
            peer.sendall(b"PING\r\n")
            return peer.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def succeeds(argv):
    """A command ends with 0."""
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=SECONDS_MAX, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
