"""Runs the drills of what the pods of a cluster need: brokers, databases, Redis, and the connections to them.

    servers.py KASSA [--long] [--measured] [--seed N] [--only NAME]

Ends with the number of checks that passed and failed. `--seed` repeats the drills' choices, not their timing.
"""
import argparse
import functools
import os
import random
import signal
import sys

import location  # noqa: F401  pylint: disable=unused-import
import link_drills
import plan as plans
import server_drills
from checks import run_drills
from stacks import Stacks


def drills(is_long):
    """The drills by name: the kind of stack that each wants, and a function of checks, cluster and seed."""
    services = plans.SERVICES if is_long else ("stock",)
    one = {
        "broker restarts": functools.partial(server_drills.broker_restarts, count=4 if is_long else 1),
        "database crashes": functools.partial(server_drills.database_crashes, services=services),
        "Redis dies": server_drills.redis_dies,
        "clocks jump": link_drills.clocks_jump,
    }
    for kind, held in (("kafka", 5), ("postgres", 4), ("peers", 4)):
        ways = ("cut", "silent", "mute", "mute+cut") if is_long else ("silent",)
        one[f"cut off from {kind}"] = functools.partial(
            link_drills.cut_off, kind=kind, ways=ways, seconds=12 if is_long else held)
    chosen = {name: ("servers", drill) for name, drill in one.items()}
    chosen["databases away"] = (
        "small bounds", functools.partial(server_drills.databases_away, seconds=60 if is_long else 4))
    if is_long:
        chosen["one of three brokers"] = (
            "brokers", functools.partial(server_drills.one_of_three_brokers, numbers=(1, 2, 3)))
        chosen["a silent broker"] = (
            "brokers", functools.partial(server_drills.one_of_three_brokers, number=signal.SIGSTOP))
    return chosen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--long", action="store_true", help="more of everything, three brokers, measured")
    parser.add_argument("--measured", action="store_true", help="hold pauses against their figures")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", metavar="NAME", help="one drill")
    arguments = parser.parse_args()
    # Told to end, it ends the stack before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"drills of servers: seed {arguments.seed}", flush=True)
    stacks = Stacks(os.path.abspath(arguments.kassa), arguments.long or arguments.measured)
    try:
        return run_drills({name: lambda checks, kind=kind, drill=drill:
                           drill(checks, stacks.take(kind), arguments.seed)
                           for name, (kind, drill) in drills(arguments.long).items()}, arguments.only)
    finally:
        stacks.stop()


if __name__ == "__main__":
    sys.exit(main())
