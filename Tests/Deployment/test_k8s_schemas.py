"""Every rendered object is one that Kubernetes and the operators take."""
import unittest

import k8s_objects
import k8s_schemas
from k8s_objects import named, of_kind


class Schemas(unittest.TestCase):
    """Against three versions of Kubernetes, and against the operators' own definitions."""

    def test_everything_is_taken(self):
        for name, objects in k8s_objects.everything().items():
            self.assertGreater(len(objects), 10, name)
            for version in k8s_schemas.KUBERNETES:
                with self.subTest(overlay=name, version=version):
                    self.assertEqual(k8s_schemas.findings(objects, version), [])

    def test_misspelt_fields_are_found(self):
        plants = {
            "StatefulSet/orders": lambda each: each["spec"].update(minReadySecond=5),
            "NetworkPolicy/kassa-peers": lambda each: each["spec"].update(ingres=[]),
            "HorizontalPodAutoscaler/stock": lambda each: each["spec"].update(maxReplicas="many"),
            "PodDisruptionBudget/stock": lambda each: each["spec"].update(maxUnavailble=1),
            "CronJob/kassa-audit": lambda each: each["spec"].update(timezone="Etc/UTC"),
            "Kafka/kassa": lambda each: each["spec"]["kafka"].update(listener=[]),
            "KafkaNodePool/brokers": lambda each: each["spec"].update(roles=["brokr"]),
            "KafkaTopic/kassa.stock": lambda each: each["spec"].update(partitions="16"),
            "KafkaUser/kassa-pods": lambda each: each["spec"]["authentication"].update(type="password"),
            "Cluster/order-db": lambda each: each["spec"].update(instance=3),
            "Certificate/kassa-peers": lambda each: each["spec"].pop("secretName"),
            "Issuer/kassa-authority": lambda each: each["spec"].update(ca={"secret": "x"}),
            "PodMonitor/kassa": lambda each: each["spec"]["podMetricsEndpoints"][0].update(ports="operator"),
            "PrometheusRule/kassa": lambda each: each["spec"]["groups"][0]["rules"][0].update(exprs="1"),
        }
        self.assertEqual(self.missed(lambda: k8s_objects.overlay("production"), plants), [])

    def test_misspelt_fields_of_gateways_are_found(self):
        traefik = {
            "Middleware/kassa-retry": lambda each: each["spec"]["retry"].update(attempt=3),
            "IngressRoute/kassa": lambda each: each["spec"]["routes"][0].update(matches="x"),
            "ServersTransport/kassa": lambda each: each["spec"]["forwardingTimeouts"].update(dial="2s"),
        }
        self.assertEqual(self.missed(lambda: k8s_objects.with_gateway("traefik"), traefik), [])
        route = {"HTTPRoute/kassa": lambda each: each["spec"]["rules"][0].update(retry={"attempts": 1})}
        self.assertEqual(self.missed(lambda: k8s_objects.with_gateway("gateway-api"), route), [])

    def test_kinds_without_a_schema_are_found(self):
        objects = k8s_objects.overlay("minikube")
        objects.append({"apiVersion": "example.com/v1", "kind": "Unknown", "metadata": {"name": "x"}})
        self.assertEqual(len(k8s_schemas.findings(objects, "1.34")), 1)

    def test_schemas_say_where_they_are_from(self):
        for (version, kind), validator in k8s_schemas.custom().items():
            self.assertIn("spec", validator.schema["properties"], f"{version} {kind}")

    @staticmethod
    def missed(render, plants):
        """Plants that no version's check finds."""
        left = []
        for name, plant in plants.items():
            objects = render()
            plant(named(objects, *name.split("/")))
            for version in k8s_schemas.KUBERNETES:
                if not any(found.startswith(f"{name}:") for found in k8s_schemas.findings(
                        of_kind(objects, name.split("/", maxsplit=1)[0]), version)):
                    left.append(f"{name} of {version}")
        return left


if __name__ == "__main__":
    unittest.main()
