"""Kassa's chart: what Helm says of it, which values it refuses, what it makes of values, and whether its test buys."""
import itertools
import pathlib
import subprocess
import tempfile
import unittest

import yaml

import chart
import k8s_hardening
import k8s_objects
import k8s_schemas

# Files of values, each on top of the defaults; all but these are in values/.
SETS = {"defaults": (), "small": (chart.SMALL,), "production": (chart.PRODUCTION,),
        **{path.stem: (path,) for path in sorted(chart.VALUES.glob("*.yaml"))}}

# Values that must be refused, and a word of the reason. Where a name is refused, Helm 4 gives any place for it.
BAD = (
    ({"orders": {"replicas": -1}}, "/orders/replicas"),
    ({"orders": {"replicas": 0}}, "/orders/replicas"),
    ({"orders": {"replicas": "2"}}, "/orders/replicas"),
    ({"orders": {"replicas": 2.5}}, "/orders/replicas"),
    ({"stock": {"replicas": 9}}, "stock.replicas must not exceed partitions (8)"),
    ({"payments": {"pods": 3}}, "'pods' not allowed"),
    ({"replicas": 3}, "'replicas' not allowed"),
    ({"order": {"replicas": 3}}, "'order' not allowed"),
    ({"role": "owner"}, "/role"),
    ({"partitions": 0}, "/partitions"),
    ({"partitions": 257}, "/partitions"),
    ({"lanes": "auto"}, "/lanes"),
    ({"orders": {"autoscaling": {"minReplicas": 9}}}, "orders.autoscaling.minReplicas must not exceed maxReplicas"),
    ({"orders": {"autoscaling": {"enabled": True, "maxReplicas": 20}}}, "maxReplicas must not exceed partitions (8)"),
    ({"orders": {"autoscaling": {"enabled": "yes"}}}, "/orders/autoscaling/enabled"),
    ({"orders": {"autoscaling": {"cpuPercent": 101}}}, "/orders/autoscaling/cpuPercent"),
    ({"orders": {"databaseSecret": "Order DB"}}, "/orders/databaseSecret"),
    ({"orders": {"databaseSecret": ""}}, "/orders/databaseSecret"),
    ({"orders": {"database": "postgresql://kassa:secret@order-db/kassa"}}, "'database' not allowed"),
    ({"kafka": {"brokers": "kafka"}}, "/kafka/brokers"),
    ({"kafka": {"brokers": ""}}, "/kafka/brokers"),
    ({"kafka": {"replication": 2, "minInsync": 3}}, "kafka.minInsync must not exceed kafka.replication"),
    ({"kafka": {"properties": {"sasl.password": "secret"}}}, "propertyName 'sasl.password'"),
    ({"kafka": {"properties": {"ssl.key.pem": "secret"}}}, "propertyName 'ssl.key.pem'"),
    ({"kafka": {"retentionHours": "7d"}}, "/kafka/retentionHours"),
    ({"kafka": {"ingest": True}}, "/kafka/ingest"),
    ({"kafka": {"ingest": "yes"}}, "/kafka/ingest"),
    ({"settings": {"KASSA_INGEST": "on"}}, "settings.KASSA_INGEST is written by the chart itself"),
    ({"settings": {"KASSA_POSTGRES_ORDERS": "host=order-db password=secret"}},
     "propertyName 'KASSA_POSTGRES_ORDERS'"),
    ({"settings": {"KASSA_REDIS": "redis://:secret@redis"}}, "propertyName 'KASSA_REDIS'"),
    ({"settings": {"KASSA_PEER_KEY": "/etc/passwd"}}, "propertyName 'KASSA_PEER_KEY'"),
    ({"settings": {"LOG_LEVEL": "debug"}}, "propertyName 'LOG_LEVEL'"),
    ({"settings": {"KASSA_ORDER_LINES_MAX": 100}}, "/settings/KASSA_ORDER_LINES_MAX"),
    ({"settings": {"KASSA_PARTITIONS": "8"}}, "settings.KASSA_PARTITIONS is written by the chart itself"),
    ({"drain": {"roomSeconds": 5}}, "/drain/roomSeconds"),
    ({"drain": {"delaySeconds": "5s"}}, "/drain/delaySeconds"),
    ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ({"image": {"tag": "a b"}}, "/image/tag"),
    ({"peers": {"certificate": "none"}}, "/peers/certificate"),
    ({"pods": {"resources": {"limits": {"memory": "1 GB"}}}}, "/pods/resources/limits/memory"),
    ({"pods": {"resources": {"limit": {"memory": "1Gi"}}}}, "'limit' not allowed"),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, "/podDisruptionBudget/maxUnavailable"),
    ({"ingress": {"controller": "haproxy"}}, "/ingress/controller"),
    ({"ingress": {"hosts": ["https://kassa.example.com"]}}, "/ingress/hosts/0"),
    ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs is empty"),
    ({"networkPolicy": {"gateway": [{}]}}, "/networkPolicy/gateway/0"),
    ({"networkPolicy": {"kafka": {"ports": []}}}, "/networkPolicy/kafka/ports"),
    ({"networkPolicy": {"redis": {"ports": [70000]}}}, "/networkPolicy/redis/ports/0"),
    ({"audit": {"schedule": "at night"}}, "/audit/schedule"),
    ({"monitoring": {"interval": "15"}}, "/monitoring/interval"),
)


class Chart(unittest.TestCase):
    """Linted, rendered, and held against the schemas."""

    def test_lint_accepts_it(self):
        for name, files in SETS.items():
            with self.subTest(name):
                self.assertEqual(chart.lint(*files), "")

    def test_refuses_bad_values(self):
        for values, reason in BAD:
            with self.subTest(str(values)):
                with self.assertRaises(chart.Refused) as refused:
                    chart.objects_of(values)
                self.assertIn(reason, str(refused.exception))

    def test_every_value_has_a_schema_and_a_reason(self):
        """The schema refuses unknown keys, so each value has one; here: no value is there without a comment."""
        lines = (chart.CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
        # Explained once, where they first occur; keys that say enough beside the comment of their parent.
        told = {line.split(":")[0].strip() for before, line in itertools.pairwise(lines) if before.strip().startswith("#")}
        parents = ("image:", "orders:", "stock:", "payments:", "redis:", "kafka:", "peers:", "certManager:", "drain:",
                   "settings:", "pods:", "topologySpread:", "serviceAccount:", "podDisruptionBudget:", "ingress:",
                   "httpRoute:", "networkPolicy:", "monitoring:", "topics:", "audit:", "tests:", "autoscaling:")
        missing = []
        for before, line in itertools.pairwise(lines):
            text = line.strip()
            key = text.split(":")[0]
            is_key = text and not text.startswith(("#", "-", "matchLabels", "podSelector", "namespaceSelector"))
            if is_key and key not in told and not text.startswith(parents) and not before.strip().startswith("#"):
                missing.append(line)
        self.assertLessEqual({line.split(":")[0].strip() for line in missing}, NEIGHBOURS, "values without a comment")

    def test_objects_fit_strict_schemas(self):
        for name, files in SETS.items():
            for version in k8s_schemas.KUBERNETES:
                with self.subTest(f"{name}, Kubernetes {version}"):
                    self.assertEqual(k8s_schemas.findings(chart.objects(*files), version), [])

    def test_schemas_find_a_misspelt_field(self):
        pods = k8s_objects.of_kind(chart.objects(), "StatefulSet")[0]
        pods["spec"]["template"]["spec"]["terminationGracePeriod"] = 60
        self.assertNotEqual(k8s_schemas.findings([pods], k8s_schemas.KUBERNETES[-1]), [])

    def test_names_are_unique(self):
        for name, files in SETS.items():
            with self.subTest(name):
                names = [(each["kind"], each["metadata"]["name"]) for each in chart.objects(*files)]
                self.assertEqual(len(names), len(set(names)))


# Keys next to one whose comment speaks of both.
NEIGHBOURS = {"secretKey", "issuerKind", "renewBefore", "maxReplicas", "labels", "nodeSelector", "tolerations",
              "affinity",
              "requests", "limits", "resources", "name", "annotations", "ports", "to", "orderDatabase", "stockDatabase",
              "paymentDatabase", "enabled", "KASSA_DIRTY_ENTITIES_MAX"}


class Meaning(unittest.TestCase):
    """What values do."""

    def pods(self, *files):
        """Servers by name."""
        return {each["metadata"]["name"]: spec for each, _, spec in k8s_objects.servers(chart.objects(*files))}

    def test_pods_may_do_nothing(self):
        """With all values; the pod of `helm test`, too."""
        for name, files in SETS.items():
            objects = chart.objects(*files)
            with self.subTest(name):
                self.assertEqual(k8s_hardening.security(objects), [])
            for each in k8s_objects.of_kind(objects, "Pod"):
                test = {**each, "kind": "Job", "spec": {"template": each}}
                self.assertEqual(k8s_hardening.security([test]), [], name)

    def test_no_secret_is_in_an_object(self):
        for name, files in SETS.items():
            for each in k8s_objects.of_kind(chart.objects(*files), "Secret"):
                with self.subTest(name):
                    # The one that Helm makes, with peers.certificate=generated.
                    self.assertEqual((name, each["metadata"]["name"]), ("everything", "kassa-peers"))

    def test_grace_is_the_sum(self):
        spec = self.pods(chart.VALUES / "everything.yaml")["orders"]
        self.assertEqual(spec["terminationGracePeriodSeconds"], 20 + 30 + 40 + 30)

    def test_settings_change_the_pods(self):
        one = chart.objects_of({"settings": {"KASSA_LOG_LEVEL": "debug"}})
        marks = {k8s_objects.pod_of(each)["metadata"]["annotations"]["checksum/settings"]
                 for each in k8s_objects.of_kind(chart.objects() + one, "StatefulSet")}
        self.assertEqual(len(marks), 2)

    def test_api_pods_have_no_database(self):
        pods = self.pods(chart.VALUES / "split.yaml")
        self.assertEqual(len(pods), 6)
        for name, spec in pods.items():
            mounts = {mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
            self.assertEqual(any(mount.endswith("-db") for mount in mounts), name.endswith("-owner"), name)

    def test_autoscaled_pods_have_no_number(self):
        for each in k8s_objects.of_kind(chart.objects(chart.PRODUCTION), "StatefulSet"):
            self.assertNotIn("replicas", each["spec"])

    def test_topics_and_pods_agree(self):
        for name, files in SETS.items():
            objects = chart.objects(*files)
            job = k8s_objects.named(objects, "Job", "kassa-topics")
            if job is None:
                continue
            with self.subTest(name):
                given = k8s_objects.pod_of(job)["spec"]["containers"][0]["args"][2:]
                given = dict(zip(given[::2], given[1::2]))
                config = k8s_objects.named(objects, "ConfigMap", "kassa")["data"]
                self.assertEqual(given["--partitions"], config["KASSA_PARTITIONS"])
                self.assertEqual(given["--brokers"], config["KASSA_KAFKA_BROKERS"])
                self.assertEqual(given["--prefix"], config["KASSA_KAFKA_PREFIX"])
                replication = int(given["--replication"])
                self.assertEqual(str(replication), config["KASSA_KAFKA_REPLICATION"])
                pods_want = int(config.get("KASSA_KAFKA_MIN_INSYNC", max(1, replication - 1)))
                self.assertEqual(int(given.get("--min-insync", min(2, replication))), pods_want)
                self.assertEqual(given["--ingest"], config["KASSA_INGEST"])
                hours = config.get("KASSA_KAFKA_RETENTION", "168h").removesuffix("h")
                self.assertEqual(given.get("--retention-hours", "168"), hours)

    def test_ingest_is_for_topics_and_pods(self):
        for choice in ("on", "off", "skip-lost"):
            with self.subTest(choice):
                objects = chart.objects_of({"kafka": {"ingest": choice}})
                job = k8s_objects.named(objects, "Job", "kassa-topics")
                arguments = k8s_objects.pod_of(job)["spec"]["containers"][0]["args"]
                self.assertEqual(arguments[arguments.index("--ingest") + 1], choice)
                self.assertEqual(k8s_objects.named(objects, "ConfigMap", "kassa")["data"]["KASSA_INGEST"], choice)

    def test_partitions_are_those_of_the_manifests(self):
        """So that the data of one deployment fits another."""
        for name, files in SETS.items():
            config = k8s_objects.named(chart.objects(*files), "ConfigMap", "kassa")["data"]
            self.assertEqual(config["KASSA_PARTITIONS"], k8s_objects.PARTITIONS, name)

    def test_nobody_is_not_everybody(self):
        """An empty list of peers in a NetworkPolicy's rule would allow all."""
        policy = k8s_objects.named(chart.objects(chart.VALUES / "everything.yaml"), "NetworkPolicy",
                                   "kassa-from-prometheus")
        self.assertEqual(policy["spec"]["ingress"], [])
        for name, files in SETS.items():
            for each in k8s_objects.of_kind(chart.objects(*files), "NetworkPolicy"):
                for rule in each["spec"].get("ingress", []) + each["spec"].get("egress", []):
                    self.assertTrue(rule.get("from") or rule.get("to"), f"{name}: {each['metadata']['name']}")
                    self.assertTrue(rule.get("ports"), f"{name}: {each['metadata']['name']}")

    def test_generated_certificate_is_signed_by_its_authority(self):
        secret = k8s_objects.named(chart.objects(chart.VALUES / "everything.yaml"), "Secret", "kassa-peers")
        with tempfile.TemporaryDirectory() as folder:
            for name, content in secret["data"].items():
                (pathlib.Path(folder) / name).write_bytes(yaml.safe_load(f"!!binary {content}"))
            for purpose in ("sslserver", "sslclient"):
                done = subprocess.run(["openssl", "verify", "-purpose", purpose, "-CAfile", "ca.crt", "tls.crt"],
                                      cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
            keys = [subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout for command in
                    (["openssl", "x509", "-in", "tls.crt", "-noout", "-pubkey"],
                     ["openssl", "pkey", "-in", "tls.key", "-pubout"])]
            self.assertEqual(keys[0], keys[1])

    def test_alerts_are_those_of_the_rules(self):
        copied = (chart.CHART / "files" / "rules.yaml").read_bytes()
        self.assertEqual(copied, (chart.ROOT / "k8s" / "monitoring" / "rules.yaml").read_bytes(),
                         "copy k8s/monitoring/rules.yaml to helm-config/kassa/files/rules.yaml")
        rule = k8s_objects.of_kind(chart.objects(chart.PRODUCTION), "PrometheusRule")[0]
        self.assertEqual(rule["spec"], yaml.safe_load(copied))


if __name__ == "__main__":
    unittest.main()
