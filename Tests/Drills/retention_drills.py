"""Drills of old orders: they go, with what was paid for them, and nothing else does."""
import contextlib
import os
import sqlite3

from checks import ask, wait_until
from clock_drills import WrongClock, credit
from request_drills import created, posted

DAY = 24 * 3600
# As the store has them.
ORDERS, PAYMENTS = 1, 5
# More than a page of the walk has, and more than two sweeps.
OLD = 600


def old_orders(checks, kassa, folder, _seed):
    """Orders of three days ago go where two are kept; the folder stays sound, and can be made smaller."""
    clock = WrongClock(folder)
    with contextlib.closing(clock.serve(kassa, folder, "--partitions", "1", "--order-retention", "2d",
                                        "--checkpoint-interval", "100ms")) as server:
        server.start()
        user, paid = buy(server)
        old = [created(server, f"/orders/create/{user}", "order_id") for _ in range(OLD)]
        checks.check(ask(server.http, f"/orders/find/{old[-1]}")[0] == 200, "the orders are there")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        rows = (count(server, ORDERS), count(server, PAYMENTS))
        checks.check(rows == (OLD + 1, 1), f"the store has them, and a payment: {rows}")
        checks.folder(server, compared="sound")

        clock.set(3 * DAY)
        server.start()
        young = created(server, f"/orders/create/{user}", "order_id")
        wait_until(lambda: server.metric("kassa_orders_removed_total") == OLD + 1, "all old orders are removed", 60,
                   reason=lambda: f"{server.metric('kassa_orders_removed_total')} of {OLD + 1} are", every=0.2)
        gone = [ask(server.http, f"/orders/find/{order}")[0] for order in (paid, old[0], old[-1])]
        checks.check(gone == [404] * 3, f"their ids answer 404: {gone}")
        checks.check(ask(server.http, f"/orders/find/{young}")[0] == 200, "a new order stays")
        checks.check(credit(server, user) == 93, f"what was paid for them is not paid back: {credit(server, user)}")
        wait_until(lambda: count(server, ORDERS) == 1, "the store has only the new one", 20,
                   reason=lambda: f"it has {count(server, ORDERS)}", every=0.1)
        checks.check(count(server, PAYMENTS) == 0, "nor has it a payment")
        checks.check(server.end() == 0, "SIGTERM ends the server with 0")
        checks.folder(server, compared="sound")
        made_smaller(checks, server)
        server.start()
        checks.check(ask(server.http, f"/orders/find/{young}")[0] == 200, "the next start has the new order")
        checks.check(server.metric("kassa_orders_removed_total") == 0, "and removes nothing")
        checks.check(server.end() == 0, "SIGTERM ends it with 0")
        checks.folder(server, compared="sound")


def buy(server):
    """A user who has 93 left of 100, and the order that was paid."""
    user = created(server, "/payment/create_user", "user_id")
    item = created(server, "/stock/item/create/7", "item_id")
    order = created(server, f"/orders/create/{user}", "order_id")
    for path in (f"/payment/add_funds/{user}/100", f"/stock/add/{item}/3", f"/orders/addItem/{order}/{item}/1",
                 f"/orders/checkout/{order}"):
        posted(server, path)
    return user, order


def count(server, kind):
    """Rows of a kind in the store."""
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/store.sqlite?mode=ro", uri=True)) as store:
        return store.execute("select count(*) from entities where kind = ?", (kind,)).fetchone()[0]


def made_smaller(checks, server):
    """What docs/retention.md says about room."""
    path = f"{server.data}/store.sqlite"
    before = os.path.getsize(path)
    with contextlib.closing(sqlite3.connect(path)) as store:
        store.execute("vacuum")
    after = os.path.getsize(path)
    checks.check(after < before, f"VACUUM gives room back: {before} bytes, then {after}")
    checks.folder(server, compared="sound")
