"""A Docker engine: the one that is there, or one of our own in a folder, which leaves nothing when it ends."""
import glob
import os
import shutil
import signal
import subprocess
import time

import standins

SUBNET = "172.31.250.1/24"
POOL = "base=172.31.192.0/19,size=24"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
TABLES = ("nat", "filter")
FORWARDING = "/proc/sys/net/ipv4/ip_forward"


class CannotRun(Exception):
    """There is no engine and none can be started here: why."""


def run(argv, **options):
    """A command that must succeed within its time; gives what it says on standard output."""
    options.setdefault("timeout", 300)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def answers():
    """Whether a Docker engine answers."""
    try:
        return subprocess.run(["docker", "info"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class OwnEngine:
    """dockerd from Debian's packages, unpacked and run in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.rules = {}
        self.forwarding = None

    def start(self):
        """Starts it, and makes the base images."""
        self._unpack()
        binaries = [os.path.join(self.folder, "root", "usr", kind) for kind in ("sbin", "bin")]
        os.environ["PATH"] = os.pathsep.join([*binaries, os.environ["PATH"]])
        os.environ["DOCKER_HOST"] = f"unix://{self.folder}/docker.sock"
        os.environ["DOCKER_BUILDKIT"] = "1"
        self.rules = {table: _rules(table) for table in TABLES}
        with open(FORWARDING, encoding="ascii") as file:
            self.forwarding = file.read().strip()
        with open(os.path.join(self.folder, "log"), "wb") as log:
            # In a session of its own, so that a Ctrl-C reaches us alone and containers are ended in order.
            self.process = subprocess.Popen(
                ["dockerd", "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                 "--pidfile", f"{self.folder}/pid", "-H", os.environ["DOCKER_HOST"], "--oom-score-adjust=0",
                 "--bip", SUBNET, "--default-address-pool", POOL],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"dockerd does not start: {self._log_end()}")
            time.sleep(0.5)

    def _log_end(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-1000:]

    def _unpack(self):
        packages = os.path.join(self.folder, "packages")
        os.makedirs(packages)
        try:
            run(["apt-get", "-q", "update"], stderr=subprocess.STDOUT)
            # Not as apt's own user, who cannot write here.
            run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "docker.io", "containerd", "tini"],
                cwd=packages, stderr=subprocess.STDOUT)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as reason:
            raise CannotRun(f"Debian's packages of Docker cannot be had: {reason}") from reason
        for package in glob.glob(os.path.join(packages, "*.deb")):
            run(["dpkg", "-x", package, os.path.join(self.folder, "root")])

    def make_images(self, names, repository):
        """Base images cannot be counted on to be pulled here: others of the same names stand in for them."""
        standins.make(self.folder, names, repository)

    def stop(self):
        """Ends it and takes away what it has put into the system. The folder is the caller's."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._end_the_rest()
        self._take_interfaces_away()
        for table in TABLES:
            _take_rules_away(table, self.rules[table])
        with open(FORWARDING, "w", encoding="ascii") as file:
            file.write(self.forwarding)
        for mount in _mounts_below(self.folder):
            subprocess.run(["umount", "--lazy", mount], check=False)

    def _end_the_rest(self):
        """Processes of this engine that outlived it: known by its folder on their command line."""
        for place in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(place, "rb") as file:
                    words = file.read().decode(errors="replace")
            except OSError:
                continue
            pid = int(place.split("/")[2])
            if self.folder in words and "containerd" in words and pid != os.getpid():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    @staticmethod
    def _take_interfaces_away():
        for line in run(["ip", "-o", "-4", "address"]).splitlines():
            words = line.split()
            # Of our address ranges, and a bridge of Docker's.
            if words[3].startswith("172.31.") and words[1].startswith(("docker0", "br-")):
                subprocess.run(["ip", "link", "delete", words[1]], check=False)


def _rules(table):
    return run(["iptables-save", "-t", table]).splitlines()


def _take_rules_away(table, before):
    """Rules and chains of Docker that were not there before, and the policies that it changed."""
    now = _rules(table)
    new = [line for line in now if line not in before]
    for line in new:
        if line.startswith("-A") and ("DOCKER" in line or "docker0" in line or "br-" in line or "172.31." in line):
            subprocess.run(["iptables", "-t", table, "-D", *_words(line)[1:]], check=False)
    for line in new:
        name = line[1:].split()[0] if line.startswith(":") else ""
        if name.startswith("DOCKER"):
            subprocess.run(["iptables", "-t", table, "-F", name], check=False)
            subprocess.run(["iptables", "-t", table, "-X", name], check=False)
    for line in before:
        if line.startswith(":"):
            name, policy = line[1:].split()[:2]
            if policy != "-":
                subprocess.run(["iptables", "-t", table, "-P", name, policy], check=False)


def _words(line):
    return [word.strip('"') for word in line.split()]


def _mounts_below(folder):
    with open("/proc/self/mounts", encoding="utf-8") as file:
        places = [line.split()[1] for line in file]
    return sorted((place for place in places if place.startswith(folder + "/")), reverse=True)


def check_own():
    """Refuses where an engine of our own cannot run."""
    if os.uname().sysname != "Linux":
        raise CannotRun("no Docker engine answers, and one of our own needs Linux")
    if os.geteuid() != 0:
        raise CannotRun("no Docker engine answers, and only root can start one: start Docker, or run this as root")
    missing = [name for name in ("apt-get", "dpkg", "runc", "iptables", "iptables-save", "ip", "mmdebstrap", "swift",
                                 "java") if not shutil.which(name)]
    if missing:
        raise CannotRun(f"no Docker engine answers, and one of our own needs {', '.join(missing)}: "
                        "scripts/system-packages --for docker")
