"""What the stand-ins of minikube, kubectl, helm and docker do.

They keep a cluster's state, and hand manifests and values to the real renderers and schemas.
Whatever they do not know is an error: the scripts must ask for nothing else.
"""
import functools
import json
import os
import re
import subprocess
import sys

import yaml

import k8s_objects
import k8s_schemas
import stand_in_cluster as stand_in
import test_data_services


def stop(words, code=1):
    """Ends as a program does that refuses."""
    print(words, file=sys.stderr)
    sys.exit(code)


def options(argv, flags=()):
    """(words, options) of a command line; an option takes the next word, unless it is one of `flags`."""
    words, found, argv = [], {}, list(argv)
    while argv:
        word = argv.pop(0)
        if not word.startswith("-"):
            words.append(word)
        elif word in flags:
            found[word] = True
        elif "=" in word and word.startswith("--output="):
            found["--output"] = word.partition("=")[2]
        else:
            found.setdefault(word, []).append(argv.pop(0))
    return words, found


def one(found, name, default=""):
    """The last value of an option."""
    return found.get(name, [default])[-1]


def need_cluster(cluster):
    """Refuses as a client does without a server."""
    if not (cluster.state["machine"] or {}).get("runs"):
        stop("error: the server was not found: connection refused")


@functools.cache
def _checked(manifests):
    things = [each for each in yaml.safe_load_all(manifests) if each]
    return json.dumps(things), k8s_schemas.findings(things, k8s_schemas.KUBERNETES[1])


def checked(manifests):
    """Objects that the schemas of Kubernetes take. Values such as passwords make no other check."""
    values = []
    pattern = re.compile(r"(?<=: )[A-Za-z0-9+/]{24,}={0,2}$", re.MULTILINE)
    masked = pattern.sub(lambda part: values.append(part[0]) or f"bWFza2Vk{len(values):04d}", manifests)
    text, found = _checked(masked)
    if found:
        stop(f"error: the server refused {found}")
    for number, value in enumerate(values, 1):
        text = text.replace(f"bWFza2Vk{number:04d}", value)
    return json.loads(text)


# minikube and docker

def minikube(cluster, argv):
    """version, status, start, stop, addons, image, ip."""
    words, found = options(argv, ("--short",))
    machine = cluster.state["machine"]
    verb = " ".join(words[:2]) if words[0] in ("addons", "image") else words[0]
    if verb == "version":
        print(cluster.plan.get("versions", {}).get("minikube", "v1.36.0"))
    elif verb == "status":
        if machine is None:
            stop(f'Profile "{one(found, "--profile")}" not found.', 85)
        word = cluster.plan.get("machine_state") or ("Running" if machine["runs"] else "Stopped")
        print(f"{word}/{word}")
        sys.exit(0 if word == "Running" else 7)
    elif verb == "start":
        if cluster.plan.get("start_fails"):
            stop(cluster.plan["start_fails"], 80)
        cpus, memory = cluster.plan.get("size", (one(found, "--cpus"), f"{int(one(found, '--memory')) * 1024 - 200000}Ki"))
        cluster.change(lambda: cluster.state.update(machine={**(machine or {"cpus": cpus, "memory": memory}), "runs": True}))
    elif verb == "stop":
        cluster.change(lambda: cluster.state["machine"].update(runs=False))
    elif verb == "addons enable":
        cluster.change(lambda: addon(cluster, True))
    elif verb == "addons disable":
        cluster.change(lambda: addon(cluster, False))
    elif verb == "image ls":
        print("\n".join(f"docker.io/library/{name}" for name in cluster.state["images"]))
    elif verb == "image load":
        cluster.change(lambda: cluster.state["images"].append(words[2]))
    elif verb == "ip":
        print("192.168.49.2")
    else:
        stop(f"stand-in of minikube: {argv} is unknown")


def addon(cluster, is_on):
    """The addon `ingress`: its class and its controller."""
    labels = {"app.kubernetes.io/component": "controller"}
    controller = {"kind": "Deployment", "metadata": {"name": "ingress-nginx-controller", "namespace": "ingress-nginx"},
                  "spec": {"template": {"metadata": {"labels": labels}, "spec": {}}}}
    ingress_class = {"kind": "IngressClass", "metadata": {"name": "nginx"}}
    for thing in (controller, ingress_class):
        if is_on:
            cluster.put(thing)
        elif cluster.get(thing["kind"], thing["metadata"]["name"], "ingress-nginx"):
            cluster.drop(thing)


def docker(cluster, argv):
    """version, build."""
    if argv[0] == "version":
        if cluster.plan.get("docker_is_away"):
            stop("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
        print(cluster.plan.get("versions", {}).get("docker", "27.5.1"))
    elif argv[0] == "build":
        cluster.change(lambda: None)
    else:
        stop(f"stand-in of docker: {argv} is unknown")


# kubectl

def kubectl(cluster, argv):
    """version, get, create, apply, delete, rollout status, logs."""
    words, found = options(argv, ("--client", "--ignore-not-found", "--no-headers", "--all-namespaces", "--all-containers",
                                  "--previous", "--wait"))
    namespace = one(found, "--namespace", "default")
    if words[0] == "version":
        print("Client Version: " + cluster.plan.get("versions", {}).get("kubectl", "v1.34.1"))
        return
    need_cluster(cluster)
    if words[0] in ("create", "apply"):
        for thing in checked(cluster.stdin):
            name = thing["metadata"]["name"]
            if words[0] == "create" and cluster.get(thing["kind"], name, thing["metadata"].get("namespace", namespace)):
                stop(f'Error from server (AlreadyExists): {thing["kind"].lower()} "{name}" already exists')
            cluster.change(lambda thing=thing: cluster.put(thing, namespace))
    elif words[:2] == ["rollout", "status"]:
        kind, _, name = words[2].partition("/")
        if not cluster.poll(stand_in.kind_of(kind), name, namespace):
            stop("error: timed out waiting for the condition")
    elif words[0] == "logs":
        logs(cluster, words[1].removesuffix("-0"), namespace)
    elif words[0] == "get":
        get(cluster, words[1:], found, namespace)
    elif words[0] == "delete":
        delete(cluster, words[1:], found, namespace)
    else:
        stop(f"stand-in of kubectl: {argv} is unknown")


def logs(cluster, name, namespace):
    """What a pod that is in trouble wrote."""
    for kind in ("StatefulSet", "Deployment", "Job"):
        workload = cluster.get(kind, name, namespace)
        if workload:
            trouble = cluster.trouble(workload)
            print(trouble[2] if trouble else "")


def get(cluster, words, found, namespace):
    """kubectl get."""
    if words[0] == "pods":
        for name, ready, status, _ in cluster.pods(namespace, one(found, "--selector")):
            print(name, ready, status, 0, "1m")
        return
    if words[0] == "events":
        name = one(found, "--field-selector").split(",")[0].split("=")[1].removesuffix("-0")
        workload = next((each for kind in ("StatefulSet", "Deployment", "Job") for each in [cluster.get(kind, name, namespace)]
                         if each), None)
        trouble = workload and cluster.trouble(workload)
        items = [dict(zip(("reason", "message"), event.split(": ", 1))) for event in (trouble[1] if trouble else [])]
        print(stand_in.jsonpath(one(found, "--output").removeprefix("jsonpath="), {"items": items}), end="")
        return
    things = matching(cluster, words, found, namespace)
    output = one(found, "--output")
    if output == "name":
        print("".join(f"{each['kind'].lower()}/{each['metadata']['name']}\n" for each in things), end="")
    elif len(words) == 1:
        print(stand_in.jsonpath(output.removeprefix("jsonpath="), {"items": things}), end="")
    elif things:
        print(stand_in.jsonpath(output.removeprefix("jsonpath="), things[0]), end="")


def matching(cluster, words, found, namespace):
    """The objects that `get` or `delete` means."""
    if words[0] == "nodes":
        machine = cluster.state["machine"]
        return [{"kind": "Node", "status": {"allocatable": {"cpu": machine["cpus"], "memory": machine["memory"]}}}]
    kinds = words[0].replace("all", "pod,service,deployment,statefulset,job,cronjob").split(",")
    kinds = [stand_in.kind_of(kind) for kind in kinds]
    if len(words) > 1:
        thing = cluster.get(kinds[0], words[1], namespace)
        if not thing and "--ignore-not-found" not in found:
            stop(f'Error from server (NotFound): {words[0]} "{words[1]}" not found')
        return [thing] if thing else []
    where = None if "--all-namespaces" in found else namespace
    return [each for kind in kinds for each in cluster.find(kind, where, one(found, "--selector"))]


def delete(cluster, words, found, namespace):
    """kubectl delete, of what a name or a selector means: never of all."""
    if len(words) == 1 and not one(found, "--selector"):
        stop("error: resource(s) were provided, but no name was specified")
    things = matching(cluster, words, found, namespace)
    cluster.change(lambda: [cluster.drop(each) for each in things] and None)
    for each in things:
        print(f"{each['kind'].lower()} \"{each['metadata']['name']}\" deleted")


# helm

def helm(cluster, argv):
    """version, history, upgrade --install, uninstall, rollback."""
    words, found = options(argv, ("--install", "--wait"))
    if words[0] == "version":
        print(cluster.plan.get("versions", {}).get("helm", "v4.0.1"))
        return
    need_cluster(cluster)
    name, releases = words[1], cluster.state["releases"]
    history = releases.get(name)
    if words[0] == "history":
        if not history:
            stop("Error: release: not found")
        print(json.dumps(history[-1:], separators=(",", ":")))
    elif words[0] == "upgrade":
        upgrade(cluster, name, words[2], found)
    elif words[0] == "rollback":
        cluster.change(lambda: history.append({**history[0], "revision": len(history) + 1}))
    elif words[0] == "uninstall":
        cluster.change(lambda: uninstall(cluster, name))
    else:
        stop(f"stand-in of helm: {argv} is unknown")


def uninstall(cluster, name):
    """Takes a release's objects away: not its volumes, and no hook."""
    cluster.state["releases"].pop(name)
    for thing in [each for each in cluster.state["objects"].values() if each.get("release") == name]:
        cluster.drop(thing)
        cluster.state["polls"].pop(thing["metadata"]["name"], None)


def upgrade(cluster, name, chart, found):
    """Checks the values, then stores release and objects."""
    history = cluster.state["releases"].setdefault(name, [])
    if history and history[-1]["status"].startswith("pending"):
        stop("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress")
    if cluster.plan.get("helm_fails", {}).get(name):
        stop(cluster.plan["helm_fails"][name])
    things = oci_objects(cluster, name, chart, found) if chart.startswith("oci://") else rendered(name, chart, found)
    own = chart.rsplit("/", 1)[-1]
    revision = {"revision": len(history) + 1, "status": "pending-upgrade" if history else "pending-install",
                "chart": own + ("-0.1.0" if own == "kassa" else f"-{one(found, '--version')}.1"), "app_version": "1",
                "description": "Preparing"}
    hooks = [each for each in things if "helm.sh/hook" in (each["metadata"].get("annotations") or {})]
    objects = [each for each in things if each not in hooks]

    def middle():
        history.append(revision)
        for each in objects[:len(objects) // 2]:
            cluster.put({**each, "release": name})

    def effect():
        job = next((each for each in hooks if each["kind"] == "Job"), None)
        if job and cluster.trouble(job):
            cluster.put(job)
            revision.update(status="failed", description="failed pre-install: timed out waiting for the condition")
            return
        for each in objects:
            cluster.put({**each, "release": name})
            cluster.state["polls"].pop(each["metadata"]["name"], None)
        for each in history[:-1]:
            each["status"] = "superseded"
        revision.update(status="deployed", description=one(found, "--description", "Install complete"))

    cluster.change(effect, middle)
    if revision["status"] == "failed":
        stop(f"Error: {revision['description'].replace('pre-install', 'pre-install hooks')}")


@functools.cache
def _template(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rendered(name, chart, found):
    """The objects of a chart that is here, by the real helm."""
    command = [os.path.join(k8s_objects.tools(), "helm"), "template", name, chart, "--namespace", one(found, "--namespace")]
    for option in ("--values", "--set-string"):
        for value in found.get(option, []):
            command += [option, value]
    done = _template(tuple(command))
    if done.returncode != 0:
        stop(done.stderr)
    return checked(done.stdout)


@functools.cache
def _values(own, path):
    with open(path, encoding="utf-8") as file:
        values = yaml.safe_load(file)
    return values, test_data_services.findings(f"cloudpirates-{own}", values)


def oci_objects(cluster, name, chart, found):
    """What a chart of the registry makes of values that its schema takes: a StatefulSet, and a volume that stays."""
    own = chart.rsplit("/", 1)[-1]
    values, wrong = _values(own, one(found, "--values"))
    if wrong:
        stop(f"Error: values don't meet the specifications of the schema(s) in the following chart(s): {wrong}")
    labels = {"app.kubernetes.io/name": own, "app.kubernetes.io/instance": name}
    if values["persistence"]["enabled"] and not cluster.get("PersistentVolumeClaim", f"data-{name}-0"):
        cluster.put({"kind": "PersistentVolumeClaim", "metadata": {"name": f"data-{name}-0", "labels": labels},
                     "password": cluster.secret(f"{name}-login", "CUSTOM_PASSWORD")})
    wanted = values["auth"].get("existingSecret")
    volumes = [{"name": "login", "secret": {"secretName": wanted}}] if wanted else []
    return [{"kind": "StatefulSet", "metadata": {"name": values["fullnameOverride"], "labels": labels},
             "spec": {"template": {"metadata": {"labels": labels}, "spec": {"volumes": volumes}}}}]
