"""Network policies: what is allowed against what the settings need, in both directions, arrow by arrow."""
from k8s_objects import all_pods, label, named, of_kind, pods, selects, servers, settings

# Every port that something here uses, and two that nothing does.
PORTS = ((53, "UDP"), *((port, "TCP") for port in (22, 53, 443, 5432, 6379, 7000, 8000, 9000, 9092, 9093)))
DNS = ("kube-system", {"k8s-app": "kube-dns"})
PROMETHEUS = ("monitoring", {"app.kubernetes.io/name": "prometheus"})
REDIS = ("kassa", {"app.kubernetes.io/name": "redis", "app.kubernetes.io/instance": "redis"})
STRANGERS = {"stranger": ("kassa", {"app": "stranger"}), "stranger elsewhere": ("other", {"app": "stranger"})}
GATEWAYS = {"Ingress": ("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
            "IngressRoute": ("traefik", {"app.kubernetes.io/name": "traefik"}),
            "HTTPRoute": ("gateway", {"app.kubernetes.io/name": "gateway"})}


def port_of(address):
    """The port of HOST:PORT."""
    return int(address.rsplit(":", 1)[1])


def kafka(objects, address):
    """Who answers at a broker's address: Strimzi's brokers where there are some, else an installation of that name."""
    host = address.rsplit(":", 1)[0].split(".")[0]
    for each in of_kind(objects, "Kafka"):
        name = each["metadata"]["name"]
        if host == f"{name}-kafka-bootstrap":
            return "kassa", {"strimzi.io/cluster": name, "strimzi.io/kind": "Kafka", "strimzi.io/name": f"{name}-kafka"}
    return "kassa", {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/instance": host}


def database(objects, secret):
    """The servers that a secret leads to: CloudNativePG's NAME-app is of the cluster NAME."""
    cluster = secret.removesuffix("-app")
    if named(objects, "Cluster", cluster):
        return "kassa", {"cnpg.io/cluster": cluster}
    return "kassa", {"app.kubernetes.io/name": "postgres", "app.kubernetes.io/instance": secret}


def gateways(objects):
    """The pods that requests of clients come from."""
    return {kind: actor for kind, actor in GATEWAYS.items() if of_kind(objects, kind)}


def redis(objects):
    """Who keeps prices: the pod that an overlay has for it, else an installation of that name."""
    return next((label(workload) for workload, labels, _ in all_pods(objects)
                 if labels["app.kubernetes.io/name"] == "redis"), "Redis")


def databases_of(spec):
    """The secrets that a pod's KASSA_POSTGRES_…_FILE lie in."""
    container = spec["containers"][0]
    volumes = {each["name"]: each["secret"]["secretName"] for each in spec.get("volumes", []) if "secret" in each}
    found = []
    for each in container.get("env", []):
        if each["name"].startswith("KASSA_POSTGRES_"):
            folder = each["value"].rsplit("/", 1)[0]
            found += [volumes[mount["name"]] for mount in container["volumeMounts"] if mount["mountPath"] == folder]
    return found


def actors(objects):
    """Everybody who could speak with a pod: name, and (namespace, labels)."""
    found = dict(STRANGERS)
    found.update({"DNS": DNS, "Prometheus": PROMETHEUS, redis(objects): REDIS, **gateways(objects)})
    for workload, labels, spec in all_pods(objects):
        found[label(workload)] = ("kassa", labels)
        for secret in databases_of(spec):
            found[secret] = database(objects, secret)
        brokers = settings(objects, spec).get("KASSA_KAFKA_BROKERS")
        if brokers:
            found["Kafka"] = kafka(objects, brokers.split(",")[0])
    return found


def needed(objects):
    """The arrows that settings ask for: (pod, in or out, actor, port, protocol)."""
    arrows = set()
    clients = [each["spec"]["selector"] for each in of_kind(objects, "Service")
               if each["spec"].get("clusterIP") != "None"]
    serving = [label(workload) for workload, _, _ in servers(objects)]
    for workload, labels, spec in pods(objects):
        name, values = label(workload), settings(objects, spec)
        arrows |= {(name, "out", "DNS", 53, "UDP"), (name, "out", "DNS", 53, "TCP")}
        arrows |= {(name, "out", "Kafka", port_of(each), "TCP") for each in values["KASSA_KAFKA_BROKERS"].split(",")}
        arrows |= {(name, "out", secret, 5432, "TCP") for secret in databases_of(spec)}
        if "KASSA_REDIS_FILE" in values:
            arrows.add((name, "out", redis(objects), 6379, "TCP"))
            if redis(objects) != "Redis":
                arrows.add((redis(objects), "in", name, 6379, "TCP"))
        if name not in serving:
            continue
        peers = port_of(values["KASSA_PEERS"])
        arrows |= {(name, way, other, peers, "TCP") for other in serving for way in ("in", "out")}
        arrows.add((name, "in", "Prometheus", port_of(values["KASSA_OPERATOR"]), "TCP"))
        if any(selects({"matchLabels": each}, labels) for each in clients):
            arrows |= {(name, "in", gateway, port_of(values["KASSA_HTTP"]), "TCP") for gateway in gateways(objects)}
    return arrows


def _is_peer(peer, actor):
    namespace, labels = actor
    if "ipBlock" in peer:
        return True
    if "namespaceSelector" in peer:
        at_home = selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
    else:
        at_home = namespace == "kassa"
    return at_home and selects(peer.get("podSelector", {}), labels)


def _is_port(rule, port):
    """Whether a rule means a (number, protocol). Ranges count as a match: what they open beyond need shows."""
    listed = rule.get("ports")
    return not listed or any(
        each.get("protocol", "TCP") == port[1]
        and ("port" not in each or each["port"] <= port[0] <= each.get("endPort", each["port"])) for each in listed)


def allowed(objects, labels, way, actor, port):
    """Whether the policies that select a pod let an arrow through; without any policy everything goes."""
    kind, rules, sides = ("Ingress", "ingress", "from") if way == "in" else ("Egress", "egress", "to")
    policies = [each["spec"] for each in of_kind(objects, "NetworkPolicy")
                if kind in each["spec"]["policyTypes"] and selects(each["spec"]["podSelector"], labels)]
    if not policies:
        return True
    return any(_is_port(rule, port) and (not rule.get(sides) or any(_is_peer(peer, actor)
                                                                             for peer in rule[sides]))
               for policy in policies for rule in policy.get(rules, []))


def findings(objects):
    """Arrows that a setting needs and no policy allows, and the other way round."""
    wanted, found = needed(objects), []
    for workload, labels, _ in all_pods(objects):
        for who, actor in actors(objects).items():
            for port in PORTS:
                for way in ("in", "out"):
                    arrow = (label(workload), way, who, *port)
                    is_allowed = allowed(objects, labels, way, actor, port)
                    if is_allowed != (arrow in wanted):
                        fault = "allowed, and nothing needs it" if is_allowed else "needed, and no policy allows it"
                        found.append(f"{arrow[0]} {way} {who} {port[0]}/{port[1]}: {fault}")
    return found + [f"{arrow[0]}: port {arrow[3]} is unknown to k8s_arrows.PORTS" for arrow in wanted
                    if (arrow[3], arrow[4]) not in PORTS]
