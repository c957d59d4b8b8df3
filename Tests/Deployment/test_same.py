"""The chart and the kustomize overlays say the same: object by object, by kind and name.

What may differ stands in the lists below, and nothing else may.
"""
import json
import re
import unittest

import chart
import k8s_objects

# An overlay, or a gateway on the base, and the chart's values that mean the same.
PAIRS = {
    "minikube": chart.SMALL,
    "production": chart.PRODUCTION,
    "split-roles": chart.VALUES / "split.yaml",
    "traefik": chart.VALUES / "traefik.yaml",
    "gateway-api": chart.VALUES / "gateway-api.yaml",
}
# Helm makes the namespace with --create-namespace; data services are charts and operators of their own in helm-config/.
NOT_THE_CHARTS_KINDS = {"Namespace", "Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "Cluster", "ScheduledBackup"}
NOT_THE_CHARTS_NAMES = re.compile(
    r"(order|stock|payment)-db|(order|stock|payment)-db-server|databases-(authority|self-signed)|redis(-server)?")
# Labels of an object (not of pods, where selectors look) of which each side has its own.
OWN_LABELS = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "app.kubernetes.io/name",
              "app.kubernetes.io/instance", "app.kubernetes.io/part-of"}
OWN_ANNOTATIONS = re.compile(r"helm\.sh/.*|checksum/settings")
# Lists whose order means nothing, by what tells their parts apart.
SORTED = ("env", "volumes", "volumeMounts", "ports", "topologySpreadConstraints", "routes", "rules", "paths", "items",
          "dnsNames")


def normal(node, key=""):
    """Without what means nothing: the order of some lists, whether a quantity is a number or a text."""
    if isinstance(node, dict):
        made = {name: normal(part, name) for name, part in node.items()}
        return {name: part for name, part in made.items() if not (name in ("labels", "annotations") and not part)}
    if isinstance(node, list):
        parts = [normal(part) for part in node]
        return sorted(parts, key=lambda part: json.dumps(part, sort_keys=True)) if key in SORTED else parts
    return str(node) if key in ("cpu", "memory", "ephemeral-storage") else node


def cleaned(thing):
    """An object without its side's own labels and annotations."""
    metadata = {"name": thing["metadata"]["name"],
                "labels": {name: value for name, value in thing["metadata"].get("labels", {}).items()
                           if name not in OWN_LABELS},
                "annotations": without_own(thing["metadata"].get("annotations"))}
    made = {**thing, "metadata": metadata}
    if thing["kind"] in k8s_objects.WORKLOADS:
        template = k8s_objects.pod_of(made)
        if "annotations" in template["metadata"]:
            template["metadata"]["annotations"] = without_own(template["metadata"]["annotations"])
    return normal(made)


def without_own(annotations):
    """Annotations without those of Helm."""
    return {name: value for name, value in (annotations or {}).items() if not OWN_ANNOTATIONS.fullmatch(name)}


def with_plain_arguments(job, objects):
    """The topics' job with its settings put in: the chart's runs before there is a ConfigMap or an account."""
    spec = k8s_objects.pod_of(job)["spec"]
    values = k8s_objects.settings(objects, spec)
    container = spec["containers"][0]
    container["args"] = [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], str(part))
                         for part in container["args"]]
    for holder, name in ((container, "env"), (container, "envFrom"), (spec, "serviceAccountName")):
        holder.pop(name, None)


def by_name(objects):
    """What is compared, by kind and name."""
    kept = {}
    for each in objects:
        name = each["metadata"]["name"]
        if each["kind"] in NOT_THE_CHARTS_KINDS or NOT_THE_CHARTS_NAMES.fullmatch(name) or chart.is_hook(each, "test"):
            continue
        if (each["kind"], name) == ("Job", "kassa-topics"):
            with_plain_arguments(each, objects)
        kept[f"{each['apiVersion']} {each['kind']} {name}"] = cleaned(each)
    return kept


def differences(ours, theirs, path=""):
    """Where two trees differ, as lines."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted(ours.keys() | theirs.keys(), key=str):
            found += differences(ours.get(key), theirs.get(key), f"{path}.{key}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for number, pair in enumerate(zip(ours, theirs))
                for line in differences(*pair, f"{path}[{number}]")]
    return [] if ours == theirs else [f"{path}: the chart has {json.dumps(ours)}, k8s/ has {json.dumps(theirs)}"]


class Same(unittest.TestCase):
    """Each overlay beside the chart."""

    maxDiff = None

    def test_chart_and_overlays_are_the_same(self):
        overlays = k8s_objects.everything()
        self.assertEqual(sorted(overlays), sorted(PAIRS), "each overlay has values that mean the same")
        for name, values in PAIRS.items():
            ours, theirs = by_name(chart.objects(values)), by_name(overlays[name])
            with self.subTest(f"{name}: which objects"):
                self.assertEqual(sorted(ours), sorted(theirs))
            for each in sorted(ours.keys() & theirs.keys()):
                with self.subTest(f"{name}: {each}"):
                    self.assertEqual(differences(ours[each], theirs[each]), [])

    def test_a_difference_is_found(self):
        ours = by_name(chart.objects(chart.SMALL))
        theirs = by_name(chart.objects_of({"drain": {"roomSeconds": 36}}))
        key = "apps/v1 StatefulSet orders"
        lines = differences(ours[key], theirs[key])
        self.assertIn(".spec.template.spec.terminationGracePeriodSeconds: the chart has 60, k8s/ has 61", lines)
        self.assertTrue(any(line.startswith(".spec.replicas") for line in lines))


if __name__ == "__main__":
    unittest.main()
