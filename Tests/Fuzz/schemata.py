"""Schemathesis, which reads the document and sends what it allows and what it does not."""
import os
import pathlib
import re
import subprocess
import sys

SECONDS_MAX = 900
# Of any length of the run: its examples for each operation grow with it.
EXAMPLES_MIN = 2
CONFIGURATION = """\
[checks.positive_data_acceptance]
# A key that was used for another request is refused with 422, and Schemathesis sends the document's example with all.
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "503", "504"]
"""


def run(server, folder, seed, examples):
    """What is wrong, in words; and a line that says what was done."""
    configuration = pathlib.Path(folder, "schemathesis.toml")
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    caller = ["--header", f"X-API-Key: {server.keys['all']}"] if server.keys else []
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name("schemathesis"), "--config-file", configuration, "run",
         f"http://127.0.0.1:{server.http}/openapi.json", "--checks", "all", "--mode", "all", "--max-examples", str(examples),
         # The largest legal batch makes millions of things: the grammar makes small ones.
         "--exclude-path-regex", "batch_init", "--seed", str(seed), "--generation-database", "none", "--no-color",
         "--max-response-time", "10", "--warnings", "off", *caller],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX,
        env=os.environ | {"SCHEMATHESIS_HOOKS": ""}, check=False)
    cases = re.search(r"(\d+) generated", done.stdout)
    said = done.stdout if done.returncode else ""
    return said, int(cases[1]) if cases else 0
