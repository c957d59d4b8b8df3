"""What all tests of the shop share: the shop under test, words for its things, and assertions with whole sentences."""
import unittest
import uuid

# The largest amount, price and quantity: 2^53 - 1.
MAX = 9_007_199_254_740_991


class ShopTest(unittest.TestCase):
    """A test of a running shop; `shop` is set by the program before the tests run."""

    shop = None

    def send(self, method, path, status=200, **headers):
        """Sends a request and holds its status against the expected one."""
        answer = self.shop.send(method, path, **headers)
        self.assertEqual(answer.status, status, f"{method} {path}: {answer}")
        return answer

    def get(self, path, status=200):
        """GET, with the expected status."""
        return self.send("GET", path, status)

    def post(self, path, status=200, **headers):
        """POST, with the expected status."""
        return self.send("POST", path, status, **headers)

    def delete(self, path, status=200, **headers):
        """DELETE, with the expected status."""
        return self.send("DELETE", path, status, **headers)

    def refused(self, method, path, status, code, **members):
        """A request that must be refused: status, media type, stable code, and the ids that it names."""
        answer = self.send(method, path, status)
        self.assertEqual(answer.headers.get("content-type"), "application/problem+json", f"{method} {path}: {answer}")
        problem = answer.json
        self.assertEqual(problem.get("code"), code, f"{method} {path}: {answer}")
        self.assertEqual(problem.get("status"), status, f"{method} {path}: {answer}")
        for name, value in members.items():
            self.assertEqual(problem.get(name), value, f"{method} {path}: {answer}")
        return answer

    def user(self, credit=0):
        """A new user with credit."""
        user = self.post("/payment/create_user").json["user_id"]
        self.assertIsInstance(user, str)
        if credit:
            self.post(f"/payment/add_funds/{user}/{credit}")
        return user

    def item(self, price, stock=0):
        """A new item with stock."""
        item = self.post(f"/stock/item/create/{price}").json["item_id"]
        self.assertIsInstance(item, str)
        if stock:
            self.post(f"/stock/add/{item}/{stock}")
        return item

    def order(self, user, *lines):
        """A new order of a user, with lines of an item and a quantity."""
        order = self.post(f"/orders/create/{user}").json["order_id"]
        self.assertIsInstance(order, str)
        for item, quantity in lines:
            self.post(f"/orders/addItem/{order}/{item}/{quantity}")
        return order

    def credit(self, user):
        """What a user can spend."""
        return self.get(f"/payment/find_user/{user}").json["credit"]

    def stock(self, item):
        """What of an item can still be sold."""
        return self.get(f"/stock/find/{item}").json["stock"]

    def found(self, order):
        """An order as the shop shows it."""
        return self.get(f"/orders/find/{order}").json

    def is_paid(self, user, order):
        """Whether payments knows of a payment for the order; both methods must say the same."""
        path = f"/payment/status/{user}/{order}"
        answers = [self.get(path).json, self.post(path).json]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(set(answers[0]), {"paid"})
        return answers[0]["paid"]


def unknown():
    """An id that nobody made."""
    return f"unknown-{uuid.uuid4()}"


def key():
    """A new Idempotency-Key."""
    return str(uuid.uuid4())
