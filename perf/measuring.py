"""What the suites of measurements have in common: load runs, the table, the command line."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TICKS = os.sysconf("SC_CLK_TCK")
STEP_SECONDS_MAX = 180


def free_ports(count):
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def end(process):
    """Ends a process that we started: politely, then for certain."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid):
    """User and system time of a process so far; 0 when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS


class Measurements:
    """Rows of a table, and the loads that they come from. A load run that is not sound makes the suite fail."""

    def __init__(self, options):
        self.options = options
        self.rows = []
        self.troubles = []
        # By workload, and by number of connections.
        self.postgres = {}
        self.uniform = {}

    @staticmethod
    def add_options(parser):
        """Options of one suite."""

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def row(self, what, measured, target="", verdict=""):
        self.rows.append((what, measured, target, verdict))
        self.say(f"  {what}: {measured} {('(target ' + target + ')') if target else ''} {verdict}")

    def bench(self, scenario, port, *arguments):
        command = [self.options.kassa, "bench", scenario, "--url", f"http://127.0.0.1:{port}", "--json",
                   "--allow-failures", *map(str, arguments)]
        if "--seconds" not in command:
            command += ["--seconds", str(self.options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False)
        if done.returncode != 0:
            sys.exit(f"suite: {' '.join(command)} failed: {done.stderr.strip()}")
        report = json.loads(done.stdout)
        if not report["sound"]:
            for trouble in report["troubles"]:
                self.troubles.append(f"{scenario}: {trouble}")
                self.say(f"  !! {scenario}: {trouble}")
        return report

    @staticmethod
    def describe(report):
        latency = report["latency_microseconds"]
        cpu = report["server_cpu_seconds"]
        each = f", server {cpu * 1e6 / report['answers']:.0f} µs CPU each" if cpu and report["answers"] else ""
        sound = "" if report["sound"] else " **NOT SOUND**"
        return (f"{report['rate_per_second']:,.0f} /s, p50 {latency['p50'] / 1000:.2f} p99 {latency['p99'] / 1000:.2f} ms"
                f"{each}{sound}")

    @staticmethod
    def verdict(is_met):
        return "met" if is_met else "missed"

    def measure_postgres(self):
        done = subprocess.run([str(HERE / "postgres-baseline"), "--seconds", str(max(1, round(self.options.seconds)))],
                              capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False)
        if done.returncode == 3:
            self.say("  " + done.stderr.strip())
            return
        if done.returncode != 0:
            sys.exit(f"suite: postgres-baseline failed: {done.stderr.strip()}")
        for workload, clients, tps in re.findall(r"^(\w+) clients=(\d+) tps=([\d.]+)", done.stdout, re.M):
            self.row(f"PostgreSQL procedure, {workload}, {clients} clients", f"{float(tps):,.0f} /s")
            self.postgres[workload] = max(self.postgres.get(workload, 0), float(tps))

    def close(self):
        """Ends what is still running."""

    def table(self):
        lines = ["| what | measured | target | ratio, verdict |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"


def run(make, names, text, seconds):
    """A suite's command line: makes the chosen measurements, prints the table, and ends the process."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kassa", help="the binary; default: the release build of this tree, built first")
    parser.add_argument("--seconds", type=float, default=seconds, help="of each load run")
    parser.add_argument("--only", default=",".join(names), help="the measurements to make, in this order")
    parser.add_argument("--output", help="write the table into this file, too")
    make.add_options(parser)
    options = parser.parse_args()
    chosen = options.only.split(",")
    for name in chosen:
        if name not in names:
            parser.error(f"there is no measurement {name!r}; there are {' '.join(names)}")
    if not options.kassa:
        subprocess.run(["make", "build"], cwd=ROOT, check=True)
        options.kassa = str(ROOT / ".build" / "release" / "kassa")
    options.kassa = shutil.which(options.kassa) or sys.exit(f"suite: {options.kassa} cannot be run")

    began = time.monotonic()
    load = os.getloadavg()[0]
    suite = make(options)
    try:
        for name in chosen:
            suite.say(f"{name} …")
            getattr(suite, "measure_" + name)()
    finally:
        suite.close()
    text = (f"{suite.table()}\n{os.cpu_count()} processors, load average {load:.1f} at the start, "
            f"{time.monotonic() - began:.0f} s in all, load runs of {options.seconds:g} s.\n")
    for trouble in suite.troubles:
        text += f"**not sound:** {trouble}\n"
    print(text, end="")
    if options.output:
        pathlib.Path(options.output).write_text(text, encoding="utf-8")
    sys.exit(1 if suite.troubles else 0)
