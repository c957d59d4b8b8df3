"""What a Docker engine puts into the system, and how exactly that is taken away again: nothing that was there before.

An engine of ours starts only where no other one has its chains and its bridge, so whatever bears Docker's names is its
own.
"""
import contextlib
import glob
import ipaddress
import json
import os
import re
import signal
import subprocess
import time

TABLES = ("nat", "filter")
CHAINS = ("DOCKER", "DOCKER-USER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-FORWARD",
          "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-INTERNAL")
BRIDGE = "docker0"
NETWORK_BRIDGE = re.compile(r"br-[0-9a-f]{12}")
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
CONTROL_GROUPS = ("/sys/fs/cgroup/docker", "/sys/fs/cgroup/*/docker")
END_SECONDS_MAX = 10


def said(argv):
    """What a command that must succeed says."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
                          timeout=60).stdout


def quietly(argv):
    """A command whose object may be gone already."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   timeout=60)


def links():
    """The network interfaces, by name, as `ip` describes them."""
    return {link["ifname"]: link for link in json.loads(said(["ip", "-json", "-details", "address"]))}


def rules(table):
    """The policies, chains and rules of a table, without their counters."""
    lines = said(["iptables-save", "-t", table]).splitlines()
    return [re.sub(r" \[\d+:\d+\]$", "", line) for line in lines if line[:1] in (":", "-")]


def chains(lines):
    """The names of the chains in what `rules` gives."""
    return {line[1:].split()[0] for line in lines if line.startswith(":")}


def of_another_engine():
    """What shows that another Docker engine uses this machine's network, or nothing."""
    found = {name for table in TABLES for name in chains(rules(table)) & set(CHAINS)}
    return sorted(found | {BRIDGE} & set(links()))


class Traces:  # pylint: disable=too-few-public-methods
    """The system before an engine, whose files are in `folder` and whose addresses are in `networks`."""

    def __init__(self, folder, networks):
        self.folder = os.path.realpath(folder)
        self.networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        self.links = set(links())
        self.rules = {table: rules(table) for table in TABLES}
        self.groups = set(_control_groups())
        with open(FORWARDING, encoding="ascii") as file:
            self.forwarding = file.read()

    def remove(self):
        """Takes away what has come since. The engine has ended."""
        self._end_processes()
        self._unmount()
        self._remove_links()
        for table in TABLES:
            self._remove_rules(table)
        with open(FORWARDING, "w", encoding="ascii") as file:
            file.write(self.forwarding)
        for group in set(_control_groups()) - self.groups:
            _remove_group(group)

    def _end_processes(self):
        """Those that run the engine's programs, or have a folder or a container of it as their root."""
        deadline = time.monotonic() + END_SECONDS_MAX
        while (pids := self._processes()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def _processes(self):
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_our_process(pid)]

    def _is_our_process(self, pid):
        inside = self.folder + "/"
        try:
            if any(os.readlink(f"/proc/{pid}/{link}").startswith(inside) for link in ("exe", "root")):
                return True
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
                return any(line.split()[4] == "/" and inside in line for line in file)
        except OSError:
            # It has ended, or is none with files.
            return False

    def _unmount(self):
        with open("/proc/self/mounts", encoding="utf-8") as file:
            places = [line.split()[1] for line in file]
        for place in sorted((place for place in places if place.startswith(self.folder + "/")), reverse=True):
            quietly(["umount", "--lazy", place])

    def _remove_links(self):
        """Bridges first; then what is left of the pairs that led into containers."""
        for name, link in links().items():
            bridge = name == BRIDGE or NETWORK_BRIDGE.fullmatch(name)
            if name not in self.links and bridge and self._has_our_address(link):
                quietly(["ip", "link", "delete", name])
        for name, link in links().items():
            if name not in self.links and name.startswith("veth") and self._has_our_hardware_address(link):
                quietly(["ip", "link", "delete", name])

    def _has_our_address(self, link):
        return any(address["family"] == "inet" and self._is_ours(address["local"]) for address in link["addr_info"])

    def _has_our_hardware_address(self, link):
        """Docker makes a container's of its IPv4 address: 02:42 and its four bytes."""
        parts = link.get("address", "").split(":")
        return parts[:2] == ["02", "42"] and self._is_ours(".".join(str(int(part, 16)) for part in parts[2:]))

    def _is_ours(self, address):
        return any(ipaddress.ip_address(address) in network for network in self.networks)

    def _remove_rules(self, table):
        before, now = self.rules[table], rules(table)
        own = (chains(now) - chains(before)) & set(CHAINS)
        for line in now:
            if line.startswith("-A") and line not in before and self._made_by_the_engine(line, own):
                quietly(["iptables", "-t", table, "-D", *[word.strip('"') for word in line.split()[1:]]])
        for name in own:
            quietly(["iptables", "-t", table, "-F", name])
        for name in own:
            quietly(["iptables", "-t", table, "-X", name])
        for line in before:
            name, *policy = line[1:].split() if line.startswith(":") else ("", "-")
            if policy != ["-"]:
                quietly(["iptables", "-t", table, "-P", name, *policy])

    def _made_by_the_engine(self, line, own):
        """A rule of a chain, bridge or address of the engine's."""
        words = line.split()
        addresses = (word.split("/")[0] for word in words if re.fullmatch(r"\d+\.\d+\.\d+\.\d+(/\d+)?", word))
        return (bool(own & {words[1], words[-1]}) or BRIDGE in words or any(map(NETWORK_BRIDGE.fullmatch, words))
                or any(map(self._is_ours, addresses)))


def _control_groups():
    return [place for pattern in CONTROL_GROUPS for place in glob.glob(pattern)]


def _remove_group(place):
    """The control groups of containers that have ended; those in use cannot be removed."""
    for folder, _, _ in os.walk(place, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
