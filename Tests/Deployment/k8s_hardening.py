"""What pods may do and know: restricted security, settings that exist, secrets as files."""
import re

import k8s_pages
from k8s_objects import all_pods, label, of_kind, pods, settings

# The variables that are not Kassa's: of the pod itself, and of libpq.
OTHERS = {"POD_IP", "PGSSLMODE", "PGSSLROOTCERT"}
# They may hold a password.
SECRET = re.compile(r"KASSA_(POSTGRES_(ORDERS|STOCK|PAYMENTS)|REDIS|RDKAFKA_.*(PASSWORD|SECRET|KEY_PEM).*)")
PATHS = re.compile(r"(KASSA_.*(_FILE|_LOCATION|_AUTHORITIES|_CERTIFICATE|_KEY)|PGSSLROOTCERT)")


def security(objects):
    """Pods meet the restricted profile, ask nothing of Kubernetes, and have bounds."""
    found = []
    for workload, _, spec in all_pods(objects):
        container, who = spec["containers"][0], label(workload)
        pod, own, = spec.get("securityContext", {}), container.get("securityContext", {})
        rules = {
            "runs as 10001:10001": (pod.get("runAsUser"), pod.get("runAsGroup"), pod.get("runAsNonRoot"),
                                    pod.get("fsGroup")) == (10001, 10001, True, 10001),
            "has the default seccomp profile": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
            "has a read-only root": own.get("readOnlyRootFilesystem") is True,
            "gains no privileges": own.get("allowPrivilegeEscalation") is False and not own.get("privileged"),
            "drops all capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "has no token": spec.get("automountServiceAccountToken") is False,
            "gets no variables of services": spec.get("enableServiceLinks") is False,
            "shares nothing of its node": not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
            "has no volume of its node": not any("hostPath" in each for each in spec.get("volumes", [])),
            "is one container": len(spec["containers"]) == 1 and "initContainers" not in spec,
        }
        found += [f"{who}: not so: {rule}" for rule, holds in rules.items() if not holds]
        for kind in ("requests", "limits"):
            missing = {"cpu", "memory"} - set(container.get("resources", {}).get(kind, {}))
            found += [f"{who}: resources.{kind} lack {each}" for each in sorted(missing)]
    for each in of_kind(objects, "Namespace"):
        if each["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            found.append(f"{label(each)}: has to enforce the restricted profile")
    return found


def secrets(objects):
    """No Secret stands in a file: whoever deploys makes them."""
    return [f"{label(each)}: a secret in a file" for each in of_kind(objects, "Secret")]


def known_settings(objects):
    """Every variable is a setting of docs/settings.md, with a value in its range; a config map holds no secret."""
    found, known = [], k8s_pages.settings()
    for workload, _, spec in pods(objects):
        for name, value in settings(objects, spec).items():
            if SECRET.fullmatch(name):
                found.append(f"{label(workload)}: {name} may hold a password; give it as {name}_FILE")
            elif name in OTHERS or name.startswith("KASSA_RDKAFKA_"):
                continue
            elif name not in known:
                found.append(f"{label(workload)}: {name} is no setting of docs/settings.md")
            elif value is not None and not fits(value, known[name][1]):
                found.append(f"{label(workload)}: {name}={value} is not in its range: {known[name][1]}")
        for each in spec["containers"][0].get("env", []):
            if "secretKeyRef" in each.get("valueFrom", {}):
                found.append(f"{label(workload)}: {each['name']} brings a secret into the environment")
        for each in spec["containers"][0].get("envFrom", []):
            if "secretRef" in each:
                found.append(f"{label(workload)}: a secret becomes the environment")
    return found


def fits(value, extent):
    """Whether a value is in a range as the page writes it: `1…256`, `10ms…1h, in ms, s, m, h or d`, `a or b`."""
    numbers = re.match(r"(?:\w[\w-]*, or )?(\d+)(\D*)…(\d+)([A-Za-z]*)", extent)
    if re.search(r" in ms, s, m, h or d$", extent):
        low, high = (k8s_pages.seconds(numbers.group(at) + numbers.group(at + 1)) for at in (1, 3))
        return bool(re.fullmatch(r"\d+(ms|s|m|h|d)", value)) and low <= k8s_pages.seconds(value) <= high
    if re.fullmatch(r"(\w[\w-]*, or )?\d+…\d+", extent):
        return value == extent.split(",")[0] or (
            value.isdigit() and int(numbers.group(1)) <= int(value) <= int(numbers.group(3)))
    if re.fullmatch(r"\w+( or \w+)+", extent):
        return value in extent.split(" or ")
    return bool(value)


def _names_key(secret, key, documented):
    """Whether a file of a mounted secret is one of its documented keys."""
    items = {each["path"]: each["key"] for each in secret.get("items", [])} or {key: key}
    return items.get(key) in documented.get(secret["secretName"], ())


def files(objects):
    """Every path that a setting names lies in a mounted secret, as one of its keys; and every secret is documented."""
    found, documented = [], k8s_pages.secrets()
    for workload, _, spec in all_pods(objects):
        container, who = spec["containers"][0], label(workload)
        volumes = {each["name"]: each["secret"] for each in spec.get("volumes", []) if "secret" in each}
        mounts = {each["mountPath"]: each["name"] for each in container.get("volumeMounts", [])}
        found += [f"{who}: mounts {name}, which is no secret of the pod" for name in mounts.values()
                  if name not in volumes]
        for name, value in settings(objects, spec).items():
            if not PATHS.fullmatch(name):
                continue
            folder, key = value.rsplit("/", 1)
            secret = volumes.get(mounts.get(folder))
            if secret is None:
                found.append(f"{who}: {name}={value} is in no mounted secret")
            elif not _names_key(secret, key, documented):
                found.append(f"{who}: {name} needs {key} of the secret {secret['secretName']}, "
                             "which k8s/README.md does not list")
        found += [f"{who}: k8s/README.md does not list the secret {each['secretName']}" for each in volumes.values()
                  if each["secretName"] not in documented]
        for name, secret in volumes.items():
            if secret.get("defaultMode", 0o644) & 0o007:
                found.append(f"{who}: everybody may read the secret {name}")
    return found
