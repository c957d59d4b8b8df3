"""Every operation's successes and refusals, in the words of the API."""

MAX = 9_007_199_254_740_991


def user(client, credit=0):
    made = client.post("/payment/create_user").json["user_id"]
    if credit:
        client.post(f"/payment/add_funds/{made}/{credit}")
    return made


def item(client, price, stock=0):
    made = client.post(f"/stock/item/create/{price}").json["item_id"]
    if stock:
        client.post(f"/stock/add/{made}/{stock}")
    return made


def order(client, buyer, *lines):
    made = client.post(f"/orders/create/{buyer}").json["order_id"]
    for thing, quantity in lines:
        client.post(f"/orders/addItem/{made}/{thing}/{quantity}")
    return made


def refused(answer, code, **ids):
    assert answer.code == code, answer
    for name, value in ids.items():
        assert answer.json[name] == value, answer


def test_about(client):
    assert client.get("/").json["openapi"] == "/openapi.json"
    assert client.get("/openapi.json").json["openapi"].startswith("3.1")


def test_examples_fit_their_schemas(client):
    examples = list(client.document.examples())
    assert len(examples) > 15, examples
    for schema, example in examples:
        assert not client.document.schema_errors(schema, example), example


def test_types_lead_to_their_codes(client):
    problem = client.get("/stock/find/nobody", 404).json
    path, code = problem["type"].split("#")
    assert f'<h2 id="{code}">' in client.get(path).body.decode(), problem


def test_ids_are_unlike(client):
    made = {client.post("/payment/create_user").json["user_id"] for _ in range(100)}
    assert len(made) == 100


def test_stock(client):
    thing = item(client, 7)
    assert client.get(f"/stock/find/{thing}").json == {"stock": 0, "price": 7}
    client.post(f"/stock/add/{thing}/5")
    client.post(f"/stock/subtract/{thing}/2")
    assert client.get(f"/stock/find/{thing}").json == {"stock": 3, "price": 7}
    refused(client.post(f"/stock/subtract/{thing}/4", 409), "less_in_stock", item_id=thing)
    refused(client.post(f"/stock/add/{thing}/{MAX}", 409), "sum_out_of_range")
    assert client.get(f"/stock/find/{thing}").json["stock"] == 3
    client.post(f"/stock/subtract/{thing}/0")
    for path in ["add/nobody/1", "subtract/nobody/1"]:
        refused(client.post(f"/stock/{path}", 404), "unknown_item", item_id="nobody")
    refused(client.get("/stock/find/nobody", 404), "unknown_item", item_id="nobody")


def test_extremes(client):
    assert client.get(f"/stock/find/{item(client, MAX)}").json["price"] == MAX
    assert client.get(f"/stock/find/{item(client, 0, MAX)}").json == {"stock": MAX, "price": 0}
    assert client.get(f"/payment/find_user/{user(client, MAX)}").json["credit"] == MAX


def test_credit(client):
    buyer = user(client, 10)
    client.post(f"/payment/pay/{buyer}/4")
    assert client.get(f"/payment/find_user/{buyer}").json == {"user_id": buyer, "credit": 6}
    refused(client.post(f"/payment/pay/{buyer}/7", 409), "not_enough_credit", user_id=buyer)
    refused(client.post(f"/payment/add_funds/{buyer}/{MAX}", 409), "sum_out_of_range")
    for path in ["pay/nobody/1", "add_funds/nobody/1", "pay/nobody/o/1", "cancel/nobody/o"]:
        refused(client.post(f"/payment/{path}", 404), "unknown_user", user_id="nobody")
    refused(client.get("/payment/find_user/nobody", 404), "unknown_user", user_id="nobody")


def test_payments_by_hand(client):
    buyer = user(client, 10)
    bought = order(client, buyer)
    status = f"/payment/status/{buyer}/{bought}"
    assert client.get(status).json == {"paid": False} == client.post(status).json
    refused(client.post(f"/payment/cancel/{buyer}/{bought}", 404), "unknown_payment", user_id=buyer, order_id=bought)
    for _ in range(2):
        client.post(f"/payment/pay/{buyer}/{bought}/4")
    assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 6
    assert client.get(status).json == {"paid": True} == client.post(status).json
    refused(client.post(f"/payment/pay/{buyer}/{bought}/5", 409), "payment_conflict", order_id=bought)
    refused(client.post(f"/payment/pay/{buyer}/another/7", 409), "not_enough_credit", user_id=buyer)
    for _ in range(2):
        client.post(f"/payment/cancel/{buyer}/{bought}")
    assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 10
    assert client.get(status).json == {"paid": False}
    for method in [client.get, client.post]:
        refused(method("/payment/status/nobody/o", 404), "unknown_user", user_id="nobody")


def test_carts(client):
    buyer, cheap, dear = user(client), item(client, 2), item(client, 50)
    cart = order(client, buyer)
    empty = {"order_id": cart, "paid": False, "items": [], "user_id": buyer, "total_cost": 0, "status": "open"}
    assert client.get(f"/orders/find/{cart}").json == empty
    assert client.post(f"/orders/addItem/{cart}/{cheap}").json["total_cost"] == 2
    answer = client.post(f"/orders/addItem/{cart}/{dear}/3")
    assert answer.json["total_cost"] == 152 and "152" in answer.json["message"]
    client.post(f"/orders/addItem/{cart}/{cheap}")
    found = client.get(f"/orders/find/{cart}").json
    assert found["items"] == [[cheap, 2], [dear, 3]] and found["total_cost"] == 154
    named = [{"item_id": cheap, "quantity": 2}, {"item_id": dear, "quantity": 3}]
    assert client.get(f"/orders/items/{cart}").json == {**found, "items": named}
    refused(client.get("/orders/items/nobody", 404), "unknown_order", order_id="nobody")
    assert client.delete(f"/orders/removeItem/{cart}/{cheap}").json["total_cost"] == 152
    client.delete(f"/orders/removeItem/{cart}/{cheap}")
    refused(client.delete(f"/orders/removeItem/{cart}/{cheap}", 404), "item_not_in_order", order_id=cart, item_id=cheap)
    for suffix in ["", "/2"]:
        refused(client.post(f"/orders/addItem/{cart}/nobody{suffix}", 404), "unknown_item", item_id="nobody")
        refused(client.post(f"/orders/addItem/nobody/{cheap}{suffix}", 404), "unknown_order", order_id="nobody")
    refused(client.post(f"/orders/addItem/{cart}/{dear}/{MAX}", 409), "sum_out_of_range")
    client.delete(f"/orders/remove/{cart}")
    for method, path in [("GET", "find"), ("DELETE", "remove"), ("POST", "checkout")]:
        refused(client.send(method, f"/orders/{path}/{cart}", 404), "unknown_order", order_id=cart)
    refused(client.delete(f"/orders/removeItem/{cart}/{cheap}", 404), "unknown_order", order_id=cart)


def test_lines_are_set(client):
    cheap, dear = item(client, 2), item(client, 50)
    cart = order(client, user(client, 1_000), (cheap, 1))
    for _ in range(2):
        assert client.put(f"/orders/items/{cart}/{dear}/3").json["total_cost"] == 152
        assert client.put(f"/orders/items/{cart}/{cheap}/0").json["total_cost"] == 150
        assert client.get(f"/orders/find/{cart}").json["items"] == [[dear, 3]]
        client.put(f"/orders/items/{cart}/{cheap}/1.0")
    client.put(f"/orders/items/{cart}/nobody/0")
    refused(client.put(f"/orders/items/{cart}/nobody/1", 404), "unknown_item", item_id="nobody")
    refused(client.put(f"/orders/items/nobody/{cheap}/1", 404), "unknown_order", order_id="nobody")
    refused(client.put(f"/orders/items/{cart}/{dear}/{MAX}", 409), "sum_out_of_range")


def test_somebody_is_there(client):
    for target in ["/", "*"]:
        answer = client.raw("OPTIONS", target)
        assert answer.status == 204 and answer.header("Allow") == "GET, HEAD, OPTIONS", answer
        client.check("OPTIONS", "/", answer)


def test_orders_are_bounded(client):
    client.post("/stock/batch_init/501/1/1")
    cart = order(client, user(client))
    for number in range(500):
        client.post(f"/orders/addItem/{cart}/{number}")
    refused(client.post(f"/orders/addItem/{cart}/500", 409), "too_many_lines", order_id=cart)
    assert client.post(f"/orders/addItem/{cart}/0").json["total_cost"] == 501


def test_checkout_takes_everything_once(client):
    buyer, first, second = user(client, 100), item(client, 3, 10), item(client, 5, 10)
    cart = order(client, buyer, (first, 2), (second, 4))
    for _ in range(3):
        client.post(f"/orders/checkout/{cart}")
        assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 74
        assert client.get(f"/stock/find/{first}").json["stock"] == 8
        assert client.get(f"/stock/find/{second}").json["stock"] == 6
    found = client.get(f"/orders/find/{cart}").json
    assert found["paid"] is True and found["status"] == "paid" and found["total_cost"] == 26
    assert client.get(f"/payment/status/{buyer}/{cart}").json == {"paid": True}
    for method, path in [
        ("POST", f"addItem/{cart}/{first}"), ("POST", f"addItem/{cart}/{first}/2"),
        ("PUT", f"items/{cart}/{first}/2"),
        ("DELETE", f"removeItem/{cart}/{first}"), ("DELETE", f"remove/{cart}"),
    ]:  # fmt: skip
        refused(client.send(method, f"/orders/{path}", 409), "order_paid", order_id=cart)
    refused(client.post(f"/payment/cancel/{buyer}/{cart}", 409), "payment_conflict", order_id=cart)


def test_checkout_that_fails_changes_nothing(client):
    buyer, plenty, scarce = user(client, 100), item(client, 3, 10), item(client, 5, 1)

    def untouched():
        assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 100
        assert client.get(f"/stock/find/{plenty}").json["stock"] == 10
        assert client.get(f"/stock/find/{scarce}").json["stock"] == 1

    cart = order(client, buyer, (plenty, 1), (scarce, 2))
    refused(client.post(f"/orders/checkout/{cart}", 409), "out_of_stock", order_id=cart, item_id=scarce)
    untouched()
    assert client.get(f"/orders/find/{cart}").json["status"] == "open"

    dear = item(client, 1_000, 5)
    cart = order(client, buyer, (plenty, 1), (dear, 1))
    refused(client.post(f"/orders/checkout/{cart}", 409), "out_of_credit", order_id=cart, user_id=buyer)
    untouched()
    assert client.get(f"/stock/find/{dear}").json["stock"] == 5

    cart = order(client, "nobody", (plenty, 1))
    refused(client.post(f"/orders/checkout/{cart}", 409), "checkout_unknown_user", user_id="nobody")
    untouched()

    cart = order(client, buyer, (plenty, 1))
    client.post(f"/payment/pay/{buyer}/{cart}/50")
    refused(client.post(f"/orders/checkout/{cart}", 409), "payment_conflict", order_id=cart)
    client.post(f"/payment/cancel/{buyer}/{cart}")
    untouched()
    # What failed can be put right and tried again.
    client.post(f"/orders/checkout/{cart}")
    assert client.get(f"/payment/find_user/{buyer}").json["credit"] == 97


def test_batches(client):
    client.post("/stock/batch_init/100/50/7")
    client.post("/payment/batch_init/100/1000")
    client.post("/orders/batch_init/100/100/100/7")
    for number in [0, 42, 99]:
        assert client.get(f"/stock/find/{number}").json == {"stock": 50, "price": 7}
        assert client.get(f"/payment/find_user/{number}").json == {"user_id": str(number), "credit": 1000}
        found = client.get(f"/orders/find/{number}").json
        assert sum(quantity for _, quantity in found["items"]) == 2 and found["total_cost"] == 14, found
        assert 0 <= int(found["user_id"]) < 100 and all(0 <= int(one) < 100 for one, _ in found["items"])
    for number in [0, 42, 99]:
        client.post(f"/orders/checkout/{number}")
    for path in ["orders/batch_init/0/0/0/0", "stock/batch_init/0/0/0", "payment/batch_init/0/0"]:
        client.post(f"/{path}")


def test_batches_over_what_was_sold(client):
    """What was sold stays in the books: with it, the new stock or credit would leave its range."""
    client.post("/stock/batch_init/1/10/1")
    client.post("/payment/batch_init/1/10")
    client.post(f"/orders/checkout/{order(client, '0', ('0', 1))}")
    refused(client.post(f"/stock/batch_init/1/{MAX}/1", 409), "sum_out_of_range")
    refused(client.post(f"/payment/batch_init/1/{MAX}", 409), "sum_out_of_range")


def test_items_that_do_not_exist(client):
    """Orders of a batch may name items that nobody made."""
    client.post("/orders/batch_init/1/10000000/1/1")
    lines = client.get("/orders/find/0").json["items"]
    refused(client.post("/orders/checkout/0", 409), "checkout_unknown_item")
    assert len(lines) >= 1


def test_large_batch(client):
    client.post("/stock/batch_init/20000/1/1")
    for number in [0, 8191, 8192, 16384, 19999]:
        assert client.get(f"/stock/find/{number}").json == {"stock": 1, "price": 1}
