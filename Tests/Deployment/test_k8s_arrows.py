"""Network policies let through what the settings need, and nothing else."""
import unittest

import k8s_arrows
import k8s_objects
from k8s_objects import named
from k8s_plants import assert_found, with_settings

WITH_POLICIES = ("production", "split-roles", "traefik", "gateway-api")


def spec_of(objects, name):
    """A policy's spec."""
    return named(objects, "NetworkPolicy", name)["spec"]


class Arrows(unittest.TestCase):
    """Every pod against everybody, at every port, in both directions."""

    def test_what_is_allowed_is_what_is_needed(self):
        rendered = k8s_objects.everything()
        for name in WITH_POLICIES:
            with self.subTest(overlay=name):
                self.assertEqual(k8s_arrows.findings(rendered[name]), [])

    def test_the_arrows_are_all_there(self):
        arrows = k8s_arrows.needed(k8s_objects.overlay("production"))
        for arrow in (("StatefulSet/orders", "in", "Ingress", 8000, "TCP"),
                      ("StatefulSet/orders", "out", "StatefulSet/payments", 7000, "TCP"),
                      ("StatefulSet/stock", "out", "Kafka", 9093, "TCP"),
                      ("StatefulSet/stock", "out", "stock-db-app", 5432, "TCP"),
                      ("StatefulSet/stock", "out", "Deployment/redis", 6379, "TCP"),
                      ("Deployment/redis", "in", "StatefulSet/orders", 6379, "TCP"),
                      ("StatefulSet/payments", "in", "Prometheus", 9000, "TCP"),
                      ("CronJob/kassa-audit", "out", "payment-db-app", 5432, "TCP")):
            self.assertIn(arrow, arrows)
        split = k8s_arrows.needed(k8s_objects.overlay("split-roles"))
        self.assertNotIn(("StatefulSet/orders-owner", "in", "Ingress", 8000, "TCP"), split)
        self.assertNotIn(("Deployment/orders-api", "out", "order-db", 5432, "TCP"), split)

    def test_what_is_missing_or_too_much_is_found(self):
        nobody, unneeded = "needed, and no policy allows it", "allowed, and nothing needs it"
        for overlay, plant, expected in (
                ("production", lambda o: with_settings(o, KASSA_KAFKA_BROKERS="kassa-kafka-bootstrap:9092"),
                 f"Kafka 9092/TCP: {nobody}"),
                ("production", lambda o: o.remove(named(o, "NetworkPolicy", "kassa-to-dns")), f"DNS 53/UDP: {nobody}"),
                ("production", lambda o: o.remove(named(o, "NetworkPolicy", "kassa-nothing")),
                 f"CronJob/kassa-audit in stranger 22/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "kassa-from-gateway")["ingress"][0].pop("from"),
                 f"in stranger elsewhere 8000/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "kassa-from-prometheus")["ingress"][0].pop("ports"),
                 f"in Prometheus 22/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "kassa-to-redis")["podSelector"].pop("matchExpressions"),
                 f"StatefulSet/payments out Deployment/redis 6379/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "redis")["ingress"][0]["from"][0].pop("podSelector"),
                 f"Deployment/redis in StatefulSet/payments 6379/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "redis")["policyTypes"].remove("Egress"),
                 f"Deployment/redis out stranger elsewhere 443/TCP: {unneeded}"),
                ("production", lambda o: spec_of(o, "redis").update(ingress=[]),
                 f"Deployment/redis in StatefulSet/orders 6379/TCP: {nobody}"),
                ("production", lambda o: spec_of(o, "stock-to-postgres")["egress"][0]["to"][0]["podSelector"][
                    "matchLabels"].update({"cnpg.io/cluster": "order-db"}),
                    f"StatefulSet/stock out stock-db-app 5432/TCP: {nobody}"),
                ("production", lambda o: spec_of(o, "kassa-peers").update(egress=[]),
                 f"out StatefulSet/stock 7000/TCP: {nobody}"),
                ("split-roles", lambda o: spec_of(o, "kassa-from-gateway")["podSelector"].pop("matchExpressions"),
                 f"StatefulSet/orders-owner in Ingress 8000/TCP: {unneeded}"),
                ("split-roles", lambda o: spec_of(o, "orders-to-postgres")["podSelector"]["matchExpressions"].pop(),
                 f"Deployment/orders-api out order-db 5432/TCP: {unneeded}"),
                ("traefik", lambda o: spec_of(o, "kassa-from-gateway")["ingress"][0]["from"][0]["namespaceSelector"][
                    "matchLabels"].update({"kubernetes.io/metadata.name": "ingress-nginx"}),
                    f"in IngressRoute 8000/TCP: {nobody}")):
            assert_found(self, k8s_arrows.findings, overlay, plant, expected)


if __name__ == "__main__":
    unittest.main()
