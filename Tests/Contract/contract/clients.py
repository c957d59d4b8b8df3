"""A client that openapi-python-client makes from the server's document: it is made without complaint, and buys."""

import importlib
import json
import pathlib
import subprocess
import sys
import tempfile


def run(*command, **options):
    """What a command said; it has to succeed."""
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout}"
    return ended.stdout


def write_document(client, folder):
    path = pathlib.Path(folder) / "openapi.json"
    path.write_text(json.dumps(client.document.raw), encoding="utf-8")
    return path


def buy(url):
    """One purchase, with nothing but what was generated."""

    def operation(name):
        return importlib.import_module(f"kassa_client.api.{name}").sync

    problems = importlib.import_module("kassa_client.models.problem").Problem
    lines = importlib.import_module("kassa_client.models.order_item").OrderItem
    to = importlib.import_module("kassa_client.client").Client(base_url=url)
    user = operation("payment.create_user")(client=to, idempotency_key="generated-user").user_id
    assert operation("payment.create_user")(client=to, idempotency_key="generated-user").user_id == user
    assert operation("payment.add_funds")(user, 100, client=to).done
    item = operation("stock.create_item")(7, client=to).item_id
    assert operation("stock.add_stock")(item, 3, client=to).done
    order = operation("orders.create_order")(user, client=to).order_id
    assert operation("orders.add_item")(order, item, client=to).total_cost == 7
    assert operation("orders.set_item")(order, item, 2, client=to).total_cost == 14
    assert operation("orders.checkout")(order, client=to, idempotency_key="generated-checkout").done
    found = operation("orders.find_order")(order, client=to)
    assert found.paid and found.items == [[item, 2]] and found.status == "paid", found
    named = operation("orders.find_order_items")(order, client=to)
    assert named.items == [lines(item_id=item, quantity=2)] and named.total_cost == 14, named
    assert operation("stock.find_item")(item, client=to).stock == 1
    assert operation("payment.find_user")(user, client=to).credit == 86
    refused = operation("orders.add_item")(order, item, client=to)
    assert isinstance(refused, problems) and refused.code == "order_paid" and refused.order_id == order, refused
    assert operation("stock.find_item")("nobody", client=to).code == "unknown_item"


def test_openapi_python_client(client):
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "config.yml"
        # Nothing that is made here needs to look good.
        config.write_text("post_hooks: []\n", encoding="utf-8")
        # An endpoint or a schema that is left out is a warning.
        run(
            sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none",
            "--path", str(write_document(client, folder)), "--config", str(config),
            "--output-path", f"{folder}/kassa_client",
        )  # fmt: skip
        made = {path.stem for path in pathlib.Path(folder, "kassa_client", "api").glob("*/*.py")} - {"__init__"}
        assert len(made) == len(client.document.operations), made
        sys.path.insert(0, folder)
        try:
            buy(f"http://{client.host}:{client.port}")
        finally:
            sys.path.remove(folder)
