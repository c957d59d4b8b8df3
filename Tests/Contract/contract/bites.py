"""The suite itself: a document that does not fit the server has to be noticed, in either direction."""

import copy

from . import coverage
from .client import Client, ContractBroken
from .document import Document


def client_with(client, change):
    """A client whose document was changed; and that document."""
    raw = copy.deepcopy(client.document.raw)
    change(raw)
    return Client(f"http://{client.host}:{client.port}", Document(raw))


def refuses(client, change, path, why):
    try:
        client_with(client, change).send("GET", path)
    except ContractBroken as broken:
        assert why in str(broken), broken
    else:
        raise AssertionError(f"not noticed: {why}")


def test_what_the_document_lacks_is_noticed(client):
    find = "/stock/find/{item_id}"
    missing = "/stock/find/nobody"
    client.post("/stock/batch_init/1/1/1")

    def drop_route(raw):
        del raw["paths"][find]

    def drop_status(raw):
        del raw["paths"][find]["get"]["responses"]["404"]

    def drop_property(raw):
        del raw["components"]["schemas"]["Item"]["properties"]["price"]

    def want_property(raw):
        raw["components"]["schemas"]["Item"]["required"].append("colour")

    def drop_code(raw):
        raw["components"]["schemas"]["ProblemCode"]["x-extensible-enum"].remove("unknown_item")

    def drop_code_there(raw):
        raw["paths"][find]["get"]["x-codes"]["404"].remove("unknown_item")

    def want_header(raw):
        raw["components"]["headers"]["Traceparent"]["required"] = True

    refuses(client, drop_route, "/stock/find/0", "a path that the document does not have")
    refuses(client, drop_status, missing, "a status that the document does not name")
    refuses(client, drop_property, "/stock/find/0", "a body that the schema refuses")
    refuses(client, want_property, "/stock/find/0", "a body that the schema refuses")
    refuses(client, drop_code, missing, "a code that the document does not name")
    refuses(client, drop_code_there, missing, "a code that the document does not name here")
    refuses(client, want_header, "/stock/find/0", "no header traceparent")


def test_what_the_document_has_too_much_is_noticed(client):
    def add_status(raw):
        responses = raw["paths"]["/stock/find/{item_id}"]["get"]["responses"]
        responses["418"] = responses["404"]
        raw["paths"]["/stock/find/{item_id}"]["get"]["x-codes"]["418"] = []

    def add_route(raw):
        raw["paths"]["/stock/count"] = raw["paths"]["/"]

    def add_code(raw):
        raw["components"]["schemas"]["ProblemCode"]["x-extensible-enum"].append("teapot")

    for change, sentence in [
        (add_status, "GET /stock/find/{item_id}: 418 is documented and was never seen"),
        (add_route, "GET /stock/count: 200 is documented and was never seen"),
        (add_code, "the code teapot was never seen"),
    ]:
        changed = client_with(client, change)
        assert sentence in coverage.missing(changed.document, changed), sentence
