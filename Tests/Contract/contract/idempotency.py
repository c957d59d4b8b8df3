"""Idempotency-Key: the same key on the same path gives the stored outcome, and on another path 422."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from .services import item, order, refused, user

# What makes something that has an id. That its key was used for another request is noticed by the process that
# took both; of several pods, not always.
CREATIONS = {"POST /orders/create/{user_id}", "POST /stock/item/create/{price}", "POST /payment/create_user"}


def key():
    return str(uuid.uuid4())


def test_the_same_answer_again(client):
    one = key()
    first = client.post("/payment/create_user", Idempotency_Key=one)
    assert first.header("Idempotent-Replayed") is None
    for spelling in [one, f'"{one}"']:
        again = client.post("/payment/create_user", Idempotency_Key=spelling)
        assert again.json == first.json and again.header("Idempotent-Replayed") == "true", again
    assert client.post("/payment/create_user", Idempotency_Key=key()).json != first.json


def test_the_effect_comes_once(client):
    buyer, thing = user(client, 100), item(client, 5, 100)
    cart = order(client, buyer, (thing, 2))
    for path, look, expected in [
        (f"/payment/add_funds/{buyer}/10", f"/payment/find_user/{buyer}", 110),
        (f"/payment/pay/{buyer}/20", f"/payment/find_user/{buyer}", 90),
        (f"/stock/add/{thing}/10", f"/stock/find/{thing}", 110),
        (f"/stock/subtract/{thing}/20", f"/stock/find/{thing}", 90),
        (f"/orders/addItem/{cart}/{thing}", f"/orders/find/{cart}", 15),
        (f"/orders/addItem/{cart}/{thing}/2", f"/orders/find/{cart}", 25),
        (f"/orders/checkout/{cart}", f"/payment/find_user/{buyer}", 65),
    ]:
        one = key()
        answers = [client.post(path, Idempotency_Key=one) for _ in range(3)]
        assert len({answer.body for answer in answers}) == 1
        assert [answer.header("Idempotent-Replayed") for answer in answers] == [None, "true", "true"], path
        found = client.get(look).json
        assert expected in (found.get("credit"), found.get("stock"), found.get("total_cost")), (path, found)


def test_keys_have_up_to_255_characters(client):
    longest = (key() * 8)[:255]
    first = client.post("/payment/create_user", Idempotency_Key=longest)
    assert client.post("/payment/create_user", Idempotency_Key=longest).body == first.body
    assert client.post("/payment/create_user", Idempotency_Key=longest[:-1]).body != first.body


def test_deletions(client):
    thing = item(client, 5)
    cart = order(client, user(client), (thing, 2))
    for path, status in [(f"/orders/removeItem/{cart}/{thing}", 200), (f"/orders/remove/{cart}", 200)]:
        one = key()
        first = client.delete(path, status, Idempotency_Key=one)
        again = client.delete(path, status, Idempotency_Key=one)
        assert first.body == again.body and again.header("Idempotent-Replayed") == "true"
    client.get(f"/orders/find/{cart}", 404)


def test_refusals_are_remembered(client):
    thing, one = item(client, 5), key()
    path = f"/stock/subtract/{thing}/1"
    refused(client.post(path, 409, Idempotency_Key=one), "less_in_stock")
    client.post(f"/stock/add/{thing}/1")
    again = client.post(path, 409, Idempotency_Key=one)
    refused(again, "less_in_stock")
    assert again.header("Idempotent-Replayed") == "true"
    assert "new key" in again.json["detail"], again
    client.post(path, Idempotency_Key=key())


def same_partition(client, operation):
    """Two requests that belong to the same partition, the second of this operation.

    None for what makes something that has an id: that follows from the whole request and its key, so another
    request belongs to another partition.
    """
    buyer, thing = user(client, 100), item(client, 5, 100)
    cart = order(client, buyer, (thing, 2))
    first, second = {
        "/payment/add_funds/{user_id}/{amount}": (f"/payment/add_funds/{buyer}/1", f"/payment/add_funds/{buyer}/2"),
        "/payment/pay/{user_id}/{amount}": (f"/payment/add_funds/{buyer}/1", f"/payment/pay/{buyer}/1"),
        "/payment/pay/{user_id}/{order_id}/{amount}": (
            f"/payment/add_funds/{buyer}/1", f"/payment/pay/{buyer}/{cart}/1"),
        "/payment/cancel/{user_id}/{order_id}": (f"/payment/add_funds/{buyer}/1", f"/payment/cancel/{buyer}/{cart}"),
        "/payment/batch_init/{n}/{starting_money}": ("/payment/batch_init/1/1", "/payment/batch_init/1/2"),
        "/stock/add/{item_id}/{amount}": (f"/stock/add/{thing}/1", f"/stock/add/{thing}/2"),
        "/stock/subtract/{item_id}/{amount}": (f"/stock/add/{thing}/1", f"/stock/subtract/{thing}/1"),
        "/stock/batch_init/{n}/{starting_stock}/{item_price}": ("/stock/batch_init/1/1/1", "/stock/batch_init/1/1/2"),
        "/orders/addItem/{order_id}/{item_id}": (
            f"/orders/addItem/{cart}/{thing}/3", f"/orders/addItem/{cart}/{thing}"),
        "/orders/addItem/{order_id}/{item_id}/{quantity}": (
            f"/orders/addItem/{cart}/{thing}/3", f"/orders/addItem/{cart}/{thing}/4"),
        "/orders/items/{order_id}/{item_id}/{quantity}": (
            f"/orders/addItem/{cart}/{thing}", f"/orders/items/{cart}/{thing}/4"),
        "/orders/removeItem/{order_id}/{item_id}": (
            f"/orders/addItem/{cart}/{thing}", f"/orders/removeItem/{cart}/{thing}"),
        "/orders/remove/{order_id}": (f"/orders/addItem/{cart}/{thing}", f"/orders/remove/{cart}"),
        "/orders/checkout/{order_id}": (f"/orders/addItem/{cart}/{thing}", f"/orders/checkout/{cart}"),
        "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}": (
            "/orders/batch_init/1/1/1/1", "/orders/batch_init/1/1/1/2"),
    }.get(operation.path, (None, None))
    return first and (first, second)


def test_every_write_refuses_a_key_of_another_request(client):
    """Where both belong to the same partition, whichever pods take them."""
    creations = set()
    for operation in client.document.operations:
        if not operation.takes_key():
            continue
        paths = same_partition(client, operation)
        if paths is None:
            creations.add(str(operation))
            continue
        for _ in range(4):
            one = key()
            client.post(paths[0], Idempotency_Key=one)
            answers = [client.send(operation.method, paths[1], 422, Idempotency_Key=one) for _ in range(2)]
            for answer in answers:
                refused(answer, "idempotency_key_reused")
    assert creations == CREATIONS, creations


def test_every_write_refuses_a_key_of_another_path(client):
    """Each process remembers for itself which paths it took keys on; behind a gateway there are several."""
    if not client.is_alone:
        client.unreachable |= {(operation, 422) for operation in CREATIONS}
        return
    values = {"Id": "1", "Amount": "1", "PositiveAmount": "1", "BatchCount": "1"}
    one = key()
    client.post("/payment/create_user", Idempotency_Key=one)
    for operation in client.document.operations:
        if not operation.takes_key() or operation.path == "/payment/create_user":
            continue
        parameters = operation.path_parameters()
        path = operation.fill(**{each["name"]: values[each["schema"]["$ref"].rsplit("/", 1)[1]] for each in parameters})
        refused(client.send(operation.method, path, 422, Idempotency_Key=one), "idempotency_key_reused")
    other = key()
    client.post("/stock/item/create/1", Idempotency_Key=other)
    refused(client.post("/payment/create_user", 422, Idempotency_Key=other), "idempotency_key_reused")
    refused(client.post("/stock/item/create/2", 422, Idempotency_Key=other), "idempotency_key_reused")


def test_batches(client):
    one = key()
    first = client.post("/stock/batch_init/20000/3/4", Idempotency_Key=one)
    client.post("/stock/subtract/7/1")
    again = client.post("/stock/batch_init/20000/3/4", Idempotency_Key=one)
    assert first.header("Idempotent-Replayed") is None and again.header("Idempotent-Replayed") == "true"
    assert client.get("/stock/find/7").json["stock"] == 2


def test_many_at_once(client):
    """A request that arrives while the first is under way gets the same outcome, and the effect comes once."""
    buyer, thing = user(client, 1_000), item(client, 5, 100)
    cart = order(client, buyer, (thing, 2))
    one, other = key(), key()
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: client.post("/payment/create_user", Idempotency_Key=other).body, range(64)))
        list(pool.map(lambda _: client.post(f"/orders/checkout/{cart}", Idempotency_Key=one), range(64)))
    assert len(set(made)) == 1
    assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 990
    assert client.get(f"/stock/find/{thing}").json["stock"] == 98
