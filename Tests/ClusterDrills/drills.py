"""Runs the drills of the cluster: whole stacks, whose pods, servers and connections are killed, stopped, restarted and
cut off under load.

    drills.py KASSA [--long] [--measured] [--kills N] [--seed N] [--only NAME] [--kind NAME] [--stack FOLDER]
                    [--results FOLDER]

Ends with the number of checks that passed and failed. `--seed` repeats the drills' choices, not their timing.
"""
import argparse
import os
import random
import signal
import sys
import tempfile

import location  # noqa: F401  pylint: disable=unused-import

from checks import DrillFailure, run_drills
from courses import course, drills_by_kind
from stacks import KINDS, Running, Stacks


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
    parser.add_argument("--results", metavar="FOLDER",
                        help="where the logs of processes that end unexpectedly are kept (default: a new one)")
    arguments = parser.parse_args()
    kassa, is_measured = os.path.abspath(arguments.kassa), arguments.long or arguments.measured
    # Told to end, it ends the stack before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"drills: seed {arguments.seed}", flush=True)
    results = os.path.abspath(arguments.results or tempfile.mkdtemp(prefix="kassa-drills-results-"))
    stacks, kind = Stacks(kassa, is_measured, results), arguments.kind
    if arguments.stack:
        stacks, kind = Running(kassa, arguments.stack, is_measured, results), "pods"
    drills = drills_by_kind(arguments.kills or (20 if arguments.long else 1), arguments.long)
    code = 1
    try:
        code = run_drills(course(stacks, drills, kind, arguments.seed), arguments.only)
    finally:
        try:
            stacks.stop()
        except DrillFailure as failure:
            print(f"FAILED the end of the stack: {failure}", flush=True)
            code = 1
        if not arguments.results and not os.listdir(results):
            os.rmdir(results)
    return code


if __name__ == "__main__":
    sys.exit(main())
