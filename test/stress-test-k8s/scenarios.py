"""What the buyers do, step by step; every step says how it has to end."""
import random
import uuid

LINES_MAX = 3
QUANTITY_MAX = 2


def lines(pool):
    """One to three lines of things in stock."""
    return [(pool.item(), random.randint(1, QUANTITY_MAX)) for _ in range(random.randint(1, LINES_MAX))]


def checkout_succeeds(shop, pool):
    """A cart of things in stock, bought by somebody who can pay."""
    order = shop.create_order(pool.user(), lines(pool))
    shop.checkout(order)
    shop.send("GET", f"/orders/find/{order}", "/orders/find")


def checkout_without_stock(shop, pool):
    """The last line is sold out: refused, and what the other lines took comes back."""
    order = shop.create_order(pool.user(), [(pool.item(), 1), (random.choice(pool.sold_out), 1)])
    shop.checkout(order, 409, "out_of_stock")


def checkout_without_credit(shop, pool):
    """The buyer has no credit: refused, and the stock comes back."""
    order = shop.create_order(random.choice(pool.broke), [(pool.item(), 1)])
    shop.checkout(order, 409, "out_of_credit")


def cart_without_checkout(shop, pool):
    """Fills a cart, thinks better of one thing, looks at it and leaves."""
    order = shop.create_order(pool.user(), lines(pool))
    regretted = pool.item()
    shop.send("POST", f"/orders/addItem/{order}/{regretted}", "/orders/addItem (older dialect)")
    shop.send("DELETE", f"/orders/removeItem/{order}/{regretted}", "/orders/removeItem")
    shop.send("GET", f"/orders/find/{order}", "/orders/find")


def unknown_ids(shop, pool):
    """Asks for things that nobody made, each of which is refused by name."""
    absent = f"unknown-{uuid.uuid4()}"
    order = shop.create_order(pool.user())
    for method, path, name, code in (
        ("GET", f"/stock/find/{absent}", "/stock/find", "unknown_item"),
        ("GET", f"/payment/find_user/{absent}", "/payment/find_user", "unknown_user"),
        ("GET", f"/orders/find/{absent}", "/orders/find", "unknown_order"),
        ("POST", f"/orders/checkout/{absent}", "/orders/checkout", "unknown_order"),
        ("POST", f"/orders/addItem/{order}/{absent}/1", "/orders/addItem", "unknown_item"),
    ):
        shop.send(method, path, f"{name} ({code})", 404, code)
    stranger = shop.create_order(absent, [(pool.item(), 1)])
    shop.checkout(stranger, 409, "checkout_unknown_user")
