"""Which drills there are, on which kind of stack each is run, and how often or how long."""
import functools
import signal

import location  # noqa: F401  pylint: disable=unused-import

import disk_drills
import growth_drills
import ingest_drills
import link_drills
import plan as plans
import pod_drills
import restore_drills
import server_drills
import set_back_drills

SERVICES = ("stock", "orders", "payments")
# Of each service: 51 times in all a pod is stopped and resumes.
ZOMBIES = 17


def drills_of_pods(kills, is_long):
    """On their own stack: pods die, stop, are restarted, scaled and doubled."""
    one = {"rolling restart": pod_drills.rolling_restart, "scaling": pod_drills.scaling}
    for chosen in [[service] for service in SERVICES] if is_long else [list(SERVICES)]:
        one["kills" if len(chosen) > 1 else f"kills of {chosen[0]}"] = functools.partial(
            pod_drills.kills, count=kills, services=chosen)
    for service in SERVICES if is_long else ["stock"]:
        one[f"zombies of {service}"] = functools.partial(
            pod_drills.zombies, count=ZOMBIES if is_long else 1, service=service)
    one["two of one name"] = pod_drills.two_of_one_name
    if is_long:
        for service in SERVICES:
            one[f"owner, successor and database of {service}"] = functools.partial(
                pod_drills.everyone_in_turn, service=service)
            one[f"database of {service} is set back"] = functools.partial(set_back_drills.set_back, service=service)
        one["database set back by two minutes"] = functools.partial(set_back_drills.set_back, seconds=120)
        one["full disk of a database"] = disk_drills.full_disk
    # The last one: it leaves the database with less than the log.
    one["lost deposit"] = pod_drills.lost_deposit
    return one


def drills_of_links(is_long):
    """On a stack whose pods reach everything by the tests' proxy: servers die, connections are cut, clocks jump."""
    one = {
        "broker restarts": functools.partial(server_drills.broker_restarts, count=4 if is_long else 1),
        "broker hangs": server_drills.broker_hangs,
        "database crashes": functools.partial(
            server_drills.database_crashes, services=plans.SERVICES if is_long else ("stock",)),
        "Redis dies": server_drills.redis_dies,
        "clocks jump": link_drills.clocks_jump,
    }
    for kind, held, held_long in (("kafka", 5, 12), ("postgres", 4, 12), ("peers", 4, 20)):
        ways = ("cut", "silent", "mute", "mute+cut") if is_long else ("silent",)
        one[f"cut off from {kind}"] = functools.partial(
            link_drills.cut_off, kind=kind, ways=ways, seconds=held_long if is_long else held)
    return one


def drills_of_bounds(is_long):
    """On a stack whose pods keep little in memory."""
    return {"databases away": functools.partial(server_drills.databases_away, seconds=60 if is_long else 8)}


def drills_of_sessions():
    """On a stack whose pods have the shortest sessions that a broker allows by default."""
    return {"kills with default sessions": functools.partial(
        pod_drills.kills, count=2, services=list(SERVICES), pause_max=pod_drills.DEFAULT_SESSIONS_PAUSE_MAX)}


def drills_of_backups(is_long):
    """On a stack that is lost and restored, and in the end lost for good."""
    one = {"databases lost": restore_drills.databases_lost}
    if is_long:
        one |= {"everything lost": restore_drills.everything_lost, "topics lost": restore_drills.topics_lost}
    return one


def drills_of_growth():
    """On a stack that is not that of the others afterwards."""
    return {"more partitions": growth_drills.more_partitions}


def drills_of_ingest(kills, is_long):
    """On a stack that other systems send commands to."""
    return {
        "commands while owners die": functools.partial(
            ingest_drills.commands_while_owners_die, count=1_000_000 if is_long else 20_000,
            kills=kills if is_long else 2),
        "callers beside commands": functools.partial(
            ingest_drills.callers_beside_commands, count=300_000 if is_long else 20_000),
    }


def drills_of_brokers():
    """On a stack with three brokers."""
    return {
        "one of three brokers": functools.partial(server_drills.one_of_three_brokers, numbers=(1, 2, 3)),
        "two of three brokers": server_drills.two_of_three_brokers,
        "a silent broker": functools.partial(server_drills.one_of_three_brokers, number=signal.SIGSTOP),
    }


def drills_by_kind(kills, is_long):
    """The drills of each kind of stack by name."""
    return {
        "pods": drills_of_pods(kills, is_long),
        "links": drills_of_links(is_long),
        "small bounds": drills_of_bounds(is_long),
        "default sessions": drills_of_sessions() if is_long else {},
        "growth": drills_of_growth(),
        "backups": drills_of_backups(is_long),
        "ingest": drills_of_ingest(kills, is_long),
        "brokers": drills_of_brokers() if is_long else {},
    }


def course(stacks, drills, kind, seed):
    """What is run by name, each with the stack that it needs; `kind` chooses one kind of stack, None all of them."""
    return {name: functools.partial(stacks.run, of, drill, seed=seed)
            for of in drills if kind in (None, of) for name, drill in drills[of].items()}
