#!/usr/bin/env python3
"""Holds a running shop against the contract of both dialects of its API.

    test_microservices.py --url http://127.0.0.1:8000
    test_microservices.py --orders http://orders:8000 --stock http://stock:8000 --payment http://payments:8000

Not against a shop whose data matter: batch_init makes the items, users and orders 0, 1, 2 ... anew.
Exit codes: 0 the shop keeps the contract, 1 it does not, 2 wrong arguments.
"""
import argparse
import pathlib
import re
import sys
import unittest
import urllib.parse

import base
import shop
from test_contract import PATHS


def address(text):
    """The origin of a URL: scheme, host and port."""
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address like http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}"


def arguments(argv):
    """The addresses of the services, and what to run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", type=address, metavar="URL", help="gateway in front of all services")
    for service in shop.SERVICES:
        parser.add_argument(f"--{service}", type=address, metavar="URL", help=f"address of the {service} service")
    parser.add_argument("-k", dest="patterns", action="append", metavar="PATTERN", help="only tests whose name matches")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each test")
    options = parser.parse_args(argv)
    options.addresses = {service: getattr(options, service) or options.url for service in shop.SERVICES}
    absent = [f"--{service}" for service, where in options.addresses.items() if where is None]
    if absent:
        parser.error(f"give --url, or {' '.join(absent)}")
    return options


def unused(seen):
    """Operations of the contract that no test brought to a success, as sentences."""
    sentences = []
    for path, methods in PATHS.items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in sorted(methods):
            if not any(one == method.upper() and status == 200 and pattern.fullmatch(where)
                       for one, where, status in seen):
                sentences.append(f"never answered with 200: {method.upper()} {path}")
    return sentences


def main(argv):
    """Runs the tests; says at the end which operations no test reached."""
    options = arguments(argv)
    base.ShopTest.shop = shop.Shop(options.addresses)
    loader = unittest.TestLoader()
    if options.patterns:
        loader.testNamePatterns = [one if "*" in one else f"*{one}*" for one in options.patterns]
    suite = loader.discover(str(pathlib.Path(__file__).parent), pattern="test_*.py")
    if suite.countTestCases() == 0:
        print("no test has a name that matches", file=sys.stderr)
        return 2
    result = unittest.TextTestRunner(verbosity=2 if options.verbose else 1).run(suite)
    base.ShopTest.shop.close()
    missing = [] if options.patterns else unused(base.ShopTest.shop.seen)
    for sentence in missing:
        print(sentence, file=sys.stderr)
    broken = len(result.failures) + len(result.errors)
    print(f"test-microservices: {result.testsRun} tests, {broken} failed, {len(result.skipped)} skipped, "
          f"{len(missing)} operations never seen to succeed")
    return 0 if result.wasSuccessful() and not missing else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
