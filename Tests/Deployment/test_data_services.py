"""The values for charts of data services, against the schemas that the charts publish, closed against misspelt keys."""
import json
import pathlib
import subprocess
import unittest

import jsonschema
import yaml

import chart
import k8s_objects

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


class ProductionKafka(unittest.TestCase):
    """helm-config/production/kafka.yaml: objects of Strimzi, which has no chart for them."""

    TEXT = (VALUES / "production" / "kafka.yaml").read_text(encoding="utf-8")

    def test_it_is_made_from_the_overlay(self):
        made = subprocess.run([VALUES.parent / "scripts" / "production-kafka", "--print"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        self.assertEqual(self.TEXT, made, "run scripts/production-kafka")

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
