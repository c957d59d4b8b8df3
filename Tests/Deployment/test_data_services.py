"""The values for charts of data services, against the schemas that the charts publish, closed against misspelt keys."""
import json
import pathlib
import unittest

import jsonschema
import yaml

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


def findings(chart, values):
    """What the chart's schema does not take."""
    schema = closed(json.loads((SCHEMAS / f"{chart}.values.schema.json").read_text(encoding="utf-8")))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in jsonschema.Draft7Validator(schema).iter_errors(values)]


def values_of(name):
    """A file of values."""
    return yaml.safe_load((VALUES / name).read_text(encoding="utf-8"))


class DataServices(unittest.TestCase):
    """Each file."""

    def test_the_charts_take_them(self):
        for name, chart in CHARTS.items():
            with self.subTest(name):
                self.assertEqual(findings(chart, values_of(name)), [])

    def test_misspelt_and_mistyped_values_are_found(self):
        for name, chart in CHARTS.items():
            with self.subTest(name):
                values = values_of(name)
                self.assertNotEqual(findings(chart, {**values, "fullNameOverride": "x"}), [])
                self.assertNotEqual(findings(chart, {**values, "fullnameOverride": 5}), [])

    def test_no_file_holds_a_password(self):
        for name in CHARTS:
            with self.subTest(name):
                self.assertEqual(passwords(values_of(name)), [])


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
