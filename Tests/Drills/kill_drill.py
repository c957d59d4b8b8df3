"""Kills `kassa serve` at random moments under load, again and again, and holds what the clients were told against what
is there in the end.

    kill_drill.py KASSA [--kills 20] [--seed N]

64 clients fill carts and check them out, each write under an idempotency key; after a kill they reconnect and repeat
what they got no answer to, under the same keys (`kassa bench mixed --idempotency-keys`). In the end every key is asked
again and has to give the same answer, stock and money have to be conserved over REST, and `kassa verify` has to find the
folder sound, its store equal to a replay of the whole log.
"""
import argparse
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

READY_SECONDS_MAX = 30
LOAD_SECONDS_MAX = 240


def free_ports():
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """One `kassa serve` after the other on the same ports and folder."""

    def __init__(self, kassa, folder):
        self.kassa, self.folder = kassa, folder
        self.http, self.operator = free_ports()
        self.journal = open(f"{folder}/journal", "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.kassa, "serve", "--http", f"127.0.0.1:{self.http}", "--operator", f"127.0.0.1:{self.operator}",
             "--data", f"{self.folder}/data", "--event-log-retention", "keep"],
            stdin=subprocess.DEVNULL, stderr=self.journal)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self.is_ready():
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with {self.process.returncode}:\n{self.told()}")
            if time.monotonic() > deadline:
                raise SystemExit(f"the server is not ready after {READY_SECONDS_MAX} s:\n{self.told()}")
            time.sleep(0.02)

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def told(self):
        with open(f"{self.folder}/journal", encoding="utf-8", errors="replace") as journal:
            return journal.read()[-4000:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"kill drill: seed {arguments.seed}", flush=True)
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.kassa, folder)
        server.start()
        load = subprocess.Popen(
            [arguments.kassa, "bench", "mixed", "--url", f"http://127.0.0.1:{server.http}", "--connections", "64",
             "--seconds", str(arguments.kills), "--idempotency-keys", "--seed", str(arguments.seed % 1000), "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            kills = 0
            while kills < arguments.kills and load.poll() is None:
                time.sleep(chance.uniform(0.2, 0.9))
                server.end(signal.SIGKILL)
                kills += 1
                server.start()
            out, err = load.communicate(timeout=LOAD_SECONDS_MAX)
            status = server.end(signal.SIGTERM)
        finally:
            for process in (load, server.process):
                if process.poll() is None:
                    process.kill()
                    process.wait()
        verify = subprocess.run(
            [arguments.kassa, "verify", f"{folder}/data"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        told = server.told()
    return judge(arguments.kills, kills, load.returncode, out, err, status, verify, told)


def judge(wanted, kills, load_status, out, err, status, verify, told):
    report = json.loads(out) if out.strip() else {}
    checks = [
        (f"{kills} of {wanted} kills under load", kills >= wanted),
        (f"the load's report is sound: {err.strip() or 'yes'}", load_status == 0),
        (f"keys: {json.dumps(report.get('keys'))}", bool(report.get("keys"))),
        (f"SIGTERM ends the server with 0: {status}", status == 0),
        ("kassa verify: " + " / ".join((verify.stdout + verify.stderr).strip().splitlines()[-3:]), verify.returncode == 0),
        ("every partition was compared with a replay of its whole log", "24 partitions compared" in verify.stdout),
    ]
    for text, is_well in checks:
        print(("ok     " if is_well else "FAILED ") + text)
    failed = sum(not is_well for _, is_well in checks)
    if failed:
        print(told)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
