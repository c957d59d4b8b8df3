"""A Docker engine: the one that is there, or one of our own in a folder, which leaves nothing else when it ends."""
import glob
import ipaddress
import json
import os
import shutil
import subprocess
import time

import limits
import standins
import traces

# One of these, which no network of this machine overlaps: docker0 has the last 256 addresses, other networks the rest.
RANGES = [ipaddress.ip_network(f"172.31.{32 * number}.0/19") for number in reversed(range(8))]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
BINARIES = ("usr/sbin", "usr/bin")


class CannotRun(Exception):
    """There is no engine and none can be started here: why."""


def run(argv, **options):
    """A command that must succeed within its time; gives what it says on standard output."""
    options["timeout"] = limits.seconds(options.get("timeout", 300))
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def run_together(commands, **options):
    """Commands that must all succeed within one time. The first that does not ends the others, and so does a signal."""
    deadline = time.monotonic() + limits.seconds(options.pop("timeout"))
    processes = []
    try:
        for argv in commands:
            processes.append(subprocess.Popen(  # pylint: disable=consider-using-with
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options))
        waiting = list(processes)
        while waiting:
            done = next((process for process in waiting if process.poll() is not None), None)
            if done is None:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"not done in time: {', '.join(' '.join(each.args) for each in waiting)}")
                time.sleep(0.2)
                continue
            waiting.remove(done)
            said = done.stdout.read()
            if done.returncode != 0:
                raise RuntimeError(f"{' '.join(done.args)} ended with {done.returncode}:\n{said[-3000:]}")
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()


def answers():
    """Whether a Docker engine answers."""
    try:
        return subprocess.run(["docker", "info"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def free_range():
    """Addresses that no interface and no route of this machine uses."""
    used = [ipaddress.ip_network(f"{address['local']}/{address['prefixlen']}", strict=False)
            for link in traces.links().values() for address in link["addr_info"] if address["family"] == "inet"]
    routes = json.loads(traces.said(["ip", "-json", "-4", "route", "show", "table", "main"]))
    used += [ipaddress.ip_network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]
    for network in RANGES:
        if not any(network.overlaps(one) for one in used):
            return network
    raise CannotRun("no Docker engine answers, and one of our own finds no free addresses in 172.31.0.0/16")


class OwnEngine:
    """dockerd from Debian's packages, unpacked and run in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.traces = None

    def start(self):
        """Starts it."""
        if not os.path.isdir(os.path.join(self.folder, "root")):
            self._unpack()
        root = os.path.join(self.folder, "root")
        os.environ["PATH"] = os.pathsep.join([*(os.path.join(root, part) for part in BINARIES), os.environ["PATH"]])
        os.environ["DOCKER_HOST"] = f"unix://{self.folder}/docker.sock"
        os.environ["DOCKER_BUILDKIT"] = "1"
        network = free_range()
        *_, bridge = network.subnets(new_prefix=24)
        self.traces = traces.Traces(self.folder, [network])
        with open(os.path.join(self.folder, "log"), "wb") as log:
            # In its own session, so that a Ctrl-C reaches us alone and containers are ended in order.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["dockerd", "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                 "--pidfile", f"{self.folder}/pid", "-H", os.environ["DOCKER_HOST"], "--oom-score-adjust=0",
                 "--bip", f"{bridge[1]}/24", "--default-address-pool", f"base={network},size=24"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + limits.seconds(START_SECONDS_MAX)
        while not answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"dockerd does not start: {self._log_end()}")
            time.sleep(0.5)

    def _log_end(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-1000:]

    def _unpack(self):
        packages, root = os.path.join(self.folder, "packages"), os.path.join(self.folder, "root")
        shutil.rmtree(packages, ignore_errors=True)
        os.makedirs(packages)
        try:
            run(["apt-get", "-q", "update"], stderr=subprocess.STDOUT)
            # Not as apt's own user, who cannot write here.
            run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "docker.io", "containerd", "tini"],
                cwd=packages, stderr=subprocess.STDOUT)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as reason:
            raise CannotRun(f"Debian's packages of Docker cannot be fetched: {reason}") from reason
        for package in glob.glob(os.path.join(packages, "*.deb")):
            run(["dpkg", "-x", package, f"{root}.new"])
        # It counts once it is whole.
        os.rename(f"{root}.new", root)

    def make_images(self, names, jars):
        """Base images cannot be counted on to be pulled here: others of the same names stand in for them. Makes those that
        Kassa's own are built from, and gives the commands that make the servers'.
        """
        return standins.make(self.folder, names, jars)

    def stop(self):
        """Ends it and takes away what it has put into the system. The folder is the caller's."""
        if self.traces is None:
            return
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(limits.seconds(STOP_SECONDS_MAX))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.traces.remove()


def check_own():
    """Refuses where our own engine cannot run."""
    if os.uname().sysname != "Linux":
        raise CannotRun("no Docker engine answers, and one of our own needs Linux")
    if os.geteuid() != 0:
        raise CannotRun("no Docker engine answers, and only root can start one: start Docker, or run this as root")
    missing = [name for name in ("apt-get", "dpkg", "runc", "iptables", "iptables-save", "ip", "mmdebstrap", "swift",
                                 "java") if not shutil.which(name)]
    if missing:
        raise CannotRun(f"no Docker engine answers, and one of our own needs {', '.join(missing)}: "
                        "scripts/system-packages --for docker")
    others = traces.of_another_engine()
    if others:
        # It clears these chains when it starts: another engine's containers would be cut off.
        raise CannotRun(f"no Docker engine answers, but one uses this machine's network ({', '.join(others)}), and an "
                        "engine of our own would disturb it: set DOCKER_HOST to it, or start it")
