"""The courses in which the commands of the pages run, each in the order of its pages."""
import json
import os
import signal

from checks import DrillFailure, ask, wait_until
from commands import COMMANDS, LIVE, MORE, SCRIPTS, SERVE, SHOWN_SCRIPTS, STACK, TOOLS, Adapted, NotRun
from ports import is_free
from processes import free_ports

ADDRESS = "http://127.0.0.1:8000"
OPERATOR = "http://127.0.0.1:9000"
COMMAND_SECONDS_MAX = 300
BUILD_SECONDS_MAX = 2400


def chosen(blocks, course):
    """The commands of a course: text, how they run, where they are."""
    for block in blocks:
        for command in block.commands() if block.page in COMMANDS and block.key() not in SHOWN_SCRIPTS else ():
            how = COMMANDS[block.page].get(command)
            if how is not None and not isinstance(how, NotRun) and how.course == course:
                yield command, how, block


def as_run(command, how, values):
    """A command as it runs: as it stands, unless its class says otherwise."""
    for word, other in how.replaced if isinstance(how, Adapted) else ():
        if word not in command:
            raise DrillFailure(f"{command}: no '{word}' to replace")
        command = command.replace(word, other.format(**values))
    return command


def run_one(checks, clone, text, code=0, seconds=COMMAND_SECONDS_MAX):
    """Runs a command and checks how it ends; its standard output."""
    ended, said, errors = clone.run(text, seconds)
    why = "" if ended == code else f", not {code}:\n{said[-2000:]}{errors[-2000:]}"
    checks.check(ended == code, f"{text}: ends with {ended}{why}")
    return said


def serve(checks, clone, blocks):
    """`make run` in a fresh clone, the first checkout against it, Ctrl-C; then what runs on a folder of data."""
    (command, _, _), *others = list(chosen(blocks, SERVE))
    checks.check(command == "make run", f"the first command is {command}")
    # Before the ports are looked at: others may take them in the minutes that compiling lasts.
    run_one(checks, clone, "make build", seconds=BUILD_SECONDS_MAX)
    http, operator, text = 8000, 9000, command
    if not (is_free(http) and is_free(operator)):
        http, operator = free_ports()
        text = f"{command} HTTP=127.0.0.1:{http} OPERATOR=127.0.0.1:{operator}"
    process = clone.command(text, clone.journal)
    try:
        wait_until(lambda: process.poll() is not None or ask(operator, "/readyz")[0] == 200, text, COMMAND_SECONDS_MAX)
        checks.check(process.poll() is None, f"{text}: serves")
        if process.poll() is not None:
            raise DrillFailure(clone.journal.read_text(encoding="utf-8")[-2000:])
        first_checkout(checks, clone, blocks, f"http://127.0.0.1:{http}")
        live(checks, clone, blocks, {ADDRESS: f"http://127.0.0.1:{http}", OPERATOR: f"http://127.0.0.1:{operator}"})
        # Ctrl-C goes to everything that runs at the terminal.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    lines = clone.journal.read_text(encoding="utf-8").strip().splitlines()
    checks.check(any(line.endswith("stopped") for line in lines[-3:]), f"Ctrl-C ends it in order: {lines[-3:]}")
    checks.check(is_free(http), "its port is free again")
    checks.check("24 partitions compared" in run_one(checks, clone, "kassa verify data"), "its data is sound")
    values = dict(zip(("http", "operator"), free_ports()))
    for command, how, _ in others:
        run_one(checks, clone, as_run(command, how, values), how.code)


# What an answer has, by the path that is asked; others say that the server is ready.
ANSWERS = {"/payment/create_user": "user_id", "/reload": '"read":'}


def live(checks, clone, blocks, addresses):
    """What pages ask of the server that serves, at other ports only where 8000 and 9000 are taken."""
    for command, how, _ in chosen(blocks, LIVE):
        text = as_run(command, how, {})
        for shown, real in addresses.items():
            text = text.replace(shown, real)
        said = run_one(checks, clone, text, how.code)
        wanted = next((word for path, word in ANSWERS.items() if path in command), "ready")
        checks.check(wanted in said and "error" not in said, f"{command}: is answered {said[-200:]!r}")


def first_checkout(checks, clone, blocks, address):
    """The block of README.md as it stands, at another port only where 8000 is taken."""
    block = next(block for block in blocks if SCRIPTS.get(block.key()) == SERVE)
    checks.check(ADDRESS in block.text, f"{block.name()}: names {ADDRESS}")
    code, said, errors = clone.run(block.text.replace(ADDRESS, address), 60)
    checks.check(code == 0, f"{block.name()}: ends with {code} {errors if code else ''}")
    order, item, user = (json.loads(line) for line in said.strip().splitlines()[-3:])
    checks.check(order["paid"] and order["total_cost"] == 500, f"the order is paid: {order}")
    checks.check(item["stock"] == 8, f"8 are left: {item}")
    checks.check(user["credit"] == 500, f"500 are left: {user}")


def tools(checks, clone, blocks):
    """Commands that need nothing but the program."""
    for command, how, _ in chosen(blocks, TOOLS):
        run_one(checks, clone, as_run(command, how, {}), how.code)


def offline(checks, clone):
    """`make stack` where Kafka is nowhere and cannot be downloaded: one sentence, before anything is built."""
    nowhere = f"http://127.0.0.1:{free_ports()[0]}"
    code, said, errors = clone.run(f"env -u KAFKA_HOME KAFKA_CACHE=$PWD/../cache KAFKA_URL={nowhere} make stack", 60)
    sentences = [line for line in errors.splitlines() if not line.startswith("make: ")]
    checks.check(code not in (0, "no end"), f"make stack without Kafka ends with {code}")
    checks.check(len(sentences) == 1 and "there is no Apache Kafka here" in sentences[0] and "KAFKA_HOME" in sentences[0],
                 f"it says: {sentences}")
    checks.check(not said and not (clone.folder / ".stack").exists(), f"nothing was started: {said[-200:]}")


def stack(checks, clone, blocks):
    """A cluster as docs/stack.md shows it, from its start to its end."""
    try:
        for command, how, _ in chosen(blocks, STACK):
            said = run_one(checks, clone, as_run(command, how, {}), how.code)
            expect(checks, clone, command, said)
    finally:
        run_one(checks, clone, "make stack-stop WIPE=1")


def expect(checks, clone, command, said):
    """What a command of the stack is there for has happened."""
    if command == "make stack":
        address = (clone.folder / ".stack" / "gateway").read_text(encoding="utf-8").strip()
        checks.check(f"all are ready: http://{address} " in said, f"{command}: says where: {address}")
    elif command.startswith("curl"):
        checks.check("user_id" in json.loads(said[said.index("{"):]), f"the gateway answers: {said[-200:]}")
    elif command == "make stack-status":
        rows = {line.split()[0] for line in said.splitlines()}
        wanted = {"gateway", "redis", "kafka-1", "supervisor"} | {f"{service}-{pod}" for pod in (0, 1)
                                                                  for service in ("orders", "stock", "payments")}
        checks.check(wanted <= rows, f"all run: {sorted(wanted - rows)} are missing")
    elif command.startswith("make stack-scale"):
        _, shown, _ = clone.run("make stack-status", 60)
        checks.check("stock-3 " in shown, "there are four pods of stock")
    elif command == "make stack-stop":
        code, shown, _ = clone.run("make stack-status", 60)
        checks.check(code != 0 and "does not run" in shown, "nothing runs any more")


def more(checks, clone, blocks):
    """Stacks of other sizes, from their start to their end."""
    for command, how, _ in chosen(blocks, MORE):
        try:
            run_one(checks, clone, as_run(command, how, {}), how.code)
        finally:
            run_one(checks, clone, "make stack-stop WIPE=1")
