"""Clients that generators make of the server's document: they are made without complaint, and one of them buys."""

import importlib
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SCRIPTS = pathlib.Path(__file__).parents[3] / "scripts"
# What openapi-generator makes, and how the names of its sources end.
LANGUAGES = {"python": ".py", "java": ".java", "go": ".go", "typescript-fetch": ".ts"}


def run(*command):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
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


def test_openapi_generator(client):
    # The document of a cluster's pods is the same one.
    if not client.is_alone:
        return
    if shutil.which("java") is None:
        why = "there is no Java: scripts/system-packages --for test"
        subprocess.run([SCRIPTS / "not-run", "clients by openapi-generator", why], check=True)
        return
    jar = pathlib.Path(importlib.util.find_spec("openapi_generator_cli").origin).with_name("openapi-generator.jar")

    def generate(language):
        # Fails on a document that its own validation refuses.
        said = run(
            "java", "-Xmx512m", "-jar", str(jar), "generate", "--input-spec", str(document),
            "--generator-name", language, "--output", f"{folder}/{language}",
        )  # fmt: skip
        assert "ERROR" not in said, said
        sources = pathlib.Path(folder, language).rglob(f"*{LANGUAGES[language]}")
        text = "".join(path.read_text(encoding="utf-8") for path in sources)
        left_out = [str(one) for one in client.document.operations if one.path.split("{")[0] not in text]
        assert not left_out, (language, left_out)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        document = write_document(client, folder)
        list(pool.map(generate, LANGUAGES))
        run(sys.executable, "-m", "compileall", "-q", f"{folder}/python")
