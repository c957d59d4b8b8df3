#!/usr/bin/env python3
"""Lets many buyers at once buy one item of which there is too little, and holds what they saw against the shop.

    run_consistency.py --url http://127.0.0.1:8000
    run_consistency.py --orders http://orders:8000 --stock http://stock:8000 --payment http://payments:8000

Each run writes a log of what each client saw, a line of JSON for every answer. Afterwards stock, credits, orders and
payments are read over the API: exactly the units that there were must be sold and charged, and who was refused must
have lost nothing. What a client does not know (504, a lost connection) is asked again with the same Idempotency-Key.

Exit codes: 0 every run is exact, 1 something is wrong or could not be resolved, 2 wrong arguments.
"""
import argparse
import asyncio
import pathlib
import resource
import sys
import time
import urllib.parse

import aiohttp

import buyers
import judge
import shop

SERVICES = ("orders", "stock", "payment")
BUYERS = "1,100,250,500,750,1000"
AMOUNT_MAX = 2**53 - 1
FILES_SPARE = 64


def address(text):
    """The origin of a URL: scheme, host and port."""
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address like http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}"


def whole(low, high):
    """A reader of whole numbers of a range."""
    def read(text):
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)
    return read


def counts(text):
    """Numbers of buyers, separated by commas."""
    return [whole(1, 10_000)(one) for one in text.split(",")]


def arguments(argv):
    """The addresses of the services, and what the runs are like."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", type=address, metavar="URL", help="gateway in front of all services")
    for service in SERVICES:
        parser.add_argument(f"--{service}", type=address, metavar="URL", help=f"address of the {service} service")
    parser.add_argument("--buyers", type=counts, default=counts(BUYERS), help=f"a run for each number ({BUYERS})")
    parser.add_argument("--units", type=whole(0, AMOUNT_MAX), help="units in stock (a tenth of the buyers, at least 1)")
    parser.add_argument("--price", type=whole(0, AMOUNT_MAX), default=3, help="of a unit (3)")
    parser.add_argument("--credit", type=whole(0, AMOUNT_MAX), default=10, help="of each buyer (10)")
    parser.add_argument("--at-once", type=whole(1, 1_000), default=50,
                        help="requests at once before and after the checkouts (50)")
    parser.add_argument("--answer-time", type=whole(1, 600), default=30, help="seconds to wait for an answer (30)")
    parser.add_argument("--resolve-time", type=whole(1, 3_600), default=60,
                        help="seconds to ask again for what is not known (60)")
    parser.add_argument("--logs", type=pathlib.Path, default=pathlib.Path("consistency-logs"), metavar="FOLDER",
                        help="where the logs are written (consistency-logs)")
    options = parser.parse_args(argv)
    options.addresses = {service: getattr(options, service) or options.url for service in SERVICES}
    absent = [f"--{service}" for service, where in options.addresses.items() if where is None]
    if absent:
        parser.error(f"give --url, or {' '.join(absent)}")
    return options


def allow_connections(number):
    """Raises the limit of open files to what so many connections need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + FILES_SPARE
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


async def exchange(options, plan, path):
    """One run; its log is at the path afterwards. Returns the seconds of the checkouts."""
    log = buyers.Log(path)
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            client = shop.Shop(session, options.addresses, options.answer_time, options.resolve_time)
            run = buyers.Run(client, plan, log, options.at_once)
            item, made = await run.prepare()
            began = time.monotonic()
            await run.buy(made)
            seconds = time.monotonic() - began
            await run.read(item, made)
            return seconds
    finally:
        log.close()


def verdict_of(options, number):
    """Runs and judges; a run that could not be made is a finding, too."""
    units = max(1, number // 10) if options.units is None else options.units
    plan = buyers.Plan(number, units, options.price, options.credit)
    path = options.logs / f"{number}-buyers.jsonl"
    try:
        seconds = asyncio.run(exchange(options, plan, path))
        verdict = judge.judge(path, plan.sales)
        verdict.seconds = seconds
    except (buyers.Failed, OSError) as failure:
        verdict = judge.Verdict(number, units, findings=[f"the run could not be made or read: {failure}"])
    return verdict


def main(argv):
    """All runs, then the table."""
    options = arguments(argv)
    try:
        options.logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"--logs {options.logs}: {error.strerror}", file=sys.stderr)
        return 2
    allow_connections(max(options.buyers))
    verdicts = []
    for number in options.buyers:
        verdicts.append(verdict_of(options, number))
        for line in judge.sentences(verdicts[-1]):
            print(line, file=sys.stderr, flush=True)
    print("\n".join(judge.table(verdicts)))
    wrong = sum(bool(one.findings) for one in verdicts)
    print(f"consistency: {len(verdicts)} runs, {wrong} wrong; logs in {options.logs}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
