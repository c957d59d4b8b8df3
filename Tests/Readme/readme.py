"""Installs a program, serves with it, and runs the first block of README.md against it."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Drills"))
from checks import run_drills  # noqa: E402  (found by the line above)
from processes import Server  # noqa: E402

ADDRESS = "http://127.0.0.1:8000"
INSTALLED = ("bin/kassa", "share/man/man1/kassa.1", "share/bash-completion/completions/kassa",
             "share/zsh/site-functions/_kassa", "share/fish/vendor_completions.d/kassa.fish")


def files(prefix):
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
        first_checkout(checks, os.path.join(prefix, "bin/kassa"), folder)
        subprocess.run([install, "--remove", prefix], check=True)
        checks.check(not files(prefix), f"--remove leaves {files(prefix)}")


def first_checkout(checks, kassa, folder):
    """The block of README.md, line by line as it stands there."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## A first checkout\n+```bash\n(.*?)```", page, re.S)[1]
    checks.check(ADDRESS in block, f"the block names {ADDRESS}")
    server = Server(kassa, folder)
    server.start()
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.replace(ADDRESS, f"http://127.0.0.1:{server.http}")],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        checks.check(done.returncode == 0, f"it ends with {done.returncode} {done.stderr if done.returncode else ''}")
        lines = done.stdout.strip().splitlines()
        order, item, user = (json.loads(line) for line in lines[-3:])
        checks.check(order["paid"] and order["total_cost"] == 500, f"the order is paid: {order}")
        checks.check(item["stock"] == 8, f"8 are left: {item}")
        checks.check(user["credit"] == 500, f"500 are left: {user}")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(run_drills({"readme": lambda checks: installed(checks, sys.argv[1])}))
