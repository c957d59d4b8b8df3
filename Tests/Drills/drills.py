"""Runs the process drills: real servers, killed, stopped, starved of disk, and given what they cannot use.

    drills.py KASSA [--kills 20] [--seed N] [--only NAME]

Ends with the number of checks that passed and failed. `--seed` repeats the drills' choices, not their timing.
"""
import argparse
import functools
import random
import sys
import tempfile

import boot_drills
import load_drills
from processes import Checks, DrillFailure


def drills(kills):
    return {
        "refusals": boot_drills.refusals,
        "garbled record": boot_drills.garbled_record,
        "planted loss": boot_drills.planted_loss,
        "kills": functools.partial(load_drills.kills, count=kills),
        "orderly ends": load_drills.orderly_ends,
        "pause": load_drills.pauses,
        "log's fsync fails": functools.partial(load_drills.failing_log, rule="log.sqlite-wal sync error"),
        "log's disk full": functools.partial(load_drills.failing_log, rule="log.sqlite-wal write full"),
        "store's disk full": functools.partial(
            load_drills.failing_store, rule="store.sqlite-wal write full", is_final=False),
        "store's fsync fails": functools.partial(
            load_drills.failing_store, rule="store.sqlite-wal sync error", is_final=True),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only")
    arguments = parser.parse_args()
    print(f"drills: seed {arguments.seed}", flush=True)
    passed = failed = 0
    for name, drill in drills(arguments.kills).items():
        if arguments.only and arguments.only != name:
            continue
        checks = Checks(name)
        with tempfile.TemporaryDirectory() as folder:
            try:
                drill(checks, arguments.kassa, folder, arguments.seed)
            except DrillFailure as failure:
                checks.check(False, str(failure))
        passed, failed = passed + checks.passed, failed + checks.failed
    print(f"drills: {passed} checks passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
