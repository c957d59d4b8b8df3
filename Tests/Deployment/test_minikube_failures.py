"""What the scripts for minikube say when something is not as it has to be, and what the removal takes away."""
import base64
import os
import pathlib
import signal
import unittest

from minikube_world import DEPLOY, REMOVE, SERVICES, Case, World, installed, state_before

DATABASE_CLAIM = "kassa/PersistentVolumeClaim/data-order-db-0"


def encoded(text):
    """As Secrets hold it."""
    return base64.b64encode(text.encode()).decode()


class Machine(Case):
    """Tools and cluster."""

    def test_missing_tools_are_named(self):
        world = World(self)
        for name in ("minikube", "helm"):
            (world.bin / name).unlink()
        self.refused(world, "not on the PATH: minikube helm")
        self.assertEqual(world.calls(), [])

    def test_docker_is_needed_only_to_build(self):
        world = World(self)
        (world.bin / "docker").unlink()
        if not pathlib.Path("/usr/bin/docker").exists():
            self.refused(world, "not on the PATH: docker", image=False)
        self.deployed(world)

    def test_docker_that_does_not_run(self):
        self.refused(World(self, docker_is_away=True), "Docker's engine does not answer", image=False)

    def test_old_tools_are_refused(self):
        for name, version, least in (("minikube", "v1.32.0", "1.33"), ("kubectl", "v1.26.9", "1.27"),
                                     ("helm", "v3.13.3", "3.14"), ("docker", "19.03.8", "20.10")):
            with self.subTest(name):
                world = World(self, versions={name: version})
                self.refused(world, f"{name} is {version.strip('v')}, and {least} or newer is needed", image=name != "docker")
                self.assertEqual(world.state()["changes"], 0)

    def test_cluster_too_small(self):
        for size, words in ((("1", "6144000Ki"), "1 processors and 6000 MiB"), (("2", "2048Mi"), "2 processors and 2048 MiB"),
                            (("1900m", "6Gi"), "1 processors and 6144 MiB")):
            with self.subTest(size):
                self.refused(World(self, size=size), "too small", words, "2 and 5400 MiB are needed")

    def test_paused_cluster(self):
        world = World(self, installed())
        world.plan(machine_state="Paused")
        self.refused(world, "is paused", "minikube unpause")

    def test_start_that_fails(self):
        for said, words in (("Error: driver failed: port is already allocated", "a port that it needs is in use"),
                            ("X Exiting due to RSRC_INSUFFICIENT_CORES", "less than 2 processors"),
                            ("X Exiting due to GUEST_PROVISION", "minikube could not start")):
            with self.subTest(words):
                world = World(self, start_fails=said)
                self.assertIn(said, self.refused(world, words))
                world.plan()
                self.deployed(world)

    def test_wrong_ingress_class(self):
        world = World(self, installed())
        before = world.state()
        self.refused(world, "no ingress class 'traefik'", "it has: nginx", arguments=("--ingress-class", "traefik"))
        self.assertEqual(world.state(), before)

    def test_wrong_options(self):
        for arguments in (("--cpus", "1"), ("--cpus", "two"), ("--memory", "4096"), ("--timeout", "0"), ("--profile", "a b"),
                          ("--image", "kassa"), ("--ingress-class", "-"), ("--nothing",), ("--cpus",)):
            with self.subTest(arguments):
                world = World(self)
                code, said = world.run(DEPLOY, *arguments)
                self.assertEqual(code, 2, said)
                self.assertIn("--help", said)
                self.assertEqual(world.calls(), [])

    def test_help_names_every_option(self):
        for script in (DEPLOY, REMOVE):
            code, said = World(self).run(script, "--help")
            self.assertEqual(code, 0)
            for option in ("--profile NAME", "--dry-run", "--timeout SECONDS"):
                self.assertIn(option, said)

    def test_another_run_is_under_way(self):
        world = World(self)
        lock = world.folder / "tmp" / f"kassa-minikube-{os.getuid()}-minikube.lock"
        lock.write_text(f"{os.getpid()}\n", encoding="utf-8")
        code, said = world.run(DEPLOY)
        self.assertEqual(code, 1, said)
        self.assertIn(f"another run (process {os.getpid()}) is working on the profile minikube", said)


class Secrets(Case):
    """Secrets that are missing, wrong or half made."""

    def test_a_missing_one_is_made_from_the_others(self):
        for name in (*SERVICES, "redis", "kassa-peers"):
            with self.subTest(name):
                world = World(self, installed())
                before = world.secrets()
                world.cluster.drop(world.cluster.get("Secret", name))
                self.deployed(world)
                if name != "kassa-peers":
                    self.assertEqual(world.secrets(), before)
                self.whole(world)

    def test_a_database_whose_password_is_gone(self):
        world = World(self, installed())
        world.cluster.drop(world.cluster.get("Secret", "order-db-login"))
        before = world.state()
        self.refused(world, "the volume of order-db", "another or an earlier shop",
                     "delete persistentvolumeclaim/data-order-db-0")
        self.assertEqual(world.state(), before)

    def test_wrong_ones_are_named(self):
        other = World(self)
        self.deployed(other)
        foreign = other.secrets()["kassa-peers", "ca.crt"]
        for name, key, value, words in (
                ("order-db", "uri", "postgresql://kassa:other@order-db:5432/kassa_orders", "does not agree with order-db-login"),
                ("stock-db", "uri", None, "has no key uri"),
                ("payment-db-login", "CUSTOM_DB", "kassa_orders", "names another database than kassa_payments"),
                ("order-db-login", "postgres-password", None, "has no key postgres-password"),
                ("redis", "url", "redis://redis:6379/0", "does not agree with redis-login"),
                ("redis-login", "password", None, "has no key password"),
                ("kassa-peers", "tls.key", None, "has no key tls.key"),
                ("kassa-peers", "ca.crt", foreign, "did not sign"),
                ("kassa-peers", "tls.key", other.secrets()["kassa-peers", "tls.key"], "does not belong to its certificate")):
            with self.subTest(name=name, key=key):
                world = World(self, installed())
                data = world.cluster.get("Secret", name)["data"]
                data.pop(key)
                if value:
                    data[key] = encoded(value)
                before = world.state()
                self.refused(world, f"the Secret {name} ", words, f"secret {name}")
                self.assertEqual(world.state(), before)

    def test_an_empty_one_is_named(self):
        world = World(self, installed())
        world.cluster.get("Secret", "order-db").pop("data")
        self.refused(world, "the Secret order-db has no key uri")


class Pods(Case):
    """Pods that do not get ready."""

    CASES = (
        ("redis", {"status": "ImagePullBackOff", "events": ["Failed: Failed to pull image \"redis\": timeout"]},
         "redis does not become ready: its image cannot be pulled"),
        ("orders", {"status": "ErrImageNeverPull", "events": ["Failed: ErrImageNeverPull"]}, "its image cannot be pulled"),
        ("kafka", {"status": "Pending", "events": ["FailedScheduling: 0/1 nodes are available: 1 Insufficient memory."]},
         "the cluster is too small, or full (Insufficient memory)"),
        ("ingress-nginx-controller", {"status": "Pending", "events": [
            "FailedScheduling: 0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."]},
         "a port that it needs on the node is in use"),
        ("stock-db", {"status": "Pending", "events": ["FailedScheduling: pod has unbound immediate PersistentVolumeClaims"]},
         "no volume for it"),
        ("order-db", {"status": "CrashLoopBackOff", "log": "initdb: error: directory \"/data\" exists but is not empty"},
         "a database of another shop, version or owner"),
        ("payment-db", {"status": "CrashLoopBackOff", "log": "FATAL:  data directory \"/data\" has wrong ownership"},
         "a database of another shop, version or owner"),
        ("orders", {"status": "CrashLoopBackOff",
                    "log": "kassa: the database belongs to the cluster 'a', not to 'b'; name this cluster's database"},
         "its database is that of another shop (the database belongs to the cluster 'a'"),
        ("stock", {"status": "CrashLoopBackOff", "log": "the database was made with 8 partitions, not 4; set it to 8"},
         "made with 8 partitions"),
        ("payments", {"status": "CrashLoopBackOff", "log": "FATAL:  password authentication failed for user \"kassa\""},
         "made for users or passwords other"),
        ("orders", {"status": "CreateContainerConfigError", "events": ["Failed: couldn't find key uri in Secret kassa/order-db"]},
         "a Secret or a key of it is missing"),
        ("kassa-topics", {"status": "CrashLoopBackOff", "log": "kassa: no broker of kafka:9092 can be reached"},
         "the job that makes the topics: no broker of Kafka can be reached"),
        ("kassa-topics", {"status": "Error", "log": "kassa topics: kassa.orders has 8 partitions, not 4"},
         "the topics in Kafka are not as Kassa needs them"),
        ("payments", {"status": "Running", "log": "something that nobody foresaw"}, "payments-0 is Running"),
    )

    def test_each_reason_is_named_and_the_next_run_succeeds(self):
        for name, trouble, words in self.CASES:
            with self.subTest(name=name, words=words):
                if name == "ingress-nginx-controller":
                    state = state_before("addons", "enable")
                else:
                    state = state_before("upgrade", {"orders": "kassa", "stock": "kassa", "payments": "kassa",
                                               "kassa-topics": "kassa"}.get(name, name))
                world = World(self, state, pods={name: trouble})
                said = self.refused(world, words, arguments=("--timeout", "90"))
                for line in (*trouble.get("events", []), trouble.get("log", "")):
                    self.assertIn(line, said)
                world.plan()
                self.deployed(world)
                self.whole(world)

    def test_waiting_has_an_end(self):
        world = World(self, state_before("upgrade", "redis"), ready_after=1000)
        self.refused(world, "does not become ready", arguments=("--timeout", "50"))
        slept = [call for call in world.calls() if call["argv"][0] == "sleep"]
        self.assertEqual(len(slept), 11)

    def test_what_helm_refuses_is_named(self):
        for name, said, words in (
                ("redis", "Error: dial tcp: lookup registry-1.docker.io: no such host", "its chart cannot be fetched"),
                ("kafka", "Error: UPGRADE FAILED: invalid ownership metadata; label validation error", "made by other means"),
                ("stock-db", "Error: another operation (install/upgrade/rollback) is in progress", "another Helm"),
                ("kassa", "Error: values don't meet the specifications of the schema(s)", "does not take the values"),
                ("kassa", "Error: nobody foresaw it", "Helm refused it")):
            with self.subTest(words):
                world = World(self, state_before("upgrade", name), helm_fails={name: said})
                self.assertIn(said, self.refused(world, f"{name}: ", words))
                world.plan()
                self.deployed(world)

    def test_a_release_of_another_chart(self):
        world = World(self, installed())
        world.cluster.state["releases"]["stock-db"][-1]["chart"] = "mysql-9.1.0"
        before = world.state()
        self.refused(world, "the release stock-db", "is of the chart mysql-9.1.0, not of postgres")
        self.assertEqual({**world.state(), "polls": 0}, {**before, "polls": 0})


class Removal(Case):
    """remove-charts-and-stop-minikube.sh"""

    def removed(self, world, *arguments):
        """A removal that has to succeed."""
        code, said = world.run(REMOVE, *arguments)
        self.assertEqual(code, 0, said)
        self.assertEqual(world.left(), [])
        return said

    def test_data_stays_and_is_found_again(self):
        world = World(self, installed())
        secrets = world.secrets()
        self.removed(world)
        state = world.state()
        self.assertEqual((state["releases"], state["machine"]["runs"]), ({}, False))
        self.assertIn(DATABASE_CLAIM, state["objects"])
        self.assertNotIn("/IngressClass/nginx", state["objects"])
        self.removed(world)
        self.deployed(world)
        self.whole(world)
        self.assertEqual(world.secrets(), secrets)
        self.removed(world)
        self.assertFalse(world.state()["machine"]["runs"])

    def test_delete_data_leaves_nothing(self):
        world = World(self, installed())
        self.removed(world, "--delete-data", "--keep-running")
        state = world.state()
        self.assertEqual(sorted(state["objects"]), ["default/ConfigMap/kassa-minikube"])
        self.removed(world, "--delete-data", "--keep-running")
        self.deployed(world)
        self.whole(world)

    def test_nothing_else_is_taken(self):
        world = World(self)
        foreign = [{"kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "kassa"}},
                   {"kind": "Secret", "metadata": {"name": "theirs", "namespace": "kassa"}, "data": {}},
                   {"kind": "StatefulSet", "metadata": {"name": "theirs", "namespace": "other"},
                    "spec": {"template": {"metadata": {"labels": {}}, "spec": {}}}},
                   {"kind": "PersistentVolumeClaim", "metadata": {
                       "name": "theirs", "namespace": "kassa", "labels": {"app.kubernetes.io/instance": "theirs"}}},
                   {"kind": "Ingress", "metadata": {"name": "theirs", "namespace": "other"}}]
        self.deployed(world)
        for thing in foreign:
            world.cluster.put(thing)
        said = self.removed(world, "--delete-data")
        left = world.state()["objects"]
        for thing in foreign:
            self.assertIn(f"{thing['metadata']['namespace']}/{thing['kind']}/theirs", left)
        self.assertIn("/Namespace/kassa", left)
        self.assertIn("/IngressClass/nginx", left)
        self.assertIn("other Ingresses use it", said)
        self.assertEqual([key for key in left if key.startswith("kassa/") and not key.endswith("/theirs")], [])

    def test_a_cluster_that_ran_before_goes_on_running(self):
        world = World(self)
        world.cluster.state["machine"] = {"cpus": "4", "memory": "8Gi", "runs": True}
        world.cluster.put({"kind": "IngressClass", "metadata": {"name": "nginx"}})
        self.deployed(world)
        said = self.removed(world)
        self.assertIn("it did before", said)
        self.assertTrue(world.state()["machine"]["runs"])
        self.assertIn("/IngressClass/nginx", world.state()["objects"])

    def test_a_foreign_release_stays(self):
        world = World(self, installed())
        world.cluster.state["releases"]["stock-db"][-1]["chart"] = "mysql-9.1.0"
        self.assertIn("it stays", self.removed(world, "--delete-data"))
        self.assertEqual(list(world.state()["releases"]), ["stock-db"])
        self.assertIn("kassa/PersistentVolumeClaim/data-stock-db-0", world.state()["objects"])

    def test_a_failed_topics_job_is_taken_away(self):
        world = World(self, state_before("upgrade", "kassa"),
                      pods={"kassa-topics": {"status": "Error", "log": "no broker of kafka:9092"}})
        self.refused(world, "no broker")
        world.plan()
        self.removed(world)
        self.assertNotIn("kassa/Job/kassa-topics", world.state()["objects"])

    def test_data_of_a_cluster_that_is_stopped(self):
        world = World(self, installed())
        self.removed(world)
        self.refused(world, "is not running", "minikube start", script=REMOVE, arguments=("--delete-data",))

    def test_nothing_there(self):
        world = World(self)
        self.assertIn("nothing to do", self.removed(world))
        self.assertEqual(world.state()["changes"], 0)

    def test_dry_run_changes_nothing(self):
        world = World(self, installed())
        before = world.state()
        self.removed(world, "--dry-run", "--delete-data")
        self.assertEqual(world.state(), before)

    def finished(self, world):
        """The second run of a removal leaves nothing: no data, no temporary folder of the first."""
        self.removed(world, "--delete-data")
        state = world.state()
        self.assertFalse(state["machine"]["runs"])
        self.assertEqual(sorted(state["objects"]), ["default/ConfigMap/kassa-minikube"])

    def test_a_removal_that_was_killed_is_finished(self):
        """After each of its changes: what one whole run shows there is what a run that is killed there leaves."""
        stages = [stage for stage in World(self, installed()).stages(REMOVE, "--delete-data") if stage.when == "after"]
        self.assertGreater(len(stages), 10)
        # With its last change, the stop of the cluster, it is done: what is in there cannot be asked any more.
        *stages, last = stages
        self.assertEqual(last.argv[:2], ["minikube", "stop"])
        for stage in stages:
            with self.subTest(stage.argv):
                self.finished(World(self, stage.state))
        # Three of them killed for good, as a proof.
        for stage in stages[1], stages[len(stages) // 2], stages[-1]:
            with self.subTest(killed=stage.argv):
                world = World(self, installed(), kill={"at": stage.at, "when": "after"})
                code, said = world.run(REMOVE, "--delete-data")
                self.assertEqual(code, -signal.SIGKILL, said)
                self.assertEqual(world.state(), stage.state)
                self.assertEqual(len(world.left()), 2, "its lock and its folder are what it could not take away")
                world.plan()
                self.finished(world)


if __name__ == "__main__":
    unittest.main()
