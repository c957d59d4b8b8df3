"""The values for charts of data services, against the schemas that the charts publish, closed against misspelt keys."""
import itertools
import json
import pathlib
import re
import subprocess
import unittest

import jsonschema
import yaml

import chart
import k8s_objects
import k8s_pages

FOLDER = pathlib.Path(__file__).resolve().parent
VALUES = FOLDER.parents[1] / "helm-config"
SCHEMAS = FOLDER / "schemas" / "values"
POSTGRES = "cloudpirates-postgres"
CLUSTER = "cnpg-cluster"
CHARTS = {
    "redis-helm-values.yaml": "cloudpirates-redis",
    "kafka.yaml": "cloudpirates-kafka",
    **{f"{name}-db.yaml": POSTGRES for name in ("order", "stock", "payment")},
    **{f"production/{name}-db.yaml": CLUSTER for name in ("order", "stock", "payment")},
}
# Objects whose keys a chart hands on as they are.
OPEN = {"requests", "limits"}


def closed(node):
    """A schema that refuses what it does not name, where it names anything."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for key, part in node.items():
        made[key] = {name: part[name] if name in OPEN else closed(part[name]) for name in part} \
            if key == "properties" else closed(part)
    if isinstance(made.get("properties"), dict) and made["properties"]:
        made.setdefault("additionalProperties", False)
    return made


def findings(own, values):
    """What the chart's schema does not take."""
    schema = closed(json.loads((SCHEMAS / f"{own}.values.schema.json").read_text(encoding="utf-8")))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in jsonschema.Draft7Validator(schema).iter_errors(values)]


def values_of(name):
    """A file of values."""
    return yaml.safe_load((VALUES / name).read_text(encoding="utf-8"))


def without_reason(text):
    """Values of the first two levels without a comment: neither above them or those beside them, nor among what is in them."""
    found = []
    for block in text.split("\n\n"):
        told = [False, False]
        lines = block.splitlines()
        for number, line in enumerate(lines):
            depth = (len(line) - len(line.lstrip())) // 2
            if depth > 1:
                continue
            if line.lstrip().startswith("#"):
                told[depth:] = [True] * (2 - depth)
                continue
            if depth == 0:
                told[1] = told[0]
            within = itertools.takewhile(lambda each, depth=depth: each.startswith("  " * (depth + 1)), lines[number + 1:])
            inner = list(within)
            if depth == 0 and inner:
                continue
            if not told[depth] and not any(each.lstrip().startswith("#") for each in inner):
                found.append(line.split(":")[0].strip())
    return found


class DataServices(unittest.TestCase):
    """Each file."""

    def test_the_charts_take_them(self):
        for name, own in CHARTS.items():
            with self.subTest(name):
                self.assertEqual(findings(own, values_of(name)), [])

    def test_misspelt_and_mistyped_values_are_found(self):
        for name, own in CHARTS.items():
            with self.subTest(name):
                values = values_of(name)
                self.assertNotEqual(findings(own, {**values, "fullNameOverride": "x"}), [])
                self.assertNotEqual(findings(own, {**values, "fullnameOverride": 5}), [])

    def test_no_file_holds_a_password(self):
        for name in CHARTS:
            with self.subTest(name):
                self.assertEqual(passwords(values_of(name)), [])

    def test_every_value_has_a_reason(self):
        for name in CHARTS:
            with self.subTest(name):
                self.assertEqual(without_reason((VALUES / name).read_text(encoding="utf-8")), [])
        self.assertEqual(without_reason("# A head.\n\na: 1\n# Why b.\nb: 1\n\nc:\n  d: 1\n  # Why e.\n  e: 2\n"), ["a", "d"])


class ProductionObjects(unittest.TestCase):
    """Files of helm-config/production that scripts/production-objects makes: what the overlay has, and no chart."""

    def test_they_are_made_from_the_overlay(self):
        for name in ("certificates", "kafka", "redis"):
            with self.subTest(name):
                made = subprocess.run([VALUES.parent / "scripts" / "production-objects", "--print", name],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                self.assertEqual(made_text(name), made, "run scripts/production-objects")

    def test_they_are_all_that_no_chart_makes(self):
        """Each object is in the overlay as it is there, and the chart has what else the overlay has of its kind."""
        overlay = k8s_objects.overlay("production")
        for name, count in (("certificates", 7), ("redis", 3)):
            with self.subTest(name):
                objects = k8s_objects.parsed(made_text(name))
                self.assertEqual(len(objects), count)
                for each in objects:
                    each["metadata"]["namespace"] = "kassa"
                    self.assertEqual(each, k8s_objects.named(overlay, each["kind"], each["metadata"]["name"]))
        ours = {k8s_objects.label(each) for name in ("certificates", "redis") for each in k8s_objects.parsed(made_text(name))}
        ours |= {k8s_objects.label(each) for each in chart.objects(chart.PRODUCTION)}
        self.assertEqual({k8s_objects.label(each) for each in k8s_objects.of_kind(
            overlay, "Certificate", "Issuer", "Deployment", "Service")} - ours, set())

    def test_each_server_has_its_certificate(self):
        """The names that clients check, in the Secrets that servers and pods mount; one authority for all."""
        objects = k8s_objects.parsed(made_text("certificates"))
        kassa = values_of("production/kassa.yaml")
        servers = {"redis": kassa["redis"]["authoritySecret"]}
        for name, service in (("order-db", "orders"), ("stock-db", "stock"), ("payment-db", "payments")):
            own = values_of(f"production/{name}.yaml")["cluster"]["certificates"]
            self.assertEqual(set(own.values()), {kassa[service]["databaseAuthoritySecret"]})
            servers[f"{name}-rw"] = own["serverTLSSecret"]
        for host, secret in servers.items():
            with self.subTest(host):
                made, = (each["spec"] for each in objects
                         if each["kind"] == "Certificate" and each["spec"]["secretName"] == secret)
                self.assertIn(host, made["dnsNames"])
                self.assertEqual(made["issuerRef"]["name"], "databases-authority")
                self.assertIsNotNone(k8s_objects.named(objects, "Issuer", made["issuerRef"]["name"]))

    def test_an_unknown_name_is_refused(self):
        done = subprocess.run([VALUES.parent / "scripts" / "production-objects", "--print", "mysql"], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("no file 'mysql' (certificates kafka redis)", done.stderr)


class Redis(unittest.TestCase):
    """The Redis of production: a cache behind TLS."""

    def setUp(self):
        deployment = k8s_objects.named(k8s_objects.parsed(made_text("redis")), "Deployment", "redis")
        self.spec = k8s_objects.pod_of(deployment)["spec"]
        arguments = self.spec["containers"][0]["args"]
        self.told = dict(zip(arguments[::2], arguments[1::2]))

    def test_it_serves_with_tls_only_and_forgets(self):
        service = k8s_objects.named(k8s_objects.parsed(made_text("redis")), "Service", "redis")
        port, = service["spec"]["ports"]
        self.assertEqual((self.told["--port"], self.told["--tls-port"]), ("0", str(port["port"])))
        self.assertEqual((self.told["--save"], self.told["--appendonly"]), ("", "no"))
        self.assertEqual(self.told["--maxmemory-policy"], "allkeys-lru")

    def test_its_files_are_mounted(self):
        """Under the keys that cert-manager writes and that k8s/README.md names."""
        volumes = {each["name"]: each["secret"]["secretName"] for each in self.spec["volumes"]}
        mounts = {each["mountPath"]: volumes[each["name"]] for each in self.spec["containers"][0]["volumeMounts"]}
        files = [value.rsplit("/", 1) for value in self.told.values() if value.startswith("/")]
        self.assertEqual(sorted((mounts[folder], key) for folder, key in files),
                         [("redis-login", "users.acl"), ("redis-server", "ca.crt"), ("redis-server", "tls.crt"),
                          ("redis-server", "tls.key")])
        self.assertEqual(k8s_pages.secrets()["redis-login"], {"users.acl"})

    def test_the_readme_gives_the_rights_that_kassa_needs(self):
        """The user in k8s/README.md is the one of docs/redis.md."""
        page = (VALUES.parent / "docs" / "redis.md").read_text(encoding="utf-8")
        rights = re.search(r"`user kassa on >PASSWORD ([^`]+)`", page)[1]
        self.assertIn(f"user kassa on >… {rights}", (k8s_objects.K8S / "README.md").read_text(encoding="utf-8"))


def made_text(name):
    """A file that scripts/production-objects has made."""
    return (VALUES / "production" / f"{name}.yaml").read_text(encoding="utf-8")


class ProductionKafka(unittest.TestCase):
    """helm-config/production/kafka.yaml: objects of Strimzi, which has no chart for them."""

    TEXT = (VALUES / "production" / "kafka.yaml").read_text(encoding="utf-8")

    def test_it_is_all_of_kafka_that_the_overlay_has(self):
        rendered = [each for each in k8s_objects.overlay("production") if each["apiVersion"].startswith("kafka.strimzi.io/")]
        objects = k8s_objects.parsed(self.TEXT)
        for each in objects:
            each["metadata"]["namespace"] = "kassa"
        self.assertEqual(len(objects), 7)
        self.assertEqual(sorted(map(str, map(sorted_keys, objects))), sorted(map(str, map(sorted_keys, rendered))))

    def test_the_chart_asks_for_what_it_makes(self):
        """Listener, Secrets, pods, partitions and prefix."""
        objects = {(each["kind"], each["metadata"]["name"]): each for each in k8s_objects.parsed(self.TEXT)}
        values = values_of("production/kassa.yaml")
        listener, = objects["Kafka", "kassa"]["spec"]["kafka"]["listeners"]
        self.assertEqual(values["kafka"]["brokers"], f"kassa-kafka-bootstrap:{listener['port']}")
        self.assertIn(("KafkaUser", values["kafka"]["clientSecret"]), objects)
        self.assertEqual(values["kafka"]["authoritySecret"], "kassa-cluster-ca-cert")
        self.assertEqual(values["networkPolicy"]["kafka"]["ports"], [listener["port"]])
        config = k8s_objects.named(chart.objects(chart.PRODUCTION), "ConfigMap", "kassa")["data"]
        topics = {name: each["spec"]["partitions"] for (kind, name), each in objects.items() if kind == "KafkaTopic"}
        prefix = config["KASSA_KAFKA_PREFIX"]
        self.assertEqual(topics, {**{f"{prefix}{service}": int(config["KASSA_PARTITIONS"])
                                     for service in ("orders", "stock", "payments")}, f"{prefix}owners": 1})
        self.assertFalse(values["topics"]["create"])


def sorted_keys(node):
    """The same with its keys in order, to compare texts."""
    if isinstance(node, dict):
        return {key: sorted_keys(node[key]) for key in sorted(node)}
    return [sorted_keys(each) for each in node] if isinstance(node, list) else node


def passwords(node, path=""):
    """Values of keys that end with `password`, outside of `secretKeys`, which name keys of Secrets."""
    if not isinstance(node, dict):
        return []
    found = []
    for key, part in node.items():
        if key.lower().endswith("password") and isinstance(part, str):
            found.append(f"{path}.{key}")
        elif key != "secretKeys":
            found += passwords(part, f"{path}.{key}")
    return found


if __name__ == "__main__":
    unittest.main()
