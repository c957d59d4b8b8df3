"""The objects that kustomize renders, and what the checks ask of them."""
import copy
import functools
import os
import pathlib
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
OVERLAYS = ("minikube", "production", "split-roles")
# Gateways that no overlay has: what each replaces is rendered on the base with network policies.
GATEWAYS = ("traefik", "gateway-api")
# Of each service, in every deployment of this repository: the program's default (test_k8s_program compares), and as many as
# the autoscalers ever start pods.
PARTITIONS = "8"
WORKLOADS = ("StatefulSet", "Deployment", "Job", "CronJob")


@functools.lru_cache(maxsize=1)
def tools():
    """The folder of kubectl and the others."""
    return subprocess.run([ROOT / "scripts" / "deploy-tools"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def parsed(text):
    """The objects of some YAML. With libyaml, where PyYAML has it: it is ten times as fast."""
    return [each for each in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if each]


@functools.cache
def _rendered(folder):
    done = subprocess.run([f"{tools()}/kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"kubectl kustomize {folder}: {done.stderr.strip()}")
    return parsed(done.stdout)


def overlay(name):
    """A fresh copy of an overlay's objects."""
    return copy.deepcopy(_rendered(str(K8S / "overlays" / name)))


@functools.cache
def _with_gateway(name):
    with tempfile.TemporaryDirectory(dir=K8S.parent, prefix=".k8s-") as folder:
        lines = {"resources": ["../k8s/base"], "namespace": "kassa",
                 "components": ["../k8s/components/network-policies", f"../k8s/components/{name}"]}
        with open(os.path.join(folder, "kustomization.yaml"), "w", encoding="utf-8") as file:
            yaml.safe_dump(lines, file)
        return _rendered(folder)


def with_gateway(name):
    """A fresh copy of the base with another gateway."""
    return copy.deepcopy(_with_gateway(name))


def everything():
    """All that is rendered, by name."""
    rendered = {name: overlay(name) for name in OVERLAYS}
    rendered.update({name: with_gateway(name) for name in GATEWAYS})
    return rendered


def label(thing):
    """How findings name an object."""
    return f"{thing['kind']}/{thing['metadata']['name']}"


def of_kind(objects, *kinds):
    """Those of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects, kind, name):
    """The one of that name, or None."""
    return next((each for each in of_kind(objects, kind) if each["metadata"]["name"] == name), None)


def pod_of(workload):
    """The pod template of a workload: its metadata and its spec."""
    spec = workload["spec"]
    return spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]


def all_pods(objects):
    """Each workload with its pod's labels and spec."""
    for each in of_kind(objects, *WORKLOADS):
        template = pod_of(each)
        yield each, template["metadata"]["labels"], template["spec"]


def pods(objects):
    """Kassa's own workloads, servers and jobs: not a data service that an overlay has beside them."""
    return [each for each in all_pods(objects) if each[1].get("app.kubernetes.io/name") == "kassa"]


def servers(objects):
    """The workloads that serve: not the jobs."""
    return [(each, labels, spec) for each, labels, spec in pods(
        objects) if each["kind"] in ("StatefulSet", "Deployment")]


def replicas(objects, workload):
    """How many pods there are at least: an autoscaler's word counts before the workload's own."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == (workload["kind"], workload["metadata"]["name"]):
            return scaler["spec"].get("minReplicas", 1)
    return workload["spec"].get("replicas", 1)


def _expression(expression, labels):
    key, operator, values = expression["key"], expression["operator"], expression.get("values", [])
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    assert operator == "NotIn", f"unknown operator {operator}"
    return labels.get(key) not in values


def selects(selector, labels):
    """Whether a label selector means these labels."""
    return (all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
            and all(_expression(each, labels) for each in selector.get("matchExpressions", [])))


def settings(objects, spec):
    """The environment of a pod's container: what config maps say, then its own; values from fields are None."""
    found = {}
    container = spec["containers"][0]
    for source in container.get("envFrom", []):
        reference = source.get("configMapRef")
        config = reference and named(objects, "ConfigMap", reference["name"])
        found.update(config["data"] if config else {})
    for each in container.get("env", []):
        found[each["name"]] = each.get("value")
    return found
