"""The program itself accepts what the objects give it: the settings of every pod and job, the arguments of the jobs.

KASSA_PROGRAM is the program; Tests/Deployment/run says it.
"""
import json
import os
import re
import subprocess
import tempfile
import unittest

import k8s_objects
import program
from k8s_objects import label, named, pod_of, pods, settings

# What a field of the pod gives.
FIELDS = {"KASSA_POD": "orders-0", "POD_IP": "10.0.0.7"}


class Program(unittest.TestCase):
    """`kassa settings` in the environment of each pod, with its secrets as files elsewhere."""

    @classmethod
    def setUpClass(cls):
        cls.program = program.kassa()
        cls.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        cls.addClassCleanup(cls.folder.cleanup)

    def secret(self, path):
        """A file in the place of a mounted one."""
        place = self.folder.name + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        content = "redis://:secret@redis:6379/0" if path.endswith("url") else "postgresql://kassa:secret@db:5432/kassa"
        with open(place, "w", encoding="utf-8") as file:
            file.write(content + "\n")
        os.chmod(place, 0o600)
        return place

    def environment(self, objects, spec):
        """A pod's variables as its container gets them."""
        values = {name: FIELDS[name] if value is None else value for name, value in settings(objects, spec).items()}
        values = {name: re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], value) for name, value in values.items()}
        return {name: self.secret(value) if value.startswith("/etc/kassa/") else value for name, value in values.items()}

    def run_kassa(self, arguments, environment):
        """The program's exit code and what it says."""
        done = subprocess.run([self.program, *arguments], env={"PATH": os.environ["PATH"], **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_settings_of_every_pod(self):
        for name, objects in k8s_objects.everything().items():
            for workload, labels, spec in pods(objects):
                # It knows arguments only: tested below.
                if labels["app.kubernetes.io/component"] == "topics":
                    continue
                with self.subTest(overlay=name, workload=label(workload)):
                    code, said = self.run_kassa(["settings"], self.environment(objects, spec))
                    self.assertEqual(code, 0, said)
                    self.assertNotIn("secret@", said)

    def test_the_partitions_are_the_programs_default(self):
        """It decides the number; manifests, chart and compose file say the same, and are held against PARTITIONS."""
        objects = k8s_objects.overlay("minikube")
        values = self.environment(objects, pod_of(named(objects, "StatefulSet", "stock"))["spec"])
        values.pop("KASSA_PARTITIONS")
        for mode, environment in (("embedded", {}), ("cluster", values)):
            with self.subTest(mode):
                code, said = self.run_kassa(["settings", "--json"], environment)
                self.assertEqual(code, 0, said)
                found = next(each for each in json.loads(said) if each["name"] == "partitions")
                self.assertEqual((found["value"], found["origin"]), (k8s_objects.PARTITIONS, "default"))
        code, said = self.run_kassa(["topics", "--help"], {})
        self.assertIn(f"default: {k8s_objects.PARTITIONS}.\n", said)

    def test_settings_that_it_refuses_are_found(self):
        objects = k8s_objects.overlay("minikube")
        spec = pod_of(named(objects, "StatefulSet", "stock"))["spec"]
        for name, value in (("KASSA_PARTITIONS", "1000"), ("KASSA_PARTITION", "4"), ("KASSA_LEASE", "1h"),
                            ("KASSA_PEERS_ADVERTISE", "0.0.0.0:7000")):
            with self.subTest(setting=name):
                code, said = self.run_kassa(["settings"], {**self.environment(objects, spec), name: value})
                self.assertEqual(code, 2, said)

    def test_arguments_of_the_topics_job(self):
        objects = k8s_objects.overlay("minikube")
        job = named(objects, "Job", "kassa-topics")
        spec = pod_of(job)["spec"]
        environment = {**self.environment(objects, spec), "KASSA_KAFKA_BROKERS": "127.0.0.1:1"}
        arguments = [re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], part)
                     for part in spec["containers"][0]["args"]]
        # The arguments are right (2 would say that they are not), and nobody answers there.
        code, said = self.run_kassa([*arguments, "--timeout", "200"], environment)
        self.assertEqual(code, 1, said)
        for choice, ended in (("on", 1), ("skip-lost", 1), ("yes", 2)):
            chosen = [choice if before == "--ingest" else part for before, part in zip(["", *arguments], arguments)]
            code, said = self.run_kassa([*chosen, "--timeout", "200"], environment)
            self.assertEqual(code, ended, said)
        code, said = self.run_kassa([*arguments, "--retention", "1"], environment)
        self.assertEqual(code, 2, said)

    def test_the_audit_gets_as_far_as_kafka(self):
        objects = k8s_objects.overlay("minikube")
        spec = pod_of(named(objects, "CronJob", "kassa-audit"))["spec"]
        environment = {**self.environment(objects, spec), "KASSA_KAFKA_BROKERS": "127.0.0.1:1"}
        code, said = self.run_kassa(spec["containers"][0]["args"], environment)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, "127.0.0.1:1|Kafka|broker")


if __name__ == "__main__":
    unittest.main()
