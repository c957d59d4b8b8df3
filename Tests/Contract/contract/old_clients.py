"""What the course's clients do, with the library they use: statuses and the JSON fields they look at, nothing else."""

from concurrent.futures import ThreadPoolExecutor

import requests


def succeeded(response):
    return 200 <= response.status_code < 300


def failed(response):
    return 400 <= response.status_code < 500


def test_newer_dialect(client):
    url = f"http://{client.host}:{client.port}"
    session = requests.Session()
    buyer = session.post(f"{url}/payment/create_user").json()["user_id"]
    first = session.post(f"{url}/stock/item/create/5").json()["item_id"]
    second = session.post(f"{url}/stock/item/create/5").json()["item_id"]
    assert succeeded(session.post(f"{url}/stock/add/{first}/15"))
    assert succeeded(session.post(f"{url}/stock/add/{second}/15"))
    cart = session.post(f"{url}/orders/create/{buyer}").json()["order_id"]
    assert succeeded(session.post(f"{url}/orders/addItem/{cart}/{first}/1"))
    assert succeeded(session.post(f"{url}/orders/addItem/{cart}/{second}/1"))
    assert succeeded(session.post(f"{url}/stock/subtract/{second}/15"))
    assert failed(session.post(f"{url}/orders/checkout/{cart}"))
    assert session.get(f"{url}/stock/find/{first}").json()["stock"] == 15
    assert succeeded(session.post(f"{url}/stock/add/{second}/15"))
    assert session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] == 0
    assert failed(session.post(f"{url}/orders/checkout/{cart}"))
    assert session.post(f"{url}/payment/add_funds/{buyer}/15").json()["done"] is True
    assert session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] == 15
    assert session.get(f"{url}/stock/find/{first}").json()["stock"] == 15
    assert succeeded(session.post(f"{url}/orders/checkout/{cart}"))
    assert session.get(f"{url}/stock/find/{first}").json()["stock"] == 14
    assert session.get(f"{url}/stock/find/{second}").json()["stock"] == 14
    assert session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] == 5


def test_older_dialect(client):
    url = f"http://{client.host}:{client.port}"
    session = requests.Session()
    buyer = session.post(f"{url}/payment/create_user").json()["user_id"]
    thing = session.post(f"{url}/stock/item/create/10").json()["item_id"]
    assert succeeded(session.post(f"{url}/stock/add/{thing}/2"))
    assert session.get(f"{url}/stock/find/{thing}").json() == {"stock": 2, "price": 10}
    cart = session.post(f"{url}/orders/create/{buyer}").json()["order_id"]
    for _ in range(3):
        assert succeeded(session.post(f"{url}/orders/addItem/{cart}/{thing}"))
    assert succeeded(session.delete(f"{url}/orders/removeItem/{cart}/{thing}"))
    found = session.get(f"{url}/orders/find/{cart}").json()
    assert found["user_id"] == buyer and found["total_cost"] == 20 and found["paid"] is False
    assert succeeded(session.post(f"{url}/payment/add_funds/{buyer}/50"))
    assert succeeded(session.post(f"{url}/payment/pay/{buyer}/{cart}/20"))
    assert session.post(f"{url}/payment/status/{buyer}/{cart}").json()["paid"] is True
    assert succeeded(session.post(f"{url}/payment/cancel/{buyer}/{cart}"))
    assert session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] == 50
    assert succeeded(session.post(f"{url}/orders/checkout/{cart}"))
    assert session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] == 30
    assert session.post(f"{url}/payment/status/{buyer}/{cart}").json()["paid"] is True
    other = session.post(f"{url}/orders/create/{buyer}").json()["order_id"]
    assert succeeded(session.delete(f"{url}/orders/remove/{other}"))
    assert failed(session.get(f"{url}/orders/find/{other}"))


def test_consistency(client):
    """Four hundred checkouts race for a hundred items: exactly that many are sold and paid."""
    url = f"http://{client.host}:{client.port}"
    session = requests.Session()
    thing = session.post(f"{url}/stock/item/create/1").json()["item_id"]
    assert succeeded(session.post(f"{url}/stock/add/{thing}/100"))
    buyers = [session.post(f"{url}/payment/create_user").json()["user_id"] for _ in range(400)]

    def buy(buyer):
        session = requests.Session()
        assert succeeded(session.post(f"{url}/payment/add_funds/{buyer}/1"))
        cart = session.post(f"{url}/orders/create/{buyer}").json()["order_id"]
        assert succeeded(session.post(f"{url}/orders/addItem/{cart}/{thing}/1"))
        response = session.post(f"{url}/orders/checkout/{cart}")
        assert succeeded(response) or response.status_code == 409, response.text
        return succeeded(response)

    with ThreadPoolExecutor(20) as pool:
        bought = list(pool.map(buy, buyers))
    assert sum(bought) == 100, sum(bought)
    assert session.get(f"{url}/stock/find/{thing}").json()["stock"] == 0
    credits = [session.get(f"{url}/payment/find_user/{buyer}").json()["credit"] for buyer in buyers]
    assert [1 - credit for credit in credits] == [int(one) for one in bought]
