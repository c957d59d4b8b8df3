"""Pods may do little, know only settings that exist, and have their secrets as files."""
import unittest

import k8s_hardening as hardening
import k8s_objects
from k8s_objects import named, pod_of
from k8s_plants import assert_found, container, variable, with_settings


def pod_spec(objects, kind="StatefulSet", name="stock"):
    """The spec of a workload's pods."""
    return pod_of(named(objects, kind, name))["spec"]


class Hardening(unittest.TestCase):
    """Checks of all overlays and gateways; each with what it has to find."""

    def test_everything_is_hard(self):
        for name, objects in k8s_objects.everything().items():
            for check in (hardening.security, hardening.secrets, hardening.known_settings, hardening.files):
                with self.subTest(overlay=name, check=check.__name__):
                    self.assertEqual(check(objects), [])

    def test_security(self):
        for plant, expected in (
                (lambda o: pod_spec(o)["securityContext"].update(runAsUser=0), "StatefulSet/stock: not so: runs as"),
                (lambda o: pod_spec(o)["securityContext"].pop("seccompProfile"), "seccomp"),
                (lambda o: pod_spec(o).pop("automountServiceAccountToken"), "has no token"),
                (lambda o: pod_spec(o).update(enableServiceLinks=True), "variables of services"),
                (lambda o: pod_spec(o).update(hostNetwork=True), "shares nothing of its node"),
                (lambda o: pod_spec(o)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
                 "no volume of its node"),
                (lambda o: pod_spec(o).update(initContainers=[{"name": "x"}]), "is one container"),
                (lambda o: container(o, "Job", "kassa-topics")["securityContext"].pop("readOnlyRootFilesystem"),
                 "Job/kassa-topics: not so: has a read-only root"),
                (lambda o: container(o, "CronJob", "kassa-audit")["securityContext"].pop("capabilities"), "drops all"),
                (lambda o: container(o, "StatefulSet", "stock")["resources"]["limits"].pop("memory"),
                 "limits lack memory"),
                (lambda o: named(o, "Namespace", "kassa")["metadata"]["labels"].update(
                    {"pod-security.kubernetes.io/enforce": "baseline"}), "restricted profile")):
            assert_found(self, hardening.security, "minikube", plant, expected)

    def test_settings(self):
        for plant, expected in (
                (lambda o: with_settings(o, KASSA_PARTITION="4"), "KASSA_PARTITION is no setting"),
                (lambda o: with_settings(o, KASSA_PARTITIONS="1000"), "KASSA_PARTITIONS=1000 is not in its range"),
                (lambda o: with_settings(o, KASSA_DRAIN_TIME="10"), "KASSA_DRAIN_TIME=10 is not in its range"),
                (lambda o: with_settings(o, KASSA_LOG_FORMAT="xml"), "KASSA_LOG_FORMAT=xml"),
                (lambda o: with_settings(o, KASSA_LANES="many"), "KASSA_LANES=many"),
                (lambda o: with_settings(o, KASSA_REDIS="redis://:secret@redis"), "KASSA_REDIS may hold a password"),
                (lambda o: with_settings(o, KASSA_RDKAFKA_SASL_PASSWORD="x"), "KASSA_RDKAFKA_SASL_PASSWORD may hold"),
                (lambda o: variable(o, "StatefulSet", "stock", "KASSA_POD").update(
                    valueFrom={"secretKeyRef": {"name": "x", "key": "y"}}), "KASSA_POD brings a secret"),
                (lambda o: container(o, "StatefulSet", "stock")["envFrom"].append({"secretRef": {"name": "x"}}),
                 "a secret becomes the environment")):
            assert_found(self, hardening.known_settings, "minikube", plant, expected)

    def test_secrets(self):
        secret = {"kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"url": "redis://:kassa@redis"}}
        assert_found(self, hardening.secrets, "minikube", lambda o: o.append(secret), "Secret/redis: a secret in a file")

    def test_files(self):
        for overlay, plant, expected in (
                ("minikube",
                 lambda o: variable(o, "StatefulSet", "stock", "KASSA_REDIS_FILE").update(value="/etc/kassa/url"),
                 "KASSA_REDIS_FILE=/etc/kassa/url is in no mounted secret"),
                ("minikube", lambda o: variable(o, "StatefulSet", "stock", "KASSA_REDIS_FILE").update(
                    value="/etc/kassa/redis/uri"), "needs uri of the secret redis"),
                ("minikube", lambda o: pod_spec(o)["volumes"][0]["secret"].update(secretName="peers"),
                 "of the secret peers"),
                ("minikube", lambda o: pod_spec(o)["volumes"][0]["secret"].update(defaultMode=0o444),
                 "everybody may read"),
                ("production", lambda o: pod_spec(o, "Deployment", "redis")["volumes"][1]["secret"].update(
                    secretName="redis-users"), "Deployment/redis: k8s/README.md does not list the secret redis-users"),
                ("minikube", lambda o: container(o, "CronJob", "kassa-audit")["volumeMounts"][0].update(name="x"),
                 "which is no secret of the pod"),
                ("production",
                 lambda o: next(each for each in pod_spec(o)["volumes"] if each["name"] == "kafka")["secret"][
                    "items"].pop(), "KASSA_RDKAFKA_SSL_KEY_LOCATION needs user.key")):
            assert_found(self, hardening.files, overlay, plant, expected)

    def test_ranges(self):
        for value, extent, fits in (
                ("8", "1…256", True), ("0", "1…256", False),
                ("auto", "auto, or 1…64", True), ("65", "auto, or 1…64", False),
                ("5s", "0ms…1h, in ms, s, m, h or d", True), ("2h", "0ms…1h, in ms, s, m, h or d", False),
                ("json", "text or json", True), ("yaml", "text or json", False), ("", "the path of a file", False)):
            self.assertEqual(hardening.fits(value, extent), fits, f"{value} in {extent}")


if __name__ == "__main__":
    unittest.main()
