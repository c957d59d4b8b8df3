"""Ports, plans, tables, settings files."""
import os
import socket
import tempfile
import unittest

import location  # noqa: F401  pylint: disable=unused-import

import kafka
import others
import plan as plans
import ports
import table


def small_plan(**changes):
    plan = plans.Plan({"orders": 2, "stock": 1, "payments": 1}, **changes)
    plan.take_ports({})
    return plan


class Ports(unittest.TestCase):
    def test_ports_are_outside_of_the_ephemeral_range(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            low, high = map(int, file.read().split())
        found = ports.find(50)
        self.assertEqual(len(set(found)), 50)
        self.assertFalse([port for port in found if port not in ports.CANDIDATES])
        if (low, high) == (32768, 60999):
            self.assertFalse([port for port in found if low <= port <= high])

    def test_a_port_in_use_is_not_free(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            self.assertFalse(ports.is_free(server.getsockname()[1]))

    def test_taken_ports_are_not_given_again(self):
        taken = set(ports.CANDIDATES) - {ports.find(1)[0]}
        self.assertEqual(set(ports.find(1, taken)) & taken, set())

    def test_too_many_are_refused(self):
        with self.assertRaises(ports.NoPort):
            ports.find(2, taken=list(ports.CANDIDATES)[1:])


class Plans(unittest.TestCase):
    def test_ports_stay_from_run_to_run_unless_somebody_took_one(self):
        first = small_plan()
        again = small_plan()
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.1", first.ports["redis"]))
            stranger.listen()
            again.take_ports(first.ports)
        changed = [name for name in first.ports if first.ports[name] != again.ports[name]]
        self.assertEqual(changed, ["redis"])
        self.assertEqual(len(set(again.ports.values())), len(again.ports))

    def test_a_plan_is_read_as_it_was_written(self):
        plan = small_plan(brokers=3, pod_settings="KASSA_LANES=2")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plan.json")
            self.assertIsNone(plans.load(path))
            plan.save(path)
            self.assertEqual(plans.load(path), plan)

    def test_what_cannot_be_run_is_refused(self):
        for changes in ({"brokers": 2}, {"partitions": 0}, {"partitions": 257}, {"pod_settings": "LANES=2"},
                        {"pod_settings": "KASSA_LANES"}):
            with self.subTest(changes), self.assertRaises(plans.BadPlan):
                small_plan(**changes).check()
        for count in (0, 17, -1, None, "2"):
            with self.subTest(count), self.assertRaises(plans.BadPlan):
                plans.check_pods(count)

    def test_three_brokers_vote_and_replicate(self):
        plan = small_plan(brokers=3)
        lines = kafka.properties(plan, 2, "/f").splitlines()
        self.assertIn("node.id=2", lines)
        self.assertIn("offsets.topic.replication.factor=3", lines)
        self.assertIn("min.insync.replicas=2", lines)
        voters = next(line for line in lines if line.startswith("controller.quorum.voters="))
        self.assertEqual(voters.count("@127.0.0.1:"), 3)
        self.assertEqual(kafka.addresses(plan).count(","), 2)

    def test_pods_take_detours_and_nobody_else_does(self):
        detours = {"kafka-1": 1, "postgres-stock": 2, "redis": 3, "stock-0/peers": 4}
        plan = small_plan(detours=detours)
        self.assertEqual(plans.detours(" ".join(f"{name}={port}" for name, port in detours.items())), detours)
        settings = others.pod_settings(plan, "stock", "stock-0", "")
        self.assertEqual(settings["KASSA_KAFKA_BROKERS"], "127.0.0.1:1")
        self.assertEqual(settings["KASSA_REDIS"], "redis://127.0.0.1:3")
        self.assertEqual(settings["KASSA_PEERS_ADVERTISE"], "127.0.0.1:4")
        self.assertEqual(settings["KASSA_PEERS"], plan.address("stock-0/peers"))
        self.assertEqual(kafka.addresses(plan), plan.address("kafka-1"))
        lines = kafka.properties(plan, 1, "/f").splitlines()
        # Whoever came by the detour is sent on by it.
        listeners = next(line for line in lines if line.startswith("listeners="))
        self.assertTrue(listeners.endswith(f",DETOUR://{plan.address('kafka-1/detour')}"), listeners)
        self.assertIn(f"advertised.listeners=PLAINTEXT://{plan.address('kafka-1')},DETOUR://127.0.0.1:1", lines)
        for text in ("redis", "redis=x", "=1"):
            with self.subTest(text), self.assertRaises(plans.BadPlan):
                plans.detours(text)


class Tables(unittest.TestCase):
    ROWS = (("stock-0", "stock", 12, "127.0.0.1:20001"), ("redis", "redis", 13, "127.0.0.1:20002"))

    def test_rows_are_read_as_they_were_written(self):
        text = table.processes_text(self.ROWS)
        self.assertEqual(text.splitlines()[0], "name\tkind\tpid\taddress")
        self.assertEqual([tuple(row.values()) for row in table.read_processes(text)], list(self.ROWS))

    def test_what_is_no_table_is_refused(self):
        for text in ("", "name\tpid\n", table.processes_text(self.ROWS) + "half\tof\n"):
            with self.subTest(text), self.assertRaises(ValueError):
                table.read_processes(text)
        for row in (("a\tb", "redis", 1, "x"), ("a", "unknown", 1, "x"), ("a", "redis", 1, "x\n")):
            with self.subTest(row), self.assertRaises(ValueError):
                table.processes_text([row])

    def test_a_file_is_replaced_with_its_mode(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "file")
            table.write(path, "first")
            with open(path, encoding="utf-8") as reader:
                table.write(path, "second", mode=0o600)
                self.assertEqual(reader.read(), "first")
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertEqual(os.listdir(folder), ["file"])


class Settings(unittest.TestCase):
    def test_a_pod_knows_its_own_database_only_and_may_be_given_more(self):
        plan = small_plan(pod_settings="KASSA_LANES=2 KASSA_LEASE=1s")
        settings = others.pod_settings(plan, "stock", "stock-0", "host=h passfile='/a b'")
        self.assertEqual(settings["KASSA_POSTGRES_STOCK"], "host=h passfile='/a b'")
        self.assertNotIn("KASSA_POSTGRES_ORDERS", settings)
        self.assertEqual((settings["KASSA_LANES"], settings["KASSA_LEASE"]), ("2", "1s"))
        # The gateway learns of it before a pod ends: restarts take no longer than they have to.
        self.assertEqual(settings["KASSA_DRAIN_DELAY"], "0ms")

    def test_values_are_quoted(self):
        self.assertEqual(others.settings_text({"A": 'x "y" \\z', "B": 1}), 'A="x \\"y\\" \\\\z"\nB="1"\n')

    def test_names_tell_the_service(self):
        self.assertEqual(others.service_of("payments-11"), "payments")
        with self.assertRaises(ValueError):
            others.service_of("kafka-1")


if __name__ == "__main__":
    unittest.main()
