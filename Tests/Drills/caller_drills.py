"""Drills of callers: a server with API keys, reloaded while it serves, and one that must not serve strangers."""
import base64
import contextlib
import http.client
import json
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


class Issuer:
    """An identity provider: an RSA key, its JWK Set, and the tokens that it signs."""

    NAME = "https://id.example/"

    def __init__(self, folder, kid):
        self.kid, self.key = kid, os.path.join(folder, f"{kid}.pem")
        self.openssl(None, "genrsa", "-out", self.key, "2048")

    @staticmethod
    def openssl(data, *arguments):
        return subprocess.run(["openssl", *arguments], input=data, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=60).stdout

    @staticmethod
    def text(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def jwk(self):
        output = self.openssl(None, "rsa", "-in", self.key, "-noout", "-modulus").decode().strip()
        modulus = bytes.fromhex(output.split("=")[1])
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": self.text(modulus), "e": "AQAB"}

    def token(self, **claims):
        claims = {"iss": self.NAME, "aud": "kassa", "sub": "alice", "exp": int(time.time()) + 600} | claims
        head = {"alg": "RS256", "typ": "at+jwt", "kid": self.kid}
        signed = ".".join(self.text(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{self.text(self.openssl(signed.encode(), 'dgst', '-sha256', '-sign', self.key))}"


def status(server, key, method="GET", path="/stock/find/none", headers=()):
    """What a caller with the key is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=10)
    with contextlib.closing(connection):
        given = {"Authorization": f"Bearer {key}"} if key else {}
        connection.request(method, path, headers=given | dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status


def reload(server, text):
    """Sends SIGHUP, and waits until the log says so."""
    before = os.path.getsize(server.journal.name)
    server.send(signal.SIGHUP)
    wait_until(lambda: text in server.logged(before), f"the log says: {text}", 10)


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
        reload(server, "API keys reloaded")
        wait_until(lambda: {status(server, reader) for _ in range(16)} == {401}, "a revoked key is refused", 10)
        checks.check(status(server, late, "POST", "/stock/batch_init/1/1/1") == 200, "the new key is taken")
        with open(keys.path, "a", encoding="ascii") as file:
            file.write("nonsense\n")
        reload(server, "API keys could not be reloaded")
        checks.check({status(server, writer) for _ in range(16)} == {404}, "a broken file leaves the keys of before")
        for text, line in (("KASSA_LOG_LEVEL=warning", None), ("KASSA_LOG_LEVEL=loud", "settings could not be reloaded"),
                           ("KASSA_LOG_LEVEL=info\nKASSA_LANES=3", "settings reloaded")):
            write(config, text + "\n")
            if line:
                reload(server, line)
            else:
                server.send(signal.SIGHUP)
                time.sleep(0.5)
                checks.check("log_level=warning" not in server.logged(), "from the level warning on it says less")
        checks.check(not server.is_over(), "SIGHUP does not end the server")
        server.end()
        server.launch()
        checks.check(server.process.wait(timeout=30) == 1 and "line 3" in server.logged(), "a broken file is no start")


def tokens(checks, kassa, folder, _):
    """Tokens of an identity provider decide beside API keys; its keys are rotated, broken and dropped with SIGHUP."""
    keys, path = Keys(kassa, folder), os.path.join(folder, "jwks.json")
    old, new = Issuer(folder, "old"), Issuer(folder, "new")

    def accept(*members):
        write(path, json.dumps({"keys": list(members)}))

    secret = keys.add("writer", "stock")
    other = {"kty": "OKP", "crv": "Ed25519", "kid": "odd", "x": "AA"}
    accept(old.jwk(), other)
    options = ("--api-keys", keys.path, "--lanes", "2", "--jwt-keys", path, "--jwt-issuer", Issuer.NAME,
               "--jwt-audience", "kassa")
    create, batch = ("POST", "/stock/item/create/1"), ("POST", "/stock/batch_init/1/1/1")
    with contextlib.closing(Server(kassa, folder, *options)) as server:
        server.start()
        checks.check("kid=odd" in server.logged(), "a key of another kind is named")
        reader, admin = old.token(scope="openid stock:read"), old.token(scope=["admin"], sub="root")
        checks.check(status(server, reader) == 404 and status(server, reader, *create) == 403, "a token has its scopes")
        checks.check(status(server, admin, *batch) == 200, "as an array, too")
        checks.check(status(server, secret, *create) == 200, "API keys stay good")
        for claims in ({"aud": "other"}, {"iss": "https://evil.example/"}, {"exp": int(time.time()) - 61},
                       {"nbf": int(time.time()) + 90}, {"sub": ""}):
            checks.check(status(server, old.token(scope="stock", **claims)) == 401, f"{claims} is refused")
        head, claims, signature = reader.split(".")
        none = Issuer.text(json.dumps({"alg": "none"}).encode())
        for forged in (f"{none}.{claims}.", f"{head}.{claims}.", f"{head}.{claims}.{signature[:-8]}AAAAAAAA",
                       f"{head}.{signature}.{claims}"):
            checks.check(status(server, forged) == 401, "a forged token is refused")
        short = old.token(scope="stock:read", exp=int(time.time()) - 57)
        checks.check(status(server, short) == 404, "within the leeway a token is good")
        wait_until(lambda: status(server, short) == 401, "a token that was good expires", 10)
        young = new.token(scope="stock:read")
        checks.check(status(server, young) == 401, "a new key needs a SIGHUP")
        accept(old.jwk(), new.jwk())
        reload(server, "token keys reloaded")
        wait_until(lambda: {status(server, one) for one in [young, reader] * 8} == {404}, "both keys are good", 10)
        accept(new.jwk())
        reload(server, "token keys reloaded")
        wait_until(lambda: {status(server, reader) for _ in range(16)} == {401}, "a dropped key is good no longer", 10)
        accept(other)
        reload(server, "token keys could not be reloaded")
        checks.check({status(server, young) for _ in range(16)} == {404}, "a broken file leaves the keys of before")
        os.chmod(path, 0o666)
        reload(server, "chmod 644")
        checks.check(not server.is_over(), "SIGHUP does not end the server")
        server.end()
        server.launch()
        checks.check(server.process.wait(timeout=30) == 1 and "chmod 644" in server.logged(), "such a file is no start")


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
    """A caller that exceeds its key's rate learns when to come back; others are not held up."""
    keys = Keys(kassa, folder)
    slow, fast = keys.add("slow", "stock:read", "--rate", "1/10"), keys.add("fast", "stock:read", "--rate", "unlimited")
    with contextlib.closing(Server(kassa, folder, "--api-keys", keys.path, "--lanes", "2")) as server:
        server.start()
        answers = [status(server, slow) for _ in range(30)]
        checks.check(answers[:10] == [404] * 10 and 429 in answers and set(answers) == {404, 429},
                     f"10 at once are let in, then one a second: {answers}")
        checks.check({status(server, fast) for _ in range(100)} == {404}, "another caller is not held up")


def strangers(checks, kassa, folder, _):
    """A server does not start off loopback unless it knows who may call; pages of other sites are kept out."""
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
