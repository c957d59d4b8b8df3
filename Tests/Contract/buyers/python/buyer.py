"""One purchase, with nothing but what was generated: buyer.py URL PREFIX-OF-KEYS."""

import sys

from kassa_generated import ApiClient, Configuration, OrdersApi, PaymentApi, StockApi
from kassa_generated.exceptions import ApiException


def refused(status, call, *arguments):
    """The problem that a call is refused with."""
    try:
        raise AssertionError(f"not refused: {call(*arguments)}")
    except ApiException as refusal:
        assert refusal.status == status, refusal
        return refusal.data


def buy(url, key):
    client = ApiClient(Configuration(host=url))
    payment, stock, orders = PaymentApi(client), StockApi(client), OrdersApi(client)
    user = payment.create_user(idempotency_key=f"{key}-user").user_id
    assert payment.create_user(idempotency_key=f"{key}-user").user_id == user
    payment.add_funds(user, 100)
    item = stock.create_item(7).item_id
    stock.add_stock(item, 3)
    order = orders.create_order(user).order_id
    assert orders.add_item(order, item).total_cost == 7
    assert orders.add_item_quantity(order, item, 1).total_cost == 14
    payment.pay(user, 6)
    orders.checkout(order, idempotency_key=f"{key}-checkout")
    found = orders.find_order(order)
    assert found.paid and found.items == [[item, 2]], found
    named = orders.find_order_items(order).items
    assert [(line.item_id, line.quantity) for line in named] == [(item, 2)], named
    assert stock.find_item(item).stock == 1
    assert payment.find_user(user).credit == 80
    paid = refused(409, orders.add_item, order, item)
    assert (paid.code, paid.order_id) == ("order_paid", order), paid
    assert refused(409, payment.pay, user, 81).code == "not_enough_credit"
    assert refused(404, stock.find_item, "nobody").code == "unknown_item"
    print("bought")


buy(*sys.argv[1:])
