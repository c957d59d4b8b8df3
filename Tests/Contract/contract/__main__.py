"""Runs the suite against a server, or a cluster's gateway: python -m contract URL [URL-OF-A-PAYMENTS-POD]."""

import sys
import time
import traceback

from . import bites, buyers, clients, coverage, idempotency, old_clients, refusals, services, wire
from .client import Client
from .document import Document


def load(url, pod=None):
    """The client with the server's document, which has to be valid."""
    client = Client(url)
    answer = client.raw("GET", "/openapi.json")
    if answer.status != 200:
        raise SystemExit(f"GET /openapi.json: {answer}")
    client.document = Document(answer.json)
    if pod is not None:
        client.direct = Client(pod, client.document)
        client.direct.codes = client.codes
    return client


def tests():
    """Every function test_… of the modules, in the order of the text."""
    for module in (services, idempotency, refusals, wire, old_clients, clients, buyers, bites):
        for name, function in vars(module).items():
            if name.startswith("test_") and function.__module__ == module.__name__:
                yield f"{module.__name__.split('.')[-1]}.{name}", function


def check_coverage(client):
    sentences = coverage.missing(client.document, client)
    assert not sentences, "\n".join(sentences)


def main(*urls):
    client = load(*urls)
    passed = failed = 0
    everything = [
        ("document.is_valid", lambda client: client.document.validate()),
        *tests(),
        ("coverage.everything_was_seen", check_coverage),
    ]
    for name, function in everything:
        began = time.monotonic()
        try:
            function(client)
        except Exception:  # Whatever it is, the other tests still run.
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
            client.connection().close()
        else:
            passed += 1
            print(f"ok     {name} ({time.monotonic() - began:.2f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python -m contract URL [URL-OF-A-PAYMENTS-POD]")
    sys.exit(main(*sys.argv[1:]))
