"""Alert rules, Alertmanager's routes and the dashboard: checked by their own tools, and against the running program."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import yaml

import pages
import program
import rules

SEVERITIES = {"warning", "critical"}
ALERT_TESTS = sorted(glob.glob(os.path.join(pages.ROOT, "Tests", "Deployment", "alerts", "*.yaml")))
GRAFANA_SCHEMA_MIN = 39
# The suffixes that a histogram's name has in Prometheus.
HISTOGRAM = ("_bucket", "_count", "_sum")
# What comes after `kassa_` in the names of metrics that pages mention; databases are called kassa_orders and the like.
FAMILIES = ["http", "log", "partition", "kafka", "ingest", "owners", "peers?", "postgres", "redis", "takeovers", "requests"]


def ran(*argv):
    """What a tool says when it is content; fails with what it says otherwise."""
    if not shutil.which(argv[0]):
        raise AssertionError(f"there is no {argv[0]}: scripts/system-packages --for test installs it")
    done = subprocess.run(argv, cwd=pages.ROOT, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def source_metrics():
    """name → kind of every metric that the sources have, those of clusters included."""
    found = {}
    for path in glob.glob(os.path.join(pages.ROOT, "Sources", "Platform", "Telemetry", "Metric*.swift")):
        with open(path, encoding="utf-8") as file:
            found |= dict(re.findall(r'Metric\(\s*"(\w+)",\s*\.(counter|gauge|histogram)', file.read()))
    return found


def served_metrics(text):
    """name → kind of every metric of a page in Prometheus' text format."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def base_name(name, kinds):
    """The metric to which a series belongs: of a histogram's series, the histogram."""
    for suffix in HISTOGRAM:
        stem = name.removesuffix(suffix)
        if name.endswith(suffix) and kinds.get(stem) == "histogram":
            return stem
    return name


def unit_tests():
    """Every test of promtool, with its file."""
    for path in ALERT_TESTS:
        with open(path, encoding="utf-8") as file:
            for test in yaml.safe_load(file)["tests"]:
                yield os.path.basename(path), test


def failed_without(pattern):
    """The alerts whose unit tests fail when what matches is taken out of the rules."""
    with tempfile.TemporaryDirectory() as folder:
        with open(rules.RULES, encoding="utf-8") as file:
            planted, count = re.subn(pattern, "", file.read())
        if not count:
            raise AssertionError(f"the rules have nothing like {pattern}")
        with open(os.path.join(folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write(planted)
        copies = []
        for path in ALERT_TESTS:
            with open(path, encoding="utf-8") as file:
                text = file.read().replace("../../../k8s/monitoring/rules.yaml", "rules.yaml")
            copies.append(os.path.join(folder, f"test-{os.path.basename(path)}"))
            with open(copies[-1], "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run(["promtool", "test", "rules", *copies], capture_output=True, text=True, check=False,
                              timeout=120)
    return set(re.findall(r"expr: .*alertname=\W+(Kassa\w+)", done.stdout + done.stderr))


class Alerts(unittest.TestCase):
    """k8s/monitoring/rules.yaml by itself."""

    def test_promtool_accepts_the_rules(self):
        """Their form and their expressions."""
        ran("promtool", "check", "rules", rules.RULES)

    def test_each_alert_says_what_it_is_and_what_to_do(self):
        """Severity, summary, description, runbook; names are unique and begin alike."""
        names = [alert["alert"] for alert in rules.alerts()]
        self.assertEqual(len(names), len(set(names)))
        for alert in rules.alerts():
            with self.subTest(alert["alert"]):
                self.assertRegex(alert["alert"], r"^Kassa[A-Z]\w+$")
                self.assertIn(alert["labels"]["severity"], SEVERITIES)
                self.assertEqual(set(alert["annotations"]), {"summary", "description", "runbook_url"})
                self.assertLessEqual(len(alert["annotations"]["summary"]), 100)
                self.assertRegex(alert["annotations"]["description"], r"\.$")

    def test_each_alert_fires_and_stays_quiet(self):
        """What the unit tests say, by promtool."""
        self.assertIn("SUCCESS", ran("promtool", "test", "rules", *ALERT_TESTS))

    def test_each_waiting_time_is_tested(self):
        """Without `for`, each alert that has one fires where its unit test wants quiet."""
        waiting = {alert["alert"] for alert in rules.alerts() if "for" in alert}
        self.assertGreater(len(waiting), 20)
        self.assertEqual(failed_without(r" +for: \w+\n"), waiting)

    def test_no_alert_is_without_a_unit_test(self):
        """Of each alert a moment at which it fires, and one at which it does not, with the same series."""
        seen = {}
        for _, test in unit_tests():
            for query in test.get("promql_expr_test", []):
                name = re.fullmatch(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', query["expr"])[1]
                seen.setdefault(name, set()).add(bool(query["exp_samples"]))
        self.assertEqual(seen, {alert["alert"]: {True, False} for alert in rules.alerts()})

    def test_critical_alerts_go_to_whoever_is_on_call(self):
        """By Alertmanager's own tool, for one alert of each severity: all names begin alike. Others wake nobody."""
        ran("amtool", "check-config", rules.ALERTMANAGER)
        for severity in sorted(SEVERITIES):
            alert = next(one for one in rules.alerts() if one["labels"]["severity"] == severity)
            found = ran("amtool", "config", "routes", "test", f"--config.file={rules.ALERTMANAGER}",
                        f"alertname={alert['alert']}", f"severity={severity}").split()
            self.assertEqual(found, ["on-call" if severity == "critical" else "team"], alert["alert"])

    def test_inhibitions_name_alerts_that_exist(self):
        """Every alert in Alertmanager's example."""
        with open(rules.ALERTMANAGER, encoding="utf-8") as file:
            configuration = yaml.safe_load(file)
        matchers = [matcher for rule in configuration["inhibit_rules"]
                    for matcher in rule["source_matchers"] + rule["target_matchers"]]
        named = {name for matcher in matchers for name in re.findall(r"Kassa\w+", matcher)}
        self.assertTrue(named)
        self.assertEqual(named - {alert["alert"] for alert in rules.alerts()}, set())


class Dashboard(unittest.TestCase):
    """k8s/monitoring/dashboard.json by itself."""

    @classmethod
    def setUpClass(cls):
        cls.board = rules.dashboard()
        cls.panels = list(rules.panels(cls.board))

    def test_it_has_the_rows_that_are_looked_for(self):
        """In their order."""
        rows = [panel["title"] for panel in self.board["panels"] if panel["type"] == "row"]
        self.assertEqual(rows, ["Overview", "Traffic", "Latency", "Saga", "Partitions", "Log", "Store", "Peers",
                                "Memory"])
        self.assertEqual({row for row, _ in self.panels}, set(rows))

    def test_grafana_can_take_it(self):
        """The schema's version, unique ids, panels that do not overlap, a data source that is chosen by a variable."""
        self.assertGreaterEqual(self.board["schemaVersion"], GRAFANA_SCHEMA_MIN)
        variables = {one["name"]: one for one in self.board["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        self.assertEqual(variables["datasource"]["query"], "prometheus")
        ids = [panel["id"] for panel in self.board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in self.board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            self.assertEqual(taken & cells, set(), f"{panel['title']} lies on another panel")
            taken |= cells

    def test_each_panel_explains_itself(self):
        """A title, a description, a unit, and the data source of the variable for each target."""
        for row, panel in self.panels:
            with self.subTest(row=row, panel=panel["title"]):
                self.assertTrue(panel["description"])
                self.assertTrue(panel["targets"])
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"], {"type": "prometheus", "uid": "${datasource}"})
                    self.assertTrue(target["legendFormat"])
                self.assertEqual(len({target["refId"] for target in panel["targets"]}), len(panel["targets"]))

    def test_each_variable_is_known(self):
        """No expression uses one that neither the dashboard nor Grafana has."""
        known = {one["name"] for one in self.board["templating"]["list"]} | {"__rate_interval"}
        for _, panel in self.panels:
            for target in panel["targets"]:
                self.assertEqual(set(re.findall(r"\$\{?(\w+)", target["expr"])) - known, set(), target["expr"])


class Running(unittest.TestCase):
    """Rules and dashboard against the program: an embedded server under some requests, and a Prometheus."""

    @classmethod
    def setUpClass(cls):
        cls.shop = program.Shop(rules.RULES)
        cls.addClassCleanup(cls.shop.close)
        # Rates need samples that differ: some scrapes with requests between them. The first comes after some seconds.
        program.wait_until(cls.scraped_while_buying, "Prometheus scraped five times", 60)
        cls.served = served_metrics(cls.shop.metrics())
        cls.sources = source_metrics()
        cls.expressions = [rules.filled_in(target["expr"])
                           for _, panel in rules.panels(rules.dashboard()) for target in panel["targets"]]
        cls.marks = [rules.filled_in(one["expr"]) for one in rules.dashboard()["annotations"]["list"]]

    @classmethod
    def scraped_while_buying(cls):
        """Buys something; then whether there are five samples of each metric."""
        cls.shop.buy()
        time.sleep(0.5)
        samples = cls.shop.query("count_over_time(kassa_ready[1m])")
        return bool(samples) and int(samples[0]["value"][1]) >= 5

    def test_the_sources_name_what_is_served(self):
        """The table of names in the sources is the real one."""
        self.assertGreater(len(self.served), 30)
        self.assertEqual({name: self.sources.get(name) for name in self.served}, self.served)

    def test_every_metric_that_is_used_exists(self):
        """In rules and on the dashboard: served by this server, or one of a cluster's in the sources."""
        used = set().union(*(rules.names(one) for one in self.expressions + self.marks),
                           *(rules.names(rule["expr"]) for rule in rules.all_rules()))
        used -= rules.OWN_NAMES | rules.recorded()
        unknown = {name for name in used if base_name(name, self.sources) not in self.sources}
        self.assertEqual(unknown, set(), "these metrics do not exist: were they renamed?")
        only_clusters = {base_name(name, self.sources) for name in used} - set(self.served)
        clusters = re.compile(r"kassa_(kafka|ingest|owners|peers?|postgres|redis)_")
        self.assertEqual([name for name in only_clusters if not clusters.match(name)], [],
                         "not served by an embedded server, and not a cluster's")

    def test_every_metric_in_the_pages_exists(self):
        """Names in docs and in the descriptions of alerts."""
        texts = {page: pages.text(page) for page in pages.tracked() if re.fullmatch(r"docs/.*\.md", page)}
        texts["rules.yaml"] = pages.text("k8s/monitoring/rules.yaml")
        pattern = re.compile(rf"(?<![\w:])(?:kassa_(?:{'|'.join(FAMILIES)})_\w+|process_\w+)\b")
        for page, text in texts.items():
            for name in pattern.findall(text):
                with self.subTest(page=page, name=name):
                    # A family such as kassa_kafka_… stands for all of its metrics.
                    known = name.endswith("_") or base_name(name, self.sources) in self.sources
                    self.assertTrue(known, f"{page} names {name}, which is no metric")

    def test_counters_are_asked_for_their_growth_only(self):
        """A counter's own value says nothing after a restart: rate and its like take it, or a comparison with 0."""
        for expression in self.expressions + [rule["expr"] for rule in rules.all_rules()]:
            for name in rules.names(expression):
                if self.sources.get(name) != "counter":
                    continue
                with self.subTest(expression=expression, name=name):
                    raw = re.findall(rf"(\w+)\s*\(\s*{name}\b", expression)
                    ranged = all(one in {"rate", "increase", "changes"} for one in raw) and raw
                    self.assertTrue(ranged or name == "kassa_postgres_damaged_rows_total", expression)

    def test_every_expression_is_answered(self):
        """Without an error; with samples where all of its metrics are served."""
        with_data = 0
        for expression in self.expressions:
            with self.subTest(expression=expression):
                samples = self.shop.query(expression)
                if {base_name(name, self.sources) for name in rules.names(expression)} <= set(self.served):
                    self.assertTrue(samples, "no data")
                    with_data += 1
        self.assertGreater(with_data, 30)
        for expression in self.marks:
            self.assertEqual(self.shop.query(expression), [], "the server has started once")

    def test_the_rules_are_evaluated(self):
        """Prometheus has all of them, none fails, and a server that is well fires none."""
        wanted = [rule.get("alert") or rule["record"] for rule in rules.all_rules()]
        program.wait_until(lambda: all(rule["health"] != "unknown" for rule in self.shop.rules()),
                           "each rule was evaluated once", 60)
        found = self.shop.rules()
        self.assertEqual(sorted(rule["name"] for rule in found), sorted(wanted))
        self.assertEqual([(rule["name"], rule.get("lastError")) for rule in found if rule["health"] != "ok"], [])
        self.assertEqual(self.shop.query('ALERTS{alertstate="firing"}'), [])

    def test_labels_are_those_that_the_expressions_name(self):
        """The route of a checkout, and the classes of statuses."""
        samples = self.shop.query("kassa_http_request_duration_seconds_count")
        self.assertIn("/orders/checkout/{order_id}", {sample["metric"]["route"] for sample in samples})
        self.assertEqual({"2xx", "4xx"}, {sample["metric"]["status"] for sample in samples})
        routes = {route for expression in self.expressions + [rule["expr"] for rule in rules.all_rules()]
                  for route in re.findall(r'route="([^"]+)"', expression)}
        self.assertEqual(routes, {"/orders/checkout/{order_id}"})


if __name__ == "__main__":
    unittest.main()
