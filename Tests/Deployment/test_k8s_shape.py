"""What belongs together in the rendered objects fits."""
import re
import unittest

import chart
import k8s_checks as checks
import k8s_objects
import k8s_pages
from k8s_objects import named, pod_of
from k8s_plants import assert_found, container, variable, with_settings

ALL = (checks.selectors, checks.names, checks.service_ports, checks.routes, checks.retries, checks.budgets,
       checks.scaling, checks.grace, checks.probes, checks.images)


def labels_of(objects, kind, name):
    """The labels of a workload's pods."""
    return pod_of(named(objects, kind, name))["metadata"]["labels"]


def spec_of(objects, kind, name):
    """An object's spec."""
    return named(objects, kind, name)["spec"]


def told_of(objects):
    """The number of partitions that the config map says."""
    return named(objects, "ConfigMap", "kassa")["data"]["KASSA_PARTITIONS"]


class Shape(unittest.TestCase):
    """Checks of all overlays and gateways; each with what it has to find."""

    def test_everything_fits(self):
        for name, objects in k8s_objects.everything().items():
            for check in ALL:
                with self.subTest(overlay=name, check=check.__name__):
                    self.assertEqual(check(objects), [])

    def test_topics_of_overlays(self):
        for name in k8s_objects.OVERLAYS:
            with self.subTest(overlay=name):
                self.assertEqual(checks.topics(k8s_objects.overlay(name)), [])

    def test_topics_of_ingest(self):
        """With the component, once the settings ask for them; without it they are missing."""
        objects = k8s_objects.overlay("production")
        with_settings(objects, KASSA_INGEST="on")
        asked = "the topics have to be kassa.orders, kassa.orders.ingest, kassa.owners, "
        self.assertTrue(any(one.startswith(asked) for one in checks.topics(objects)), checks.topics(objects))
        added = k8s_objects.K8S / "components" / "ingest-topics" / "topics.yaml"
        objects += k8s_objects.parsed(added.read_text(encoding="utf-8"))
        self.assertEqual(checks.topics(objects), [])
        with_settings(objects, KASSA_INGEST="off")
        self.assertIn("the topics have to be", checks.topics(objects)[0])

    def test_all_have_the_same_partitions(self):
        """So that the data of one deployment fits another."""
        found = {name: told_of(objects) for name, objects in k8s_objects.everything().items()}
        self.assertEqual(found, dict.fromkeys(found, k8s_objects.PARTITIONS))

    def test_the_topics_job_takes_its_partitions_from_the_settings(self):
        """So only one place decides; Strimzi's topics are held against it by `topics`."""
        for name, objects in k8s_objects.everything().items():
            job = named(objects, "Job", "kassa-topics")
            if job is not None:
                with self.subTest(overlay=name):
                    arguments = pod_of(job)["spec"]["containers"][0]["args"]
                    self.assertEqual(arguments[arguments.index("--partitions") + 1], "$(KASSA_PARTITIONS)")
                    self.assertEqual(arguments[arguments.index("--ingest") + 1], "$(KASSA_INGEST)")
        self.assertIsNotNone(named(k8s_objects.overlay("minikube"), "Job", "kassa-topics"))

    def test_overlays_have_the_pods_that_they_promise(self):
        wanted = {"minikube": 1, "production": 3, "split-roles": 3}
        for name, count in wanted.items():
            objects = k8s_objects.overlay(name)
            owners = [each for each, labels, _ in k8s_objects.servers(objects) if labels["kassa-role"] != "api"]
            self.assertEqual(len(owners), 3)
            self.assertEqual({k8s_objects.replicas(objects, each) for each in owners}, {count}, name)

    def test_the_audit_can_be_run_at_once(self):
        """What the README makes a Job of is there, in the overlay and in the chart, and is a whole Job's template."""
        name, = set(re.findall(r"create job --from=cronjob/(\S+) ", (k8s_objects.K8S / "README.md").read_text(encoding="utf-8")))
        for objects in (k8s_objects.overlay("production"), chart.objects(chart.PRODUCTION)):
            cron = named(objects, "CronJob", name)
            self.assertEqual(pod_of(cron)["spec"]["containers"][0]["args"], ["verify"])
            self.assertEqual(cron["spec"]["jobTemplate"]["spec"]["backoffLimit"], 0)

    def test_no_service_leads_to_the_operator_port(self):
        """So a PodMonitor asks for metrics, as the README says."""
        for name, objects in k8s_objects.everything().items():
            for service in k8s_objects.of_kind(objects, "Service"):
                self.assertNotIn("operator", [each["targetPort"] for each in service["spec"]["ports"]], name)
        monitor = named(k8s_objects.overlay("production"), "PodMonitor", "kassa")
        self.assertEqual([each["port"] for each in monitor["spec"]["podMetricsEndpoints"]], ["operator"])

    def test_selectors(self):
        for overlay, plant, expected in (
                ("minikube", lambda o: labels_of(o, "StatefulSet", "orders").update({"kassa-role": "owner"}),
                 "StatefulSet/orders: its selector"),
                ("minikube",
                 lambda o: spec_of(o, "Service", "stock")["selector"].update({"app.kubernetes.io/name": "x"}),
                 "Service/stock: selects no pod"),
                ("minikube", lambda o: spec_of(o, "Service", "stock")["selector"].pop("app.kubernetes.io/component"),
                 "Service/stock: selects pods of"),
                ("production",
                 lambda o: spec_of(o, "HorizontalPodAutoscaler", "stock")["scaleTargetRef"].update(name="s"),
                 "StatefulSet/s does not exist"),
                ("production", lambda o: spec_of(o, "PodMonitor", "kassa")["selector"]["matchLabels"].update(a="b"),
                 "PodMonitor/kassa: selects no pod"),
                ("production", lambda o: spec_of(o, "PodDisruptionBudget", "orders")["selector"]["matchLabels"].update(
                    {"kassa-role": "api"}), "PodDisruptionBudget/orders: selects no pod"),
                ("production", lambda o: spec_of(o, "NetworkPolicy", "order-db")["podSelector"]["matchLabels"].update(
                    {"cnpg.io/cluster": "orders"}), "NetworkPolicy/order-db: selects no pod"),
                ("production",
                 lambda o: pod_of(named(o, "StatefulSet", "stock"))["spec"]["topologySpreadConstraints"][0][
                    "labelSelector"]["matchLabels"].update(a="b"), "StatefulSet/stock: its spread")):
            assert_found(self, checks.selectors, overlay, plant, expected)

    def test_names(self):
        for plant, expected in (
                (lambda o: spec_of(o, "StatefulSet", "orders").update(serviceName="peers"), "peers does not exist"),
                (lambda o: spec_of(o, "Service", "orders-peers").pop("clusterIP"), "has to be headless"),
                (lambda o: spec_of(o, "Service", "orders-peers").update(publishNotReadyAddresses=False), "not ready"),
                (lambda o: spec_of(o, "StatefulSet", "orders").update(serviceName="stock-peers"),
                 "does not mean its pods")):
            assert_found(self, checks.names, "minikube", plant, expected)

    def test_ports(self):
        for overlay, plant, expected in (
                ("minikube", lambda o: spec_of(o, "Service", "stock")["ports"][0].update(targetPort="https"),
                 "Service/stock: pods have no port https"),
                ("minikube", lambda o: with_settings(o, KASSA_HTTP="0.0.0.0:8080"), "KASSA_HTTP=0.0.0.0:8080"),
                ("minikube", lambda o: with_settings(o, KASSA_OPERATOR="127.0.0.1:9000"), "KASSA_OPERATOR=127.0.0.1:9000"),
                ("minikube", lambda o: container(o, "StatefulSet", "stock")["env"].reverse(), "POD_IP must come before"),
                ("minikube", lambda o: variable(o, "StatefulSet", "stock", "KASSA_PEERS_ADVERTISE").update(value="a:1"),
                 "KASSA_PEERS_ADVERTISE=a:1"),
                ("production",
                 lambda o: spec_of(o, "PodMonitor", "kassa")["podMetricsEndpoints"][0].update(port="metrics"),
                 "PodMonitor/kassa: pods have no port metrics")):
            assert_found(self, checks.service_ports, overlay, plant, expected)

    def test_routes(self):
        def paths(objects):
            return spec_of(objects, "Ingress", "kassa")["rules"][0]["http"]["paths"]
        def first(objects):
            return paths(objects)[0]
        for overlay, plant, expected in (
                ("minikube", lambda o: first(o)["backend"]["service"].update(name="stock"), "/orders leads to stock"),
                ("minikube", lambda o: first(o)["backend"]["service"]["port"].update(name="web"), "does not exist"),
                ("minikube", lambda o: first(o).update(path="/order"), "no route for /orders"),
                ("minikube", lambda o: first(o).update(pathType="Exact"), "/orders is not for the paths below it"),
                ("production", lambda o: paths(o)[-1].update(pathType="Prefix"),
                 "/openapi.json is for the paths below it"),
                ("production", lambda o: paths(o).pop(), "Ingress: no route for /openapi.json"),
                ("production", lambda o: paths(o).pop(-2), "Ingress: no route for /problems"),
                ("minikube", lambda o: paths(o)[-1]["backend"]["service"].update(name="stock"),
                 "/openapi.json leads to stock"),
                ("split-roles", lambda o: spec_of(o, "Service", "orders")["selector"].pop("kassa-role"),
                 "StatefulSet/orders-owner, which refuses it"),
                ("traefik", lambda o: spec_of(o, "IngressRoute", "kassa")["routes"].pop(-2), "no route for /payment"),
                ("traefik", lambda o: spec_of(o, "IngressRoute", "kassa")["routes"].pop(),
                 "IngressRoute: no route for /problems"),
                ("traefik", lambda o: spec_of(o, "IngressRoute", "kassa")["routes"][-1].update(
                    match="Path(`/openapi.json`) || Path(`/problems`) || PathPrefix(`/problems/`)"),
                 "/problems is for the paths below it"),
                ("gateway-api", lambda o: spec_of(o, "HTTPRoute", "kassa")["rules"][-1]["matches"].pop(),
                 "HTTPRoute: no route for /openapi.json"),
                ("gateway-api", lambda o: spec_of(o, "HTTPRoute", "kassa")["rules"][-1]["matches"][0]["path"].update(
                    type="PathPrefix"), "/problems is for the paths below it"),
                ("gateway-api",
                 lambda o: spec_of(o, "HTTPRoute", "kassa")["rules"][0]["backendRefs"][0].update(port=80),
                 "leads to orders:80")):
            assert_found(self, checks.routes, overlay, plant, expected)

    def test_retries(self):
        prefix = "nginx.ingress.kubernetes.io/"
        def annotate(objects, key, value):
            named(objects, "Ingress", "kassa")["metadata"]["annotations"][prefix + key] = value
        for overlay, plant, expected in (
                ("minikube", lambda o: annotate(o, "proxy-next-upstream", "error http_503 non_idempotent"),
                 "may repeat what had an effect"),
                ("minikube", lambda o: named(o, "Ingress", "kassa")["metadata"]["annotations"].clear(), "the default"),
                ("minikube", lambda o: annotate(o, "proxy-read-timeout", "10"), "/orders: waits 10 s"),
                ("minikube", lambda o: with_settings(o, KASSA_BATCH_DEADLINE="5m"), "KASSA_BATCH_DEADLINE is 300 s"),
                ("traefik", lambda o: spec_of(o, "Middleware", "kassa-retry")["retry"].update(status=["500-599"]),
                 "may repeat 503 only"),
                ("traefik", lambda o: spec_of(o, "ServersTransport", "kassa")["forwardingTimeouts"].update(
                    responseHeaderTimeout="5s"), "waits 5 s"),
                ("gateway-api", lambda o: spec_of(o, "HTTPRoute", "kassa")["rules"][-1].pop("timeouts"),
                 "/openapi.json: waits 0 s"),
                ("gateway-api", lambda o: spec_of(o, "HTTPRoute", "kassa")["rules"][0].pop("timeouts"), "waits 0 s")):
            assert_found(self, checks.retries, overlay, plant, expected)

    def test_budgets(self):
        for overlay, plant, expected in (
                ("production", lambda o: spec_of(o, "PodDisruptionBudget", "stock").update(maxUnavailable=0),
                 "blocks every"),
                ("production", lambda o: (spec_of(o, "PodDisruptionBudget", "stock").pop("maxUnavailable"),
                                          spec_of(o, "PodDisruptionBudget", "stock").update(minAvailable=3)),
                                          "blocks every"),
                ("production", lambda o: spec_of(o, "HorizontalPodAutoscaler", "stock").update(minReplicas=1),
                 "at once"),
                ("split-roles", lambda o: spec_of(o, "PodDisruptionBudget", "stock-api").update(maxUnavailable="10%"),
                 "is rounded")):
            assert_found(self, checks.budgets, overlay, plant, expected)

    def test_scaling(self):
        for plant, expected in (
                (lambda o: with_settings(o, KASSA_PARTITIONS="4"), "up to 8 pods, and there are 4 partitions"),
                (lambda o: spec_of(o, "StatefulSet", "stock").update(replicas=3), "would undo")):
            assert_found(self, checks.scaling, "production", plant, expected)

    def test_grace(self):
        for plant, expected in (
                (lambda o: with_settings(o, KASSA_DRAIN_TIME="30s"), "is 60, and an end may take 65"),
                (lambda o: with_settings(o, KASSA_DRAIN_DELAY="6s"), "KASSA_DRAIN_DELAY is 6s, the default 5s"),
                (lambda o: pod_of(named(o, "StatefulSet", "stock"))["spec"].pop("terminationGracePeriodSeconds"),
                 "StatefulSet/stock: terminationGracePeriodSeconds is 30"),
                (lambda o: container(o, "StatefulSet", "stock")["readinessProbe"].update(periodSeconds=10),
                 "before its readiness probe"),
                (lambda o: container(o, "StatefulSet", "stock").update(lifecycle={"preStop": {"sleep": {"seconds": 5}}}),
                 "its preStop hook takes of the grace")):
            assert_found(self, checks.grace, "production", plant, expected)

    def test_probes(self):
        for plant, expected in (
                (lambda o: container(o, "StatefulSet", "stock")["livenessProbe"]["httpGet"].update(path="/readyz"),
                 "livenessProbe asks"),
                (lambda o: container(o, "StatefulSet", "stock").pop("startupProbe"), "startupProbe asks None")):
            assert_found(self, checks.probes, "minikube", plant, expected)

    def test_images(self):
        for overlay, plant, expected in (
                ("minikube", lambda o: container(o, "Job", "kassa-topics").update(image="kassa"), "has no version"),
                ("minikube", lambda o: container(o, "StatefulSet", "stock").update(image="kassa:latest"),
                 "has no version"),
                ("minikube", lambda o: container(o, "StatefulSet", "stock").update(image="kassa:0.0.1"),
                 "is not of the version"),
                ("production", lambda o: spec_of(o, "Cluster", "order-db").update(imageName="a.b:5000/postgresql"),
                 "Cluster/order-db: the image")):
            assert_found(self, checks.images, overlay, plant, expected)

    def test_topics(self):
        for overlay, plant, expected in (
                ("minikube", lambda o: o.remove(named(o, "Job", "kassa-topics")), "nobody makes the topics"),
                ("production", lambda o: o.remove(named(o, "KafkaTopic", "kassa.owners")), "the topics have to be"),
                ("production", lambda o: with_settings(o, KASSA_PARTITIONS="32"), "kassa.stock: has 8 partitions"),
                ("production", lambda o: spec_of(o, "KafkaTopic", "kassa.stock").update(replicas=2), "has 2 replicas"),
                *(("production",
                   lambda o, s=setting, v=value: spec_of(o, "KafkaTopic", "kassa.stock")["config"].update({s: v}),
                   f"{setting} is {value}") for setting, value in (
                       ("cleanup.policy", "compact"), ("retention.ms", 3600000), ("retention.bytes", 1),
                       ("min.insync.replicas", 1), ("max.message.bytes", 1000), ("compression.type", "zstd"),
                       ("message.timestamp.type", "CreateTime"),
                       ("unclean.leader.election.enable", True))),
                *(("production",
                   lambda o, s=setting, v=value: spec_of(o, "KafkaTopic", "kassa.owners")["config"].update({s: v}),
                   f"kassa.owners: {setting} is {value}") for setting, value in (
                       ("cleanup.policy", "delete"), ("segment.ms", 600001), ("min.cleanable.dirty.ratio", 0.5),
                       ("min.insync.replicas", 1), ("message.timestamp.type", "CreateTime"),
                       ("unclean.leader.election.enable", True))),
                ("production", lambda o: spec_of(o, "KafkaTopic", "kassa.owners")["config"].pop("segment.ms"),
                 "segment.ms is None"),
                ("production", lambda o: spec_of(o, "KafkaTopic", "kassa.owners").update(partitions=8),
                 "kassa.owners: has 8 partitions")):
            assert_found(self, checks.topics, overlay, plant, expected)

    def test_every_setting_of_the_page_has_a_planted_error(self):
        """A new line of the tables in docs/kafka.md is no news to the test above."""
        three, owners = k8s_pages.topic_settings()
        self.assertEqual({name for name in three if "." in name}, {
            "cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas", "max.message.bytes",
            "compression.type", "message.timestamp.type", "unclean.leader.election.enable"})
        self.assertEqual({name for name in owners if "." in name}, {
            "cleanup.policy", "segment.ms", "min.cleanable.dirty.ratio"})

    def test_a_page_without_its_tables_is_found(self):
        page = (k8s_objects.ROOT / "docs" / "kafka.md").read_text(encoding="utf-8")
        changed = k8s_pages.topic_settings(page.replace("`delete`", "`compact`"))
        self.assertEqual(changed[0]["cleanup.policy"], "`compact`")
        with self.assertRaisesRegex(AssertionError, "no tables of topics' settings"):
            k8s_pages.topic_settings(page.replace("| setting of ", "| configuration of "))


if __name__ == "__main__":
    unittest.main()
