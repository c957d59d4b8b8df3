"""The alert rules and the dashboard, and which names they use."""
# pylint: disable=no-member; promql_parser is compiled, and pylint does not see what is in it.
import json
import os

import promql_parser
import yaml

import pages

FOLDER = os.path.join(pages.ROOT, "k8s", "monitoring")
RULES = os.path.join(FOLDER, "rules.yaml")
DASHBOARD = os.path.join(FOLDER, "dashboard.json")
ALERTMANAGER = os.path.join(FOLDER, "alertmanager.yaml")

# What Prometheus makes by itself.
OWN_NAMES = {"up", "ALERTS"}


def groups():
    """The groups of rules."""
    with open(RULES, encoding="utf-8") as file:
        return yaml.safe_load(file)["groups"]


def all_rules():
    """Alerts and recording rules in their order."""
    return [rule for group in groups() for rule in group["rules"]]


def alerts():
    """The alerts."""
    return [rule for rule in all_rules() if "alert" in rule]


def recorded():
    """The names of recording rules."""
    return {rule["record"] for rule in all_rules() if "record" in rule}


def dashboard():
    """The dashboard as it stands in its file."""
    with open(DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def panels(board):
    """(row, panel) of every panel of a dashboard but rows themselves, whether rows are folded or not."""
    row = ""
    for panel in board["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            for inner in panel.get("panels", []):
                yield row, inner
        else:
            yield row, panel


def filled_in(expression):
    """An expression of the dashboard as Grafana sends it, with its variables at their widest."""
    for name, value in (("$__rate_interval", "1m"), ("$__interval", "15s"), ("$__range", "1h"),
                        ("$namespace", ".*"), ("$instance", ".*"), ("$service", ".*")):
        expression = expression.replace(name, value)
    return expression


def names(expression):
    """The names of metrics in an expression.

    Raises ValueError when it cannot be parsed.
    """
    found = set()
    _collect(promql_parser.parse(expression), found)
    return found


def _collect(node, found):
    if isinstance(node, promql_parser.VectorSelector):
        if not node.name:
            raise ValueError("a selector without a name: nobody can see whether its metric exists")
        found.add(node.name)
        return
    for part in ("expr", "lhs", "rhs", "vector_selector", "vs", "param", "args"):
        inner = getattr(node, part, None)
        for one in inner if isinstance(inner, (list, tuple)) else [inner]:
            if isinstance(one, promql_parser.Expr):
                _collect(one, found)
