"""The things that the scenarios share: plenty of users and items, made by batch_init or one by one."""
import dataclasses
import random

PRICE = 1
STOCK = 1_000_000_000
CREDIT = 1_000_000_000
# Items without stock and users without credit, made one by one by every process: refusals need few of them.
EMPTY = 5
WAYS = ("batch", "create", "ready")


@dataclasses.dataclass
class Pool:
    """Ids to choose from; those of a batch are 0 to n - 1."""

    users: list
    items: list
    sold_out: list
    broke: list

    def user(self):
        """Somebody with credit."""
        return random.choice(self.users)

    def item(self):
        """Something in stock."""
        return random.choice(self.items)


def make_batches(shop, users, items):
    """Makes the users and items 0 to n - 1 again: once for all processes."""
    shop.send("POST", f"/stock/batch_init/{items}/{STOCK}/{PRICE}", "/stock/batch_init")
    shop.send("POST", f"/payment/batch_init/{users}/{CREDIT}", "/payment/batch_init")


def fill(shop, way, users, items):
    """The pool of one process. `create` makes all by create calls; the other ways take the ids of the batches."""
    if way == "create":
        rich = [shop.create_user(CREDIT) for _ in range(users)]
        plenty = [shop.create_item(PRICE, STOCK) for _ in range(items)]
    else:
        rich, plenty = [str(one) for one in range(users)], [str(one) for one in range(items)]
    return Pool(rich, plenty, [shop.create_item(PRICE, 0) for _ in range(EMPTY)],
                [shop.create_user(0) for _ in range(EMPTY)])
