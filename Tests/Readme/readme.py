"""Does what the pages say: readme.py KASSA [--long].

Each command of a page is in a table (commands.py). Those that can, run as they stand in a fresh clone; with --long the
clone compiles the program itself, and what takes minutes runs, too. The program is installed under a prefix, and removed.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
sys.path[1:1] = [str(ROOT / "Tests" / "Drills"), str(ROOT / "stack")]
# pylint: disable=wrong-import-position
import courses  # noqa: E402  (found by the line above)
from checks import run_drills  # noqa: E402
from clone import Clone  # noqa: E402
from commands import COMMANDS, DATA, SHOWN_SCRIPTS  # noqa: E402
from pages import DATA_LANGUAGES, blocks, pages, verbs  # noqa: E402

INSTALLED = ("bin/kassa", "share/man/man1/kassa.1", "share/bash-completion/completions/kassa",
             "share/zsh/site-functions/_kassa", "share/fish/vendor_completions.d/kassa.fish")


def files(prefix):
    """What is installed under a prefix."""
    return sorted(str(path.relative_to(prefix)) for path in pathlib.Path(prefix).rglob("*") if path.is_file())


def installed(checks, kassa):
    """`scripts/install` puts everything under a prefix, and takes everything away again."""
    with tempfile.TemporaryDirectory() as folder:
        install = ROOT / "scripts" / "install"
        prefix = os.path.join(folder, "usr/local")
        subprocess.run([install, kassa, prefix], check=True, stdout=subprocess.DEVNULL)
        checks.check(files(prefix) == sorted(INSTALLED), f"under the prefix are {files(prefix)}")
        sizes = [os.path.getsize(os.path.join(prefix, name)) for name in INSTALLED]
        checks.check(min(sizes) > 100, f"none of them is empty: {sizes}")
        subprocess.run([install, "--remove", prefix], check=True)
        checks.check(not files(prefix), f"--remove leaves {files(prefix)}")


def read_blocks():
    """The blocks of all pages."""
    return [block for page in pages(ROOT) for block in blocks(page, (ROOT / page).read_text(encoding="utf-8"))]


def sort(found):
    """What of the table the blocks use, and which of their commands are not in it, with where they are."""
    used, unknown = set(), []
    for block in found:
        if block.language in DATA_LANGUAGES or block.key() in DATA | SHOWN_SCRIPTS:
            used.add(block.key())
            continue
        for command in block.commands():
            if command in COMMANDS.get(block.page, {}):
                used.add((block.page, command))
            else:
                unknown.append(f"{block.page}:{block.line}: {command}")
    return used, unknown


def classified(checks, found):
    """Every command of every page is in the table, and nothing is in the table that no page shows."""
    used, unknown = sort(found)
    checks.check(not unknown, "every command is in Tests/Readme/commands.py" + "".join(f"\n  not {one}" for one in unknown))
    table = {(page, command) for page, rows in COMMANDS.items() for command in rows}
    table |= SHOWN_SCRIPTS | DATA
    checks.check(table <= used, f"none of the table is gone from its page: {sorted(table - used)}")
    checks.check(len(table) >= 30, f"{len(table)} commands and blocks are known")
    # A command that is new is found, however it is written.
    for text in ("Do\n\n    make nonsense   # so\n\nand", "```bash\nmake \\\n  nonsense\n```", "```\nmake nonsense\n```",
                 "* one\n\n  ```console\n  make nonsense\n  ```\n"):
        checks.check(sort(blocks("README.md", text))[1:] == ([f"README.md:{3 if 'D' in text else 4 if '*' in text else 2}: "
                                                             "make nonsense"],), f"{text!r} is found")


def verbs_exist(checks):
    """Each `make VERB` in a sentence is a verb of the Makefile."""
    known = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in pages(ROOT):
        unknown = verbs((ROOT / page).read_text(encoding="utf-8")) - known
        if unknown:
            checks.check(False, f"{page}: make has no {sorted(unknown)}")
    checks.check({"run", "test", "stack"} <= known, f"make has {len(known)} verbs")


def not_run(what, why):
    """Notes what was not run; False where everything has to be."""
    done = subprocess.run([ROOT / "scripts" / "not-run", what, why], check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return done.returncode == 0


def main(kassa, is_long):
    """The whole course."""
    found = read_blocks()
    drills = {"table": lambda checks: classified(checks, found), "verbs": verbs_exist,
              "install": lambda checks: installed(checks, kassa)}
    may_pass = True
    clone = Clone(ROOT, kassa, compiles=is_long)
    try:
        drills["serve"] = lambda checks: courses.serve(checks, clone, found)
        drills["tools"] = lambda checks: courses.tools(checks, clone, found)
        drills["offline"] = lambda checks: courses.offline(checks, clone)
        if "KAFKA_HOME" in clone.environment:
            drills["stack"] = lambda checks: courses.stack(checks, clone, found)
            if is_long:
                drills["more"] = lambda checks: courses.more(checks, clone, found)
        else:
            may_pass = not_run("the commands of docs/stack.md (Tests/Readme)",
                               "there is no Apache Kafka: scripts/kafka fetch, or set KAFKA_HOME")
        if not is_long:
            may_pass = not_run("the pages' commands with a program compiled in the clone, and its stack of three brokers",
                               "they take minutes of processor time: make drills, or REQUIRE=all") and may_pass
        return run_drills(drills) or int(not may_pass)
    finally:
        clone.close()


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), "--long" in sys.argv[2:]))
