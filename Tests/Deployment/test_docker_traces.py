"""What `make test-docker` takes away after its own Docker engine, on recorded rules: its own, nothing else."""
import json
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "docker"))
# pylint: disable=wrong-import-position
import traces

BEFORE = """*filter
:INPUT ACCEPT [10:20]
:FORWARD ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -j KUBE-FORWARD
-A FORWARD -i br-lan -j ACCEPT
COMMIT
"""
AFTER = """*filter
:INPUT ACCEPT [30:40]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT
-A FORWARD -j KUBE-FORWARD
-A FORWARD -i br-lan -j ACCEPT
-A FORWARD -i br-wan -j ACCEPT
-A FORWARD -s 172.31.224.0/24 -j ACCEPT
-A FORWARD -s 172.31.0.0/24 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
"""
NEW_RULES = [
    "-D FORWARD -j DOCKER-USER", "-D FORWARD -o docker0 -j DOCKER",
    "-D FORWARD -i br-0123456789ab ! -o br-0123456789ab -j ACCEPT", "-D FORWARD -s 172.31.224.0/24 -j ACCEPT",
    "-D DOCKER-USER -j RETURN"]


def link(name, address="", hardware="aa:bb:cc:dd:ee:ff"):
    """An interface, as `ip -json address` describes it."""
    addresses = [{"family": "inet", "local": address, "prefixlen": 24}] if address else []
    return {"ifname": name, "address": hardware, "addr_info": addresses}


class System:
    """Stands in for iptables-save and ip, and notes what is changed."""

    def __init__(self):
        self.tables = {"nat": "", "filter": BEFORE}
        self.links = [link("eth0", "10.0.0.2"), link("br-lan", "172.31.224.9")]
        self.changes = []

    def said(self, argv):
        """What the command says."""
        if argv[0] == "iptables-save":
            return self.tables[argv[-1]]
        return json.dumps(self.links)

    def change(self, argv):
        """Notes a change."""
        self.changes.append(" ".join(argv))


class Traces(unittest.TestCase):
    """traces.py"""

    def setUp(self):
        self.system = System()
        for name, stand_in in (("said", self.system.said), ("quietly", self.system.change)):
            patch = mock.patch.object(traces, name, stand_in)
            patch.start()
            self.addCleanup(patch.stop)
        # Neither processes nor files of this machine.
        for name in ("_end_processes", "_unmount"):
            patch = mock.patch.object(traces.Traces, name)
            patch.start()
            self.addCleanup(patch.stop)
        for name, value in (("FORWARDING", os.devnull), ("CONTROL_GROUPS", ())):
            patch = mock.patch.object(traces, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def removed(self):
        """What is taken away after what came since the start."""
        started = traces.Traces("/tmp/kassa-docker-test", ["172.31.224.0/19"])
        self.system.tables["filter"] = AFTER
        self.system.links += [
            link("docker0", "172.31.255.1"), link("br-0123456789ab", "172.31.224.1"), link("br-wan", "172.31.225.1"),
            link("br-0123456789cd", "172.31.0.1"), link("veth1", hardware="02:42:ac:1f:e0:02"),
            link("veth2", hardware="02:42:ac:1f:00:02"), link("veth3")]
        started.remove()
        return self.system.changes

    def test_its_bridges_and_pairs_go_and_no_others(self):
        self.assertEqual([change.split()[-1] for change in self.removed() if change.startswith("ip ")],
                         ["docker0", "br-0123456789ab", "veth1"])

    def test_its_rules_go_and_no_others(self):
        deleted = [change for change in self.removed() if " -D " in change]
        self.assertEqual(deleted, [f"iptables -t filter {rule}" for rule in NEW_RULES])

    def test_its_chains_go_and_policies_come_back(self):
        changes = self.removed()
        emptied = [change.split()[-1] for change in changes if " -F " in change]
        deleted = [change.split()[-1] for change in changes if " -X " in change]
        self.assertEqual((sorted(emptied), sorted(deleted)), (["DOCKER", "DOCKER-USER"],) * 2)
        self.assertIn("iptables -t filter -P FORWARD ACCEPT", changes)

    def test_another_engine_is_seen(self):
        self.assertEqual(traces.of_another_engine(), [])
        self.system.tables["filter"] = AFTER
        self.system.links.append(link("docker0", "172.17.0.1"))
        self.assertEqual(traces.of_another_engine(), ["DOCKER", "DOCKER-USER", "docker0"])


if __name__ == "__main__":
    unittest.main()
