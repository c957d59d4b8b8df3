"""Holds what the clients saw against what the shop shows afterwards: both are in the log of a run."""
import collections
import dataclasses
import json

# Refusals that a buyer without luck may see; a shop without codes answers with a bare 4xx.
EXPECTED_CODES = {"out_of_stock", "out_of_credit", ""}
EXPECTED_STATUSES = {400, 409}
EXAMPLES_MAX = 5


@dataclasses.dataclass
class Verdict:  # pylint: disable=too-many-instance-attributes
    """The figures of a run and what is wrong with them."""

    buyers: int
    stock: int
    paid: int = 0
    refused: int = 0
    unresolved: int = 0
    repeated: int = 0
    left: int = 0
    charged: int = 0
    seconds: float = 0.0
    findings: list = dataclasses.field(default_factory=list)


def read(path):
    """The lines of a log by kind; of buyers by their number."""
    kinds = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            kinds[record["kind"]].append(record)
    return kinds


def of_buyer(plan, seen, shown):
    """What is wrong for one buyer, as sentences."""
    name = f"buyer {seen['buyer']} (user {seen['user']}, order {seen['order']})"
    spent = plan["credit"] - shown["credit"]
    wrong = []
    if seen["outcome"] == "unresolved":
        last = f"{seen['status']} {seen['code']}".rstrip()
        wrong.append(f"{name}: unresolved after {seen['attempts']} attempts, the last answer was {last}")
        expected = shown["paid"]
    else:
        expected = seen["outcome"] == "paid"
        if shown["paid"] is not expected:
            wrong.append(f"{name}: saw {seen['outcome']}, but the order shows paid: {json.dumps(shown['paid'])}")
    if shown["charged"] is not expected:
        wrong.append(f"{name}: {seen['outcome']}, but payment shows paid: {json.dumps(shown['charged'])}")
    if spent != (plan["price"] if expected else 0):
        wrong.append(f"{name}: {seen['outcome']}, but was charged {spent} at a price of {plan['price']}")
    if seen["outcome"] == "refused" and (
            seen["status"] not in EXPECTED_STATUSES or seen["code"] not in EXPECTED_CODES):
        wrong.append(f"{name}: refused for no reason that fits: {seen['status']} {seen['code']}".rstrip())
    return wrong


def of_sums(plan, verdict, sold, sales):
    """What is wrong with stock and money as a whole, as sentences."""
    wrong = []
    if sold + verdict.left != plan["stock"]:
        wrong.append(f"stock is not conserved: {plan['stock']} units at first, {sold} in paid orders, "
                     f"{verdict.left} left")
    if verdict.charged != sold * plan["price"]:
        wrong.append(f"money is not conserved: {sold} orders paid at {plan['price']}, "
                     f"{verdict.charged} charged in all")
    if sold != sales:
        wrong.append(f"{sold} orders are paid; it should be {sales}")
    if verdict.paid > sold:
        wrong.append(f"{verdict.paid} buyers saw a success; {sold} orders are paid")
    return wrong


def judge(path, sales):
    """The verdict on the run whose log is at a path, of which `sales` orders have to be paid."""
    kinds = read(path)
    plan = kinds["item"][0]
    seen = {record["buyer"]: record for record in kinds["outcome"]}
    shown = {record["buyer"]: record for record in kinds["shown"]}
    verdict = Verdict(plan["buyers"], plan["stock"], left=kinds["stock"][0]["stock"])
    counts = collections.Counter(record["outcome"] for record in seen.values())
    verdict.paid, verdict.refused, verdict.unresolved = (counts[one] for one in ("paid", "refused", "unresolved"))
    verdict.repeated = sum(record["attempts"] - 1 for record in seen.values())
    verdict.charged = sum(plan["credit"] - record["credit"] for record in shown.values())
    sold = sum(record["paid"] is True for record in shown.values())
    everybody = set(range(plan["buyers"]))
    if set(seen) != everybody or set(shown) != everybody:
        verdict.findings.append(
            f"the log has {len(seen)} outcomes and {len(shown)} readings of {len(everybody)} buyers")
    verdict.findings += of_sums(plan, verdict, sold, sales)
    for number in sorted(everybody & set(seen) & set(shown)):
        verdict.findings += of_buyer(plan, seen[number], shown[number])
    return verdict


def table(verdicts):
    """The figures of all runs as lines of text."""
    heads = ("buyers", "stock", "paid", "refused", "unresolved", "repeated", "left", "charged", "seconds", "verdict")
    rows = [heads]
    for one in verdicts:
        rows.append((*(str(getattr(one, head)) for head in heads[:-2]), f"{one.seconds:.2f}",
                     f"{len(one.findings)} wrong" if one.findings else "exact"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]


def sentences(verdict):
    """The findings of a run, the first few in full."""
    lines = [f"{verdict.buyers} buyers: {one}" for one in verdict.findings[:EXAMPLES_MAX]]
    more = len(verdict.findings) - len(lines)
    return lines + ([f"{verdict.buyers} buyers: and {more} more of the kind; the log has them"] if more > 0 else [])
