"""The state of a cluster that is not there, for the stand-ins of minikube, kubectl and helm."""
import base64
import copy
import dataclasses
import json
import os
import re
import signal

# What `kubectl get KIND` is called, by the names and plurals that the scripts use.
KINDS = {"secret": "Secret", "configmap": "ConfigMap", "namespace": "Namespace", "statefulset": "StatefulSet",
         "deployment": "Deployment", "ingress": "Ingress", "ingressclass": "IngressClass", "job": "Job", "pod": "Pod",
         "persistentvolumeclaim": "PersistentVolumeClaim", "networkpolicy": "NetworkPolicy", "service": "Service",
         "serviceaccount": "ServiceAccount", "cronjob": "CronJob", "node": "Node", "event": "Event"}
CLUSTER_WIDE = {"Namespace", "IngressClass", "Node"}


def kind_of(word):
    """Pods, pod → Pod."""
    word = word.lower()
    return KINDS.get(word) or KINDS[word.removesuffix("s")]


class Killed(Exception):
    """The run was killed here."""


@dataclasses.dataclass
class Stage:
    """The cluster at a place within a run: what a run that is killed there leaves."""
    # The number of the change, from 1 on; before, in the middle of, or after it.
    at: int
    when: str
    argv: list
    state: dict


class Cluster:
    """Objects, releases, images, what was asked, and what the test plans to go wrong."""

    def __init__(self):
        self.state = {"machine": None, "objects": {}, "releases": {}, "images": [], "polls": {}, "changes": 0}
        self.plan = {}
        self.calls = []
        # Which calls changed something, in their order.
        self.changed = []
        # The process group of the script that runs.
        self.victim = None
        # A list, where the stages of a run are wanted.
        self.stages = None

    def change(self, effect, middle=None):
        """Something that changes the cluster: the n-th of them may be where a run is killed."""
        self.state["changes"] += 1
        self.changed.append(self.calls[-1]["argv"])
        self._pass("before")
        if middle:
            middle()
            self._pass("middle")
        effect()
        self._pass("after")

    def _pass(self, when):
        """A place where a run may be killed."""
        at = self.state["changes"]
        if self.stages is not None:
            self.stages.append(Stage(at, when, self.calls[-1]["argv"], copy.deepcopy(self.state)))
        if self.plan.get("kill") == {"at": at, "when": when}:
            os.killpg(self.victim, signal.SIGKILL)
            raise Killed

    # Objects

    def put(self, thing, namespace="kassa"):
        """Stores an object as a server would."""
        where = "" if thing["kind"] in CLUSTER_WIDE else thing["metadata"].get("namespace", namespace)
        thing["metadata"]["namespace"] = where
        if thing["kind"] == "Namespace":
            thing["status"] = {"phase": "Active"}
        for key, value in thing.pop("stringData", {}).items():
            thing.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
        self.state["objects"][f"{where}/{thing['kind']}/{thing['metadata']['name']}"] = thing

    def get(self, kind, name, namespace="kassa"):
        """An object, or None."""
        where = "" if kind in CLUSTER_WIDE else namespace
        return self.state["objects"].get(f"{where}/{kind}/{name}")

    def find(self, kind, namespace="kassa", selector=""):
        """Those of a kind whose labels are such; namespace None: in all."""
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        return [each for each in self.state["objects"].values()
                if each["kind"] == kind and (kind in CLUSTER_WIDE or namespace in (None, each["metadata"]["namespace"]))
                and all(each["metadata"].get("labels", {}).get(key) == value for key, value in wanted.items())]

    def drop(self, thing):
        """Takes an object away; what is in a namespace goes with it."""
        name = thing["metadata"]["name"]
        where = "" if thing["kind"] in CLUSTER_WIDE else thing["metadata"]["namespace"]
        self.state["objects"].pop(f"{where}/{thing['kind']}/{name}")
        if thing["kind"] == "Namespace":
            self.state["objects"] = {key: each for key, each in self.state["objects"].items()
                                     if not key.startswith(f"{name}/")}

    def secret(self, name, key):
        """The text under a key, or None."""
        data = (self.get("Secret", name) or {}).get("data") or {}
        return base64.b64decode(data[key]).decode() if key in data else None

    # Pods

    def trouble(self, workload):
        """(status, events, log) of a pod that does not become ready, or None."""
        planned = self.plan.get("pods", {}).get(workload["metadata"]["name"])
        if planned:
            return planned["status"], planned.get("events", []), planned.get("log", "")
        for volume in workload["spec"]["template"]["spec"].get("volumes", []):
            wanted = volume.get("secret", {}).get("secretName")
            if wanted and not self.get("Secret", wanted):
                return "ContainerCreating", [f'FailedMount: MountVolume.SetUp failed: secret "{wanted}" not found'], ""
        for claim in self.find("PersistentVolumeClaim"):
            database = claim["metadata"]["labels"]["app.kubernetes.io/instance"]
            mounted = f"'{database}'" in str(workload["spec"]["template"]["spec"].get("volumes"))
            if mounted and claim.get("password") and claim["password"] not in self.secret(database, "uri"):
                return "CrashLoopBackOff", [], 'FATAL:  password authentication failed for user "kassa"'
        return None

    def poll(self, kind, name, namespace):
        """Whether a workload is ready by now: after a few polls, when nothing is wrong with its pods."""
        workload = self.get(kind, name, namespace)
        if not workload or self.trouble(workload):
            return False
        self.state["polls"][name] = self.state["polls"].get(name, 0) + 1
        return self.state["polls"][name] >= self.plan.get("ready_after", 2)

    def pods(self, namespace, selector):
        """(name, ready, status, workload) of the pods that a selector means."""
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        found = []
        for each in self.find("StatefulSet", namespace) + self.find("Deployment", namespace) + self.find("Job", namespace):
            labels = each["spec"]["template"]["metadata"]["labels"]
            if any(labels.get(key) != value for key, value in wanted.items()):
                continue
            name = each["metadata"]["name"]
            trouble = self.trouble(each)
            is_ready = not trouble and self.state["polls"].get(name, 0) >= self.plan.get("ready_after", 2)
            status = trouble[0] if trouble else ("Running" if is_ready else "ContainerCreating")
            found.append((f"{name}-0", f"{int(is_ready)}/1", status, each))
        return found


def _step(values, path):
    """One path of a JSONPath, such as `.a.b\\.c[0].d`."""
    for name, index in re.findall(r"\.((?:\\.|[^.\[\]])+)(?:\[(\d+)\])?", path):
        values = values.get(name.replace("\\.", ".")) if isinstance(values, dict) else None
        if index and isinstance(values, list):
            values = values[int(index)] if len(values) > int(index) else None
    if values is None:
        return ""
    return values if isinstance(values, str) else json.dumps(values, separators=(",", ":"), sort_keys=True)


def jsonpath(template, thing):
    """What kubectl prints with -o jsonpath=TEMPLATE: paths, literals and one `range` over the items."""
    loop = re.fullmatch(r"\{range \.items\[\*\]\}(.*)\{end\}", template)
    if loop:
        return "".join(jsonpath(loop[1], item) for item in thing["items"])
    return re.sub(r'\{(?:"((?:\\n|[^"])*)"|(\.[^{}]*))\}',
                  lambda part: part[1].replace("\\n", "\n") if part[1] is not None else _step(thing, part[2]), template)
