"""Drills of callers: a server with API keys, which are read again while it serves, and one that must not serve strangers."""
import contextlib
import http.client
import os
import signal
import subprocess
import time

from checks import wait_until
from processes import Server

USAGE = 2


class Keys:
    """The file of API keys, as `kassa api-keys` writes it."""

    def __init__(self, kassa, folder):
        self.kassa, self.path = kassa, os.path.join(folder, "keys")

    def call(self, *arguments):
        return subprocess.run([self.kassa, "api-keys", *arguments, "--file", self.path], check=True, text=True,
                              capture_output=True, timeout=30).stdout.strip()

    def add(self, name, scopes, *options):
        return self.call("add", name, "--scopes", scopes, *options)


def status(server, key, method="GET", path="/stock/find/none", headers=()):
    """What a caller with the key is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)
    with contextlib.closing(connection):
        given = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(method, path, headers=given | dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status


def told_again(server, text):
    """Sends SIGHUP, and waits until the log says so."""
    before = os.path.getsize(server.journal.name)
    server.send(signal.SIGHUP)
    wait_until(lambda: text in server.told(before), f"the log says: {text}", 10)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def api_keys(checks, kassa, folder, _):
    """Keys decide who may do what; SIGHUP takes new ones and drops revoked ones, and never ends the server."""
    keys = Keys(kassa, folder)
    reader = keys.add("reader", "stock:read")
    writer = keys.add("writer", "stock,payment:write")
    secret = reader.split(".")[1]
    with open(keys.path, encoding="ascii") as file:
        checks.check(secret not in file.read(), "the file does not hold the secret")
    listed = keys.call("list")
    checks.check("reader" in listed and secret not in listed, f"they are listed without secrets: {listed}")
    config = os.path.join(folder, "kassa.env")
    write(config, "KASSA_LOG_LEVEL=info\n")
    options = ("--api-keys", keys.path, "--lanes", "2", "--config", config)
    with contextlib.closing(Server(kassa, folder, *options)) as server:
        server.start()
        checks.check(status(server, None) == 401 and status(server, "reader.x") == 401, "strangers are refused")
        checks.check(status(server, reader) == 404, "who may read is let in")
        checks.check(status(server, reader, "POST", "/stock/item/create/1") == 403, "and may not write")
        checks.check(status(server, writer, "POST", "/stock/item/create/1") == 200, "who may write does")
        checks.check(status(server, writer, "POST", "/stock/batch_init/1/1/1") == 403, "and is no administrator")
        late = keys.add("late", "admin")
        checks.check(status(server, late, "POST", "/stock/batch_init/1/1/1") == 401, "a new key needs a SIGHUP")
        keys.call("revoke", "reader")
        told_again(server, "API keys read again")
        wait_until(lambda: {status(server, reader) for _ in range(16)} == {401}, "a revoked key is refused", 10)
        checks.check(status(server, late, "POST", "/stock/batch_init/1/1/1") == 200, "the new key is taken")
        with open(keys.path, "a", encoding="ascii") as file:
            file.write("nonsense\n")
        told_again(server, "API keys not read again")
        checks.check({status(server, writer) for _ in range(16)} == {404}, "a broken file leaves the keys of before")
        for text, told in (("KASSA_LOG_LEVEL=warning", None), ("KASSA_LOG_LEVEL=loud", "settings not read again"),
                           ("KASSA_LOG_LEVEL=info\nKASSA_LANES=3", "settings read again")):
            write(config, text + "\n")
            if told:
                told_again(server, told)
            else:
                server.send(signal.SIGHUP)
                time.sleep(0.5)
                checks.check("log_level=warning" not in server.told(), "from the level warning on it says less")
        checks.check(not server.is_over(), "SIGHUP does not end the server")
        server.end()
        server.launch()
        checks.check(server.process.wait(timeout=30) == 1 and "line 3" in server.told(), "a broken file is no start")


def loaded(checks, kassa, folder, _):
    """A load of carts and checkouts under a key: each caller's idempotency keys hold, and everything adds up."""
    keys = Keys(kassa, folder)
    key = os.path.join(folder, "key")
    with open(key, "w", encoding="ascii") as file:
        file.write(keys.add("load", "orders,stock,payment,admin", "--rate", "unlimited") + "\n")
    with contextlib.closing(Server(kassa, folder, "--api-keys", keys.path)) as server:
        server.start()
        bench = [kassa, "bench", "mixed", "--url", f"http://127.0.0.1:{server.http}", "--orders", "500", "--seconds", "1",
                 "--warmup", "0", "--idempotency-keys"]
        run = subprocess.run([*bench, "--api-key-file", key], text=True, capture_output=True,
                             timeout=120, check=False)
        checks.check(run.returncode == 0, f"the load is sound: {run.stdout[-500:]} {run.stderr[-500:]}")
        strange = subprocess.run(bench, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, check=False)
        checks.check(strange.returncode != 0, "without the key there is none")


def often(checks, kassa, folder, _):
    """Who asks more often than their key may is told when to come back; others are not held up."""
    keys = Keys(kassa, folder)
    slow, fast = keys.add("slow", "stock:read", "--rate", "1/10"), keys.add("fast", "stock:read", "--rate", "unlimited")
    with contextlib.closing(Server(kassa, folder, "--api-keys", keys.path, "--lanes", "2")) as server:
        server.start()
        answers = [status(server, slow) for _ in range(30)]
        checks.check(answers[:10] == [404] * 10 and 429 in answers and set(answers) == {404, 429},
                     f"10 at once are let in, then one a second: {answers}")
        checks.check({status(server, fast) for _ in range(100)} == {404}, "another caller is not held up")


def strangers(checks, kassa, folder, _):
    """A server does not start off loopback without being told who may ask; pages of other sites are kept out."""
    for address in ("0.0.0.0:0", "[::]:0"):
        run = subprocess.run([kassa, "serve", "--http", address, "--data", os.path.join(folder, "never")], text=True,
                             stderr=subprocess.PIPE, timeout=30, check=False)
        checks.check(run.returncode == USAGE and "no-authentication" in run.stderr, f"{address}: {run.stderr}")
        checks.check(not os.path.exists(os.path.join(folder, "never")), "nothing was made")
    with contextlib.closing(Server(kassa, folder)) as server:
        server.start()
        create = ("POST", "/payment/create_user")
        checks.check(status(server, None, *create) == 200, "on loopback everybody is served")
        for header, expected in ((("Host", "evil.example"), 421), (("Origin", "http://evil.example"), 403),
                                 (("Sec-Fetch-Site", "cross-site"), 403)):
            checks.check(status(server, None, *create, headers=(header,)) == expected, f"{header} gets {expected}")
