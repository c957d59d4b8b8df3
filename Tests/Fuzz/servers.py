"""The servers that are fuzzed: one where everybody may do everything, and one with API keys."""
import contextlib
import http.client
import json
import os
import subprocess

import location  # noqa: F401

from contract.document import Document
from processes import Server

# A server of many thousand fuzzed entities stays far below it.
MEMORY_MIB_MAX = 700
# Shorter than the defaults, so that what stalls on purpose is soon over.
TIMES = ("--request-read-time", "2s", "--idle-time", "5s", "--answer-time", "5s")


def make_keys(kassa, path):
    """Writes the API keys, and returns them by id: one that may do everything, one that reads, one with a low rate."""
    made = {}
    for name, scopes, rate in (("all", "orders,stock,payment,admin,operator", "unlimited"),
                               ("reader", "orders:read,stock:read", "unlimited"), ("seldom", "payment", "5/10")):
        done = subprocess.run(
            [kassa, "api-keys", "add", name, "--scopes", scopes, "--rate", rate, "--file", path],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        made[name] = done.stdout.split()[-1]
    return made


class Fuzzed(Server):
    """A server with what the fuzzer has to know about it."""

    def __init__(self, name, kassa, folder, with_keys):
        os.mkdir(folder)
        self.name, self.keys = name, None
        options = list(TIMES)
        if with_keys:
            path = os.path.join(folder, "api-keys")
            self.keys = make_keys(kassa, path)
            options += ["--api-keys", path]
        super().__init__(kassa, folder, *options)

    def call(self, method, path):
        """The status and what the JSON says, of a well-behaved caller."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.http, timeout=15)) as connection:
            connection.request(method, path, headers={"X-API-Key": self.keys["all"]} if self.keys else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def document(self):
        return Document(self.call("GET", "/openapi.json")[1])

    def memory(self):
        """The resident size in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) // 1024

    def prepare(self):
        """Things that fuzzed requests can mean."""
        for path in ("/stock/batch_init/12/100000/3", "/payment/batch_init/12/1000000", "/orders/batch_init/12/12/12/3"):
            status, body = self.call("POST", path)
            if status != 200:
                raise AssertionError(f"{path}: {status} {body}")

    def judge(self, checks):
        """Its state after everything: it lives, it is not larger than it should be, and its books are sound."""
        checks.check(not self.is_over(), f"{self.name}: it still runs")
        if self.is_over():
            print(self.logged())
            return
        status, said = self.ask("/livez")
        checks.check(status == 200, f"{self.name}: /livez says {status} {str(said).strip()}")
        checks.check(self.is_ready(), f"{self.name}: it is ready")
        size = self.memory()
        checks.check(size <= MEMORY_MIB_MAX, f"{self.name}: {size} MiB resident, at most {MEMORY_MIB_MAX}")
        checks.check(self.end() == 0, f"{self.name}: SIGTERM ends it with 0")
        checks.folder(self, compared="")
