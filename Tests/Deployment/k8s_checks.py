"""Checks of rendered objects that no schema can make. Each returns its findings as sentences, none when all is well."""
import re

import k8s_pages
from k8s_objects import WORKLOADS, all_pods, label, named, of_kind, pod_of, pods, replicas, selects, servers, settings


def _ports(spec):
    return {each["name"]: each["containerPort"] for each in spec["containers"][0].get("ports", [])}


def selectors(objects):
    """Whoever selects pods finds some, of one component only."""
    found = []
    for workload, labels, spec in all_pods(objects):
        if "selector" in workload["spec"] and not selects(workload["spec"]["selector"], labels):
            found.append(f"{label(workload)}: its selector does not mean its own pods")
        for each in spec.get("topologySpreadConstraints", []):
            missing = [key for key in each.get("matchLabelKeys", []) if key not in labels]
            if missing or not selects(each["labelSelector"], labels):
                found.append(f"{label(workload)}: its spread over {each['topologyKey']} does not mean its own pods")
    for each in of_kind(objects, "Service", "PodDisruptionBudget", "PodMonitor"):
        selector = each["spec"]["selector"]
        selector = {"matchLabels": selector} if each["kind"] == "Service" else selector
        met = [labels for _, labels, _ in all_pods(objects) if selects(selector, labels)]
        components = {labels["app.kubernetes.io/component"] for labels in met}
        if not met:
            found.append(f"{label(each)}: selects no pod")
        elif each["kind"] != "PodMonitor" and len(components) > 1:
            found.append(f"{label(each)}: selects pods of {', '.join(sorted(components))}")
    for each in of_kind(objects, "NetworkPolicy"):
        selector = each["spec"]["podSelector"]
        if not any(selects(selector, labels)
                   for _, labels, _ in all_pods(objects)) and not _is_of_databases(objects, selector):
            found.append(f"{label(each)}: selects no pod")
    workloads = {(each["kind"], each["metadata"]["name"]) for each in of_kind(objects, *WORKLOADS)}
    for each in of_kind(objects, "HorizontalPodAutoscaler"):
        target = each["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) not in workloads:
            found.append(f"{label(each)}: {target['kind']}/{target['name']} does not exist")
    return found


def _is_of_databases(objects, selector):
    cluster = selector.get("matchLabels", {}).get("cnpg.io/cluster")
    return cluster is not None and named(objects, "Cluster", cluster) is not None


def names(objects):
    """A StatefulSet's service is headless, knows pods before they are ready, and means its pods."""
    found = []
    for workload in of_kind(objects, "StatefulSet"):
        service = named(objects, "Service", workload["spec"]["serviceName"])
        if service is None:
            found.append(f"{label(workload)}: its service {workload['spec']['serviceName']} does not exist")
            continue
        spec = service["spec"]
        if spec.get("clusterIP") != "None" or not spec.get("publishNotReadyAddresses"):
            found.append(f"{label(service)}: has to be headless and to publish addresses that are not ready")
        if not selects({"matchLabels": spec["selector"]}, pod_of(workload)["metadata"]["labels"]):
            found.append(f"{label(workload)}: its service {service['metadata']['name']} does not mean its pods")
    return found


def service_ports(objects):
    """Services, probes, monitors and settings mean ports that containers have."""
    found = []
    for service in of_kind(objects, "Service"):
        for _, labels, spec in all_pods(objects):
            if selects({"matchLabels": service["spec"]["selector"]}, labels):
                have = _ports(spec)
                asked = [each["targetPort"] for each in service["spec"]["ports"]]
                found += [f"{label(service)}: pods have no port {port}" for port in asked
                          if port not in [*have, *have.values()]]
    for workload, _, spec in servers(objects):
        have, values = _ports(spec), settings(objects, spec)
        for name, setting in (("http", "KASSA_HTTP"), ("operator", "KASSA_OPERATOR"), ("peers", "KASSA_PEERS")):
            if values.get(setting) != f"0.0.0.0:{have.get(name)}":
                found.append(
                    f"{label(workload)}: {setting}={values.get(setting)}, and the container's port is {have.get(name)}")
        if values.get("KASSA_PEERS_ADVERTISE") != f"$(POD_IP):{have.get('peers')}":
            found.append(f"{label(workload)}: KASSA_PEERS_ADVERTISE={values.get('KASSA_PEERS_ADVERTISE')}")
        order = [each["name"] for each in spec["containers"][0]["env"]]
        if "POD_IP" not in order or order.index("POD_IP") > order.index("KASSA_PEERS_ADVERTISE"):
            found.append(f"{label(workload)}: POD_IP must come before KASSA_PEERS_ADVERTISE")
    for monitor in of_kind(objects, "PodMonitor"):
        for _, labels, spec in pods(objects):
            if selects(monitor["spec"]["selector"], labels):
                found += [f"{label(monitor)}: pods have no port {each['port']}"
                          for each in monitor["spec"]["podMetricsEndpoints"] if each["port"] not in _ports(spec)]
    return found


def _backends(objects):
    """Each route to a service: who, path, whether it is for that path alone, service, port."""
    for each in of_kind(objects, "Ingress"):
        for rule in each["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                port = service["port"]
                yield (label(each), path["path"], path["pathType"] == "Exact", service["name"],
                       port.get("name", port.get("number")))
    for each in of_kind(objects, "IngressRoute"):
        for route in each["spec"]["routes"]:
            for path in re.findall(r"Path\(`([^`]+)`\)", route["match"]):
                is_exact = f"PathPrefix(`{path}/`)" not in route["match"]
                for service in route["services"]:
                    yield label(each), path, is_exact, service["name"], service["port"]
    for each in of_kind(objects, "HTTPRoute"):
        for rule in each["spec"]["rules"]:
            for match in rule["matches"]:
                path = match["path"]
                for service in rule["backendRefs"]:
                    yield label(each), path["value"], path["type"] == "Exact", service["name"], service["port"]


SERVICES = {"/orders": "orders", "/stock": "stock", "/payment": "payments"}
# Every pod serves these: where `type` of a refusal links to, and the description of the API.
PAGES = ("/problems", "/openapi.json")
WAYS_IN = ("Ingress", "IngressRoute", "HTTPRoute")


def routes(objects):
    """Each way in has each path, which leads to its service, at a port that it has, and to pods that take requests."""
    found, seen = [], {each["kind"]: set() for each in of_kind(objects, *WAYS_IN)}
    for who, path, is_exact, name, port in _backends(objects):
        seen[who.split("/")[0]].add(path)
        wanted = "orders" if path in PAGES else SERVICES.get(path.removesuffix("/batch_init"))
        if is_exact != (path in PAGES):
            found.append(f"{who}: {path} is {'not ' if is_exact else ''}for the paths below it, too")
        service = named(objects, "Service", name)
        if name != wanted:
            found.append(f"{who}: {path} leads to {name}, not to {wanted}")
        if service is None or port not in [each[key] for each in service["spec"]["ports"] for key in ("name", "port")]:
            found.append(f"{who}: {path} leads to {name}:{port}, which does not exist")
            continue
        for workload, labels, spec in servers(objects):
            values = settings(objects, spec)
            if selects({"matchLabels": service["spec"]["selector"]}, labels) and (
                    values["KASSA_ROLE"] == "owner" or values["KASSA_SERVICE"] != name):
                found.append(f"{who}: {path} leads to {label(workload)}, which refuses it with 421")
    paths = [path + tail for path in SERVICES for tail in ("", "/batch_init")] + list(PAGES)
    return found + [f"{way}: no route for {path}" for way, have in (seen or {"no way in": set()}).items()
                    for path in paths if path not in have]


def retries(objects):
    """Gateways repeat nothing that may have had an effect, and wait for longer than Kassa does."""
    found = []
    for each in of_kind(objects, "Ingress"):
        said = {key.rsplit("/", 1)[1]: value for key, value in each["metadata"].get("annotations", {}).items()}
        if set(said.get("proxy-next-upstream", "error timeout").split()) - {"http_503", "non_idempotent", "off"}:
            found.append(f"{label(each)}: proxy-next-upstream may repeat what had an effect: "
                         f"{said.get('proxy-next-upstream', 'the default, error timeout')}")
        for path in [path["path"] for rule in each["spec"]["rules"] for path in rule["http"]["paths"]]:
            found += _patience(objects, f"{label(each)} {path}", path, int(said.get("proxy-read-timeout", 60)))
    for each in of_kind(objects, "Middleware"):
        retry = each["spec"].get("retry", {})
        if retry.get("status") != ["503"] or retry.get("attempts", 99) > 4:
            found.append(f"{label(each)}: may repeat 503 only, and not often")
    for each in of_kind(objects, "IngressRoute"):
        for route in each["spec"]["routes"]:
            transport = named(objects, "ServersTransport", route["services"][0].get("serversTransport"))
            wait = transport["spec"]["forwardingTimeouts"]["responseHeaderTimeout"] if transport else "0s"
            for path in re.findall(r"Path\(`([^`]+)`\)", route["match"]):
                found += _patience(objects, f"{label(each)} {path}", path, k8s_pages.seconds(wait))
    for each in of_kind(objects, "HTTPRoute"):
        for rule in each["spec"]["rules"]:
            wait = k8s_pages.seconds(rule.get("timeouts", {}).get("request", "0s"))
            for path in [match["path"]["value"] for match in rule["matches"]]:
                found += _patience(objects, f"{label(each)} {path}", path, wait)
    return found


def _told(objects, name):
    config = named(objects, "ConfigMap", "kassa")["data"]
    return config.get(name, k8s_pages.settings().get(name, ("", ""))[0])


def _patience(objects, who, path, seconds):
    setting = "KASSA_BATCH_DEADLINE" if path.endswith("/batch_init") else "KASSA_REQUEST_DEADLINE"
    deadline = k8s_pages.seconds(_told(objects, setting))
    return [] if seconds > deadline else [f"{who}: waits {seconds} s, and {setting} is {deadline} s"]


def budgets(objects):
    """A budget lets at least one pod go, and not all of several."""
    found = []
    for budget in of_kind(objects, "PodDisruptionBudget"):
        spec = budget["spec"]
        count = sum(replicas(objects, workload) for workload, labels, _ in servers(objects)
                    if selects(spec["selector"], labels))
        for key in ("maxUnavailable", "minAvailable"):
            if isinstance(spec.get(key), str):
                found.append(f"{label(budget)}: {key} as a share of few pods is rounded; give a number")
                return found
        may_go = spec["maxUnavailable"] if "maxUnavailable" in spec else count - spec["minAvailable"]
        if may_go < 1:
            found.append(f"{label(budget)}: blocks every eviction of {count} pods")
        if may_go >= count:
            found.append(f"{label(budget)}: lets all {count} pods go at once")
    return found


def scaling(objects):
    """A service has no more owners than partitions; a workload with an autoscaler sets no number itself."""
    found, partitions = [], int(_told(objects, "KASSA_PARTITIONS"))
    scalers = {(each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"]): each["spec"]
               for each in of_kind(objects, "HorizontalPodAutoscaler")}
    for workload, _, spec in servers(objects):
        scaler = scalers.get((workload["kind"], workload["metadata"]["name"]))
        most = scaler["maxReplicas"] if scaler else workload["spec"].get("replicas", 1)
        if settings(objects, spec)["KASSA_ROLE"] != "api" and most > partitions:
            found.append(f"{label(workload)}: up to {most} pods, and there are {partitions} partitions")
        if scaler and "replicas" in workload["spec"]:
            found.append(f"{label(workload)}: its replicas would undo what the autoscaler decided")
    return found


def grace(objects):
    """Kubernetes kills no pod that still ends in order: its times, 10 s for checkpoints, 10 s for Kafka."""
    found = []
    default = k8s_pages.settings()["KASSA_DRAIN_DELAY"][0]
    for workload, _, spec in servers(objects):
        values = settings(objects, spec)
        if values["KASSA_DRAIN_DELAY"] != default:
            found.append(f"{label(workload)}: KASSA_DRAIN_DELAY is {values['KASSA_DRAIN_DELAY']}, the default {default}")
        wanted = 20 + sum(k8s_pages.seconds(values[name])
                          for name in ("KASSA_DRAIN_DELAY", "KASSA_DRAIN_TIME", "KASSA_HANDOVER_TIME"))
        have = spec.get("terminationGracePeriodSeconds", 30)
        if have < wanted:
            found.append(f"{label(workload)}: terminationGracePeriodSeconds is {have}, and an end may take {wanted:g}")
        ready = spec["containers"][0]["readinessProbe"]
        if ready["periodSeconds"] * ready["failureThreshold"] > k8s_pages.seconds(values["KASSA_DRAIN_DELAY"]):
            found.append(f"{label(workload)}: ends its service before its readiness probe has seen it")
        if "preStop" in spec["containers"][0].get("lifecycle", {}):
            found.append(f"{label(workload)}: its preStop hook takes of the grace what KASSA_DRAIN_DELAY takes already")
    return found


def probes(objects):
    """The three probes ask what they are for, at the operator's port."""
    found = []
    for workload, _, spec in servers(objects):
        for probe, path in (("startupProbe", "/startupz"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            asked = spec["containers"][0].get(probe, {}).get("httpGet")
            if asked != {"path": path, "port": "operator"}:
                found.append(f"{label(workload)}: {probe} asks {asked}, not {path} of the port operator")
    return found


def images(objects):
    """Every image has a tag that says what it is; Kassa's is the program's version."""
    found = []
    pattern = re.compile(r"^(image|imageName): *(\S+)$")

    def walk(node, who):
        if isinstance(node, dict):
            for key, part in node.items():
                match = isinstance(part, str) and pattern.match(f"{key}: {part}")
                if match and (":" not in part.rsplit("/", 1)[-1] or part.endswith(":latest")):
                    found.append(f"{who}: the image {part} has no version")
                walk(part, who)
        elif isinstance(node, list):
            for part in node:
                walk(part, who)

    for each in objects:
        walk(each, label(each))
    for workload, _, spec in pods(objects):
        image = spec["containers"][0]["image"]
        if image.rsplit(":", 1)[-1] != k8s_pages.version():
            found.append(f"{label(workload)}: the image {image} is not of the version {k8s_pages.version()}")
    return found


def topics(objects):
    """Strimzi's topics are what docs/kafka.md asks for; else a job makes them."""
    declared = of_kind(objects, "KafkaTopic")
    if not declared:
        return [] if named(objects, "Job", "kassa-topics") else ["nobody makes the topics"]
    found = []
    prefix, partitions = _told(objects, "KASSA_KAFKA_PREFIX"), int(_told(objects, "KASSA_PARTITIONS"))
    services = ("orders", "stock", "payments")
    wanted = {f"{prefix}{name}" for name in (*services, "owners")}
    if _told(objects, "KASSA_INGEST") != "off":
        wanted |= {f"{prefix}refused", *(f"{prefix}{service}.ingest" for service in services)}
    if {each["metadata"]["name"] for each in declared} != wanted:
        found.append(f"the topics have to be {', '.join(sorted(wanted))}")
    for each in declared:
        is_owners = each["metadata"]["name"].endswith("owners")
        rules = k8s_pages.topic_settings()
        asked = {**rules[0], **rules[1]} if is_owners else rules[0]
        spec = each["spec"]
        if spec["partitions"] != (1 if is_owners or each["metadata"]["name"].endswith("refused") else partitions):
            found.append(f"{label(each)}: has {spec['partitions']} partitions")
        if spec["replicas"] != int(_told(objects, "KASSA_KAFKA_REPLICATION")):
            found.append(f"{label(each)}: has {spec['replicas']} replicas")
        # Retention and size are of the three topics only: owners are compacted.
        skipped = {"retention.ms", "retention.bytes", "max.message.bytes", "compression.type"} if is_owners else set()
        for setting, value in asked.items():
            if "." in setting and setting not in skipped:
                found += _topic_setting(label(each), setting, value, spec["config"].get(setting))
    return found


def _topic_setting(who, setting, asked, have):
    number = re.search(r"\d[\d.]*", asked)
    exact = re.match(r"`?(-?[A-Za-z\d]+)`?$", asked)
    if setting == "retention.ms":
        fits = isinstance(have, int) and have >= 7 * 86_400_000
    elif asked.startswith("at least"):
        fits = have is not None and float(have) >= float(number.group())
    elif asked.startswith("at most"):
        fits = have is not None and float(have) <= float(number.group())
    elif exact:
        fits = str(have).lower() == exact.group(1).lower()
    else:
        fits = str(have) == number.group()
    return [] if fits else [f"{who}: {setting} is {have}; docs/kafka.md asks for {asked}"]
