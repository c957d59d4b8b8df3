"""Runs the drills of the cluster: a whole stack, whose processes are killed, stopped, restarted and cut off under load.

    drills.py KASSA [--long] [--measured] [--kills N] [--seed N] [--only NAME] [--stack FOLDER]

Ends with the number of checks that passed and failed. `--seed` repeats the drills' choices, not their timing.
"""
import argparse
import functools
import os
import random
import signal
import sys

import location  # noqa: F401  pylint: disable=unused-import
import pod_drills
from checks import run_drills
from cluster import Cluster, temporary


def drills(kills, is_long):
    """The drills by name, each a function of checks, cluster and seed."""
    one = {"rolling restart": pod_drills.rolling_restart, "scaling": pod_drills.scaling}
    services = ["stock", "orders", "payments"]
    for chosen in [[service] for service in services] if is_long else [services]:
        one["kills" if len(chosen) > 1 else f"kills of {chosen[0]}"] = functools.partial(
            pod_drills.kills, count=kills, services=chosen)
    for service in services if is_long else ["stock"]:
        one[f"zombies of {service}"] = functools.partial(
            pod_drills.zombies, count=3 if is_long else 1, service=service)
    one["two of one name"] = pod_drills.two_of_one_name
    # The last one: it leaves the database with less than the log.
    one["lost deposit"] = pod_drills.lost_deposit
    return one


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--long", action="store_true", help="more of everything, measured")
    parser.add_argument("--measured", action="store_true", help="hold pauses against their figures")
    parser.add_argument("--kills", type=int, help="of pods of each service (20 with --long, otherwise 1)")
    parser.add_argument("--rate", type=int, default=300, help="requests a second of kassa bench")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", metavar="NAME", help="one drill")
    parser.add_argument("--stack", metavar="FOLDER", help="drill the stack that runs there, and leave it running")
    arguments = parser.parse_args()
    kassa = os.path.abspath(arguments.kassa)
    # Told to end, it ends the stack before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"drills: seed {arguments.seed}", flush=True)
    chosen = drills(arguments.kills or (20 if arguments.long else 1), arguments.long)

    def run(cluster):
        cluster.rate = arguments.rate
        cluster.is_measured = arguments.long or arguments.measured
        cluster_drills = {name: lambda checks, drill=drill: drill(checks, cluster, arguments.seed)
                          for name, drill in chosen.items()}
        return run_drills(cluster_drills, arguments.only)

    if arguments.stack:
        cluster = Cluster(kassa, arguments.stack)
        cluster.join()
        return run(cluster)
    cluster, outer = temporary(kassa, "--partitions", str(64 if arguments.long else 16))
    with outer:
        try:
            cluster.start()
            if arguments.long or arguments.measured:
                cluster.warm_up()
            status = run(cluster)
            if status:
                print(f"       the processes' logs are kept in {cluster.keep_logs()}", file=sys.stderr, flush=True)
            return status
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
