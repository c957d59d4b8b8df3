"""Buys one thing: checkout.py ORDERS STOCK PAYMENTS, the addresses of the services, such as http://orders:8000.

Makes an item, a user and an order of its own, checks it out, and looks at order, stock and credit afterwards. It leaves
the paid order, and touches nothing else. Standard library only; writes carry an Idempotency-Key, so that what was not
answered is asked again and happens once.
"""
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

PRICE = 7
CREDIT = 100
UNITS = 5
WANTED = 2
TRIES = 5
SECONDS = 15


class Wrong(Exception):
    """What did not go as it should."""


def call(method, url):
    """The answer's JSON, or its text. Asks again after 503, 504 and broken connections."""
    request = urllib.request.Request(url, method=method)
    if method == "POST":
        request.add_header("Idempotency-Key", str(uuid.uuid4()))
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(attempt)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as problem:
            reason = f"{problem.code} {problem.read().decode(errors='replace')}"
            if problem.code not in (503, 504):
                break
        except OSError as problem:
            reason = str(problem)
        else:
            try:
                return json.loads(text)
            except ValueError:
                return text
    raise Wrong(f"{method} {url}: {reason}")


def expect(what, found, wanted):
    """Raises when it is something else."""
    if found != wanted:
        raise Wrong(f"{what} is {found!r}, and should be {wanted!r}")


def buy(orders, stock, payments):
    """The whole course; returns the order's id."""
    item = call("POST", f"{stock}/stock/item/create/{PRICE}")["item_id"]
    call("POST", f"{stock}/stock/add/{item}/{UNITS}")
    user = call("POST", f"{payments}/payment/create_user")["user_id"]
    call("POST", f"{payments}/payment/add_funds/{user}/{CREDIT}")
    order = call("POST", f"{orders}/orders/create/{user}")["order_id"]
    call("POST", f"{orders}/orders/addItem/{order}/{item}/{WANTED}")
    call("POST", f"{orders}/orders/checkout/{order}")

    found = call("GET", f"{orders}/orders/find/{order}")
    expect("whether the order is paid", found["paid"], True)
    expect("what the order costs", found["total_cost"], PRICE * WANTED)
    expect("the stock", call("GET", f"{stock}/stock/find/{item}")["stock"], UNITS - WANTED)
    expect("the credit", call("GET", f"{payments}/payment/find_user/{user}")["credit"], CREDIT - PRICE * WANTED)
    return order


def main(arguments):
    """The exit code."""
    if len(arguments) != 3:
        print("usage: checkout.py ORDERS STOCK PAYMENTS", file=sys.stderr)
        return 2
    try:
        order = buy(*arguments)
    except Wrong as wrong:
        print(f"the checkout failed: {wrong}", file=sys.stderr)
        return 1
    print(f"order {order} is paid; stock and credit are what they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
