"""Answers the stand-ins: the programs on the PATH are small scripts that ask a server in the test's own process."""
import contextlib
import io
import os
import socketserver
import threading

import stand_in_cluster
import stand_in_programs

PROGRAMS = ("minikube", "kubectl", "helm", "docker", "sleep")
# Sends the number of arguments, the arguments and standard input, each with a NUL; takes output, errors and exit code so.
CLIENT = r"""#!/bin/bash
input=""
case " $* " in *" --filename "*) IFS= read -r -d '' input ;; esac
exec 3<>/dev/tcp/127.0.0.1/%d || exit 99
printf '%%s\0' "$#" %s "$@" "$input" >&3
IFS= read -r -d '' output <&3 && IFS= read -r -d '' errors <&3 && IFS= read -r -d '' code <&3 || exit 99
printf '%%s' "$output"
printf '%%s' "$errors" >&2
exit "$code"
"""


def answer(cluster, argv, stdin):
    """(output, errors, exit code) of a program; raises Killed."""
    cluster.calls.append({"argv": argv, "stdin": stdin})
    cluster.stdin = stdin
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            if argv[0] != "sleep":
                getattr(stand_in_programs, argv[0])(cluster, argv[1:])
        except SystemExit as end:
            code = end.code or 0
    return output.getvalue(), errors.getvalue(), code


class _Handler(socketserver.StreamRequestHandler):
    def _word(self):
        found = bytearray()
        while (byte := self.rfile.read(1)) not in (b"\0", b""):
            found += byte
        return found.decode()

    def handle(self):
        argv = [self._word() for _ in range(int(self._word()) + 1)]
        with contextlib.suppress(stand_in_cluster.Killed):
            for part in answer(self.server.cluster, argv, self._word()):
                self.wfile.write(str(part).encode() + b"\0")


class Server:  # pylint: disable=too-few-public-methods
    """Answers the programs that it puts into a folder."""

    def __init__(self, cluster, folder):
        self._server = socketserver.TCPServer(("127.0.0.1", 0), _Handler)
        self._server.cluster = cluster
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        for name in PROGRAMS:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(CLIENT % (self._server.server_address[1], name))
            os.chmod(path, 0o755)

    def close(self):
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
