"""A shop in memory that keeps its books well, except for one planted flaw.

Flaws of the books:     oversell, charge_twice, lose_unit, charge_refused, forget_order
Flaws of the answers:   say_paid, say_refused, never_say, wrong_reason, odd_credit
What is no flaw:        cut_once (the answer of every first attempt is lost), busy (503 at first), all of it with keys
"""
import collections
import itertools
import threading

from servers import plain, problem

FLAWS = ("oversell", "charge_twice", "lose_unit", "charge_refused", "forget_order", "say_paid", "say_refused",
         "never_say", "wrong_reason", "odd_credit")
NO_FLAWS = ("", "cut_once", "busy", "under_way")


class FakeShop:  # pylint: disable=too-many-instance-attributes
    """Orders of one line of one unit, as the consistency test makes them."""

    def __init__(self, flaw=""):
        self.flaw = flaw
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.price, self.stock, self.credit = {}, {}, {}
        self.orders, self.paid, self.charged = {}, set(), set()
        self.stored = {}
        self.attempts = collections.Counter()
        self.planted = 0

    def once(self):
        """True the first time only: a flaw shows once."""
        self.planted += 1
        return self.planted == 1

    def answer(self, method, path, headers):
        """What a server hands a request to."""
        with self.lock:
            key = headers.get("Idempotency-Key")
            is_checkout = path.startswith("/orders/checkout/")
            if is_checkout:
                self.attempts[key] += 1
                if self.attempts[key] <= 2 and self.flaw == "busy":
                    return problem(503, "overloaded")
                if self.attempts[key] == 1 and self.flaw == "under_way":
                    return problem(409, "checkout_under_way")
            if key in self.stored:
                return self.stored[key]
            found = self.carry_out(method, path.strip("/").split("/"))
            if is_checkout and self.flaw == "never_say" and self.once():
                found = problem(504, "outcome_unknown")
            if key:
                self.stored[key] = found
            return None if is_checkout and self.flaw == "cut_once" else found

    def carry_out(self, method, path):  # pylint: disable=too-many-return-statements
        """The request's effect and answer."""
        match [method, *path]:
            case ["POST", "payment", "create_user"]:
                return plain(200, {"user_id": self.made(self.credit, 0)})
            case ["POST", "payment", "add_funds", user, amount]:
                self.credit[user] += int(amount)
                return plain(200, {"done": True})
            case ["GET", "payment", "find_user", user]:
                credit = self.credit[user]
                return plain(200, {"user_id": user, "credit": str(credit) if self.flaw == "odd_credit" else credit})
            case ["GET", "payment", "status", _, order]:
                return plain(200, {"paid": order in self.charged})
            case ["POST", "stock", "item", "create", price]:
                item = self.made(self.stock, 0)
                self.price[item] = int(price)
                return plain(200, {"item_id": item})
            case ["POST", "stock", "add", item, amount]:
                self.stock[item] += int(amount)
                return plain(200, {})
            case ["GET", "stock", "find", item]:
                return plain(200, {"stock": self.stock[item], "price": self.price[item]})
            case ["POST", "orders", "create", user]:
                return plain(200, {"order_id": self.made(self.orders, [user, None])})
            case ["POST", "orders", "addItem", order, item, "1"]:
                self.orders[order][1] = item
                return plain(200, {})
            case ["GET", "orders", "find", order]:
                return plain(200, {"order_id": order, "paid": order in self.paid})
            case ["POST", "orders", "checkout", order]:
                return self.checkout(order)
        return problem(404, "not_found")

    def made(self, table, value):
        """A new id with a value in a table."""
        name = str(next(self.numbers))
        table[name] = value
        return name

    def checkout(self, order):
        """Takes the unit and the money, or refuses."""
        user, item = self.orders[order]
        price = self.price[item]
        if self.stock[item] < 1 and not (self.flaw == "oversell" and self.once()):
            return self.refuse(order, user, price, "out_of_stock")
        if self.credit[user] < price:
            return self.refuse(order, user, price, "out_of_credit")
        return self.sell(order, user, item, price)

    def refuse(self, order, user, price, code):
        """Refuses; the flaws take money all the same, or say something else."""
        if self.flaw == "charge_refused" and self.once():
            self.credit[user] -= price
        if self.flaw == "say_paid" and self.once():
            return plain(200, {"order_id": order})
        if self.flaw == "wrong_reason" and self.once():
            return problem(404, "unknown_order")
        return problem(409, code)

    def sell(self, order, user, item, price):
        """Sells; the flaws take too much or too little, or say something else."""
        self.stock[item] = max(0, self.stock[item] - (2 if self.flaw == "lose_unit" and self.once() else 1))
        self.credit[user] -= price * (2 if self.flaw == "charge_twice" and self.once() else 1)
        self.charged.add(order)
        if not (self.flaw == "forget_order" and self.once()):
            self.paid.add(order)
        if self.flaw == "say_refused" and self.once():
            return problem(409, "out_of_stock")
        return plain(200, {"order_id": order})
