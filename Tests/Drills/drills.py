"""Runs the process drills: real servers, killed, stopped, starved of disk, and given what they cannot use.

    drills.py KASSA [--kills 20] [--long] [--seed N] [--only NAME]

Ends with the number of checks that passed and failed. `--seed` repeats the drills' choices, not their timing.
"""
import argparse
import functools
import random
import sys
import tempfile

import backup_drills
import boot_drills
import caller_drills
import clock_drills
import damage_drills
import end_drills
import load_drills
import request_drills
import retention_drills
from checks import run_drills


def drills(kills, is_long):
    """The drills by name, the quickest first."""
    log_rules = {"log's fsync fails": "log.sqlite-wal sync error", "log's disk full": "log.sqlite-wal write full"}
    if is_long:
        log_rules |= {"log's write fails": "log.sqlite-wal write error",
                      "log's fsync fails in the main file": "log.sqlite sync error"}
    return {
        "places": boot_drills.places,
        "lost deposit": damage_drills.lost_deposit,
        "refusals": boot_drills.refusals,
        "quiet copy": backup_drills.quiet_copy,
        "damage": damage_drills.damages,
        "deleted folder": damage_drills.deleted_folder,
        "API keys": caller_drills.api_keys,
        "tokens": caller_drills.tokens,
        "a load with a key": caller_drills.loaded,
        "asks too often": caller_drills.often,
        "strangers": caller_drills.strangers,
        "pause": load_drills.pauses,
        "one balance": request_drills.one_balance,
        "reused keys": request_drills.reused_keys,
        "a request looked up": request_drills.looked_up,
        "clocks jump": clock_drills.jumps,
        "short keys and a jump": clock_drills.short_keys,
        "wrong clocks at the start": clock_drills.wrong_starts,
        "a year without a start": clock_drills.left_alone,
        "old orders": retention_drills.old_orders,
        "inspections": functools.partial(load_drills.inspections, count=20 if is_long else 4),
        "orderly ends": functools.partial(load_drills.orderly_ends, count=10 if is_long else 3),
        **{name: functools.partial(load_drills.failing_log, rule=rule) for name, rule in log_rules.items()},
        "store's disk full": functools.partial(
            load_drills.failing_store, rule="store.sqlite-wal write full", is_final=False),
        "store's fsync fails": functools.partial(
            load_drills.failing_store, rule="store.sqlite-wal sync error", is_final=True),
        "few changes": functools.partial(
            load_drills.small_bounds, options=("--dirty-entities-max", "8", "--checkpoint-entities-due", "8"),
            minimum={"503 overloaded": 50, "checkpoints": 50}),
        "little memory": functools.partial(
            load_drills.small_bounds, options=("--resident-entities-max", "8"),
            minimum={"loads": 500, "evictions": 500}),
        "machine lost": backup_drills.machine_lost,
        "serves on": end_drills.serves_on,
        "cut short": end_drills.cut_short,
        "few descriptors": boot_drills.few_descriptors,
        "no descriptors": boot_drills.no_descriptors,
        "too many connections": boot_drills.too_many_connections,
        "kills": functools.partial(load_drills.kills, count=kills),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--long", action="store_true", help="more kinds of failing disks, more orderly ends")
    parser.add_argument("--only", metavar="NAME", help="one drill")
    arguments = parser.parse_args()
    print(f"drills: seed {arguments.seed}", flush=True)

    def with_folder(drill):
        def run(checks):
            with tempfile.TemporaryDirectory() as folder:
                drill(checks, arguments.kassa, folder, arguments.seed)
        return run

    chosen = drills(arguments.kills, arguments.long)
    return run_drills({name: with_folder(drill) for name, drill in chosen.items()}, arguments.only)


if __name__ == "__main__":
    sys.exit(main())
