"""Runs the drills of the cluster: whole stacks, whose pods, servers and connections are killed, stopped, restarted and cut
off under load.

    drills.py KASSA [--long] [--measured] [--kills N] [--seed N] [--only NAME] [--kind NAME] [--stack FOLDER]

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
import pod_drills
import server_drills
from checks import run_drills
from stacks import KINDS, Running, Stacks

SERVICES = ("stock", "orders", "payments")


def drills_of_pods(kills, is_long):
    """On a stack of their own: pods die, stop, are restarted, scaled and doubled."""
    one = {"rolling restart": pod_drills.rolling_restart, "scaling": pod_drills.scaling}
    for chosen in [[service] for service in SERVICES] if is_long else [list(SERVICES)]:
        one["kills" if len(chosen) > 1 else f"kills of {chosen[0]}"] = functools.partial(
            pod_drills.kills, count=kills, services=chosen)
    for service in SERVICES if is_long else ["stock"]:
        one[f"zombies of {service}"] = functools.partial(
            pod_drills.zombies, count=3 if is_long else 1, service=service)
    one["two of one name"] = pod_drills.two_of_one_name
    # The last one: it leaves the database with less than the log.
    one["lost deposit"] = pod_drills.lost_deposit
    return one


def drills_of_links(is_long):
    """On a stack whose pods reach everything by the tests' proxy: servers die, connections are cut, clocks jump."""
    one = {
        "broker restarts": functools.partial(server_drills.broker_restarts, count=4 if is_long else 1),
        "database crashes": functools.partial(
            server_drills.database_crashes, services=plans.SERVICES if is_long else ("stock",)),
        "Redis dies": server_drills.redis_dies,
        "clocks jump": link_drills.clocks_jump,
    }
    for kind, held in (("kafka", 5), ("postgres", 4), ("peers", 4)):
        ways = ("cut", "silent", "mute", "mute+cut") if is_long else ("silent",)
        one[f"cut off from {kind}"] = functools.partial(
            link_drills.cut_off, kind=kind, ways=ways, seconds=12 if is_long else held)
    return one


def drills_of_bounds(is_long):
    """On a stack whose pods keep little in memory."""
    return {"databases away": functools.partial(server_drills.databases_away, seconds=60 if is_long else 8)}


def drills_of_sessions():
    """On a stack whose pods have the shortest sessions that a broker allows by default."""
    return {"kills with default sessions": functools.partial(
        pod_drills.kills, count=2, services=list(SERVICES), pause_max=pod_drills.DEFAULT_SESSIONS_PAUSE_MAX)}


def drills_of_brokers():
    """On a stack with three brokers."""
    return {
        "one of three brokers": functools.partial(server_drills.one_of_three_brokers, numbers=(1, 2, 3)),
        "a silent broker": functools.partial(server_drills.one_of_three_brokers, number=signal.SIGSTOP),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--long", action="store_true", help="more of everything, three brokers, measured")
    parser.add_argument("--measured", action="store_true", help="hold pauses against their figures")
    parser.add_argument("--kills", type=int, help="of pods of each service (20 with --long, otherwise 1)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", metavar="NAME", help="one drill")
    parser.add_argument("--kind", choices=KINDS, help="the drills of one kind of stack")
    parser.add_argument("--stack", metavar="FOLDER",
                        help="drill the pods of the stack that runs there, and leave it running")
    arguments = parser.parse_args()
    kassa, is_measured = os.path.abspath(arguments.kassa), arguments.long or arguments.measured
    # Told to end, it ends the stack before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"drills: seed {arguments.seed}", flush=True)
    stacks, kind = Stacks(kassa, is_measured), arguments.kind
    if arguments.stack:
        stacks, kind = Running(kassa, arguments.stack, is_measured), "pods"
    drills = {
        "pods": drills_of_pods(arguments.kills or (20 if arguments.long else 1), arguments.long),
        "links": drills_of_links(arguments.long),
        "small bounds": drills_of_bounds(arguments.long),
        "default sessions": drills_of_sessions() if arguments.long else {},
        "brokers": drills_of_brokers() if arguments.long else {},
    }
    try:
        return run_drills({name: functools.partial(stacks.run, of, drill, seed=arguments.seed)
                           for of in drills if kind in (None, of) for name, drill in drills[of].items()},
                          arguments.only)
    finally:
        stacks.stop()


if __name__ == "__main__":
    sys.exit(main())
