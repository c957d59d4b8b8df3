"""A buyer who behaves, alongside all the fuzz: each of its answers has to be exactly what its own books say."""
import random


class Bystander:
    """Its user, item and orders are its own: whatever others send, nobody else's request can mean them."""

    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        self.user = self.must("POST", "/payment/create_user")["user_id"]
        self.item = self.must("POST", "/stock/item/create/3")["item_id"]
        self.credit = self.stock = self.steps = 0

    def must(self, method, path, status=200):
        got, body = self.server.call(method, path)
        if got != status:
            raise AssertionError(f"the bystander's {method} {path}: {status} expected, got {got} {body}")
        return body

    def step(self):
        """One more thing, and then the books."""
        amount = self.random.randrange(1, 10)
        match self.random.randrange(5):
            case 0:
                self.must("POST", f"/payment/add_funds/{self.user}/{amount * 3}")
                self.credit += amount * 3
            case 1:
                self.must("POST", f"/stock/add/{self.item}/{amount}")
                self.stock += amount
            case 2:
                is_rich = self.credit >= amount
                self.must("POST", f"/payment/pay/{self.user}/{amount}", 200 if is_rich else 409)
                self.credit -= amount if is_rich else 0
            case 3:
                is_there = self.stock >= amount
                self.must("POST", f"/stock/subtract/{self.item}/{amount}", 200 if is_there else 409)
                self.stock -= amount if is_there else 0
            case _:
                self.buy(amount)
        user = self.must("GET", f"/payment/find_user/{self.user}")
        item = self.must("GET", f"/stock/find/{self.item}")
        found = (user["credit"], item["stock"], item["price"])
        if found != (self.credit, self.stock, 3):
            raise AssertionError(f"the bystander has credit, stock and price {found}, not {(self.credit, self.stock, 3)}")
        self.steps += 1

    def buy(self, quantity):
        order = self.must("POST", f"/orders/create/{self.user}")["order_id"]
        self.must("POST", f"/orders/addItem/{order}/{self.item}")
        if quantity > 1:
            self.must("POST", f"/orders/addItem/{order}/{self.item}/{quantity - 1}")
        can = self.stock >= quantity and self.credit >= 3 * quantity
        self.must("POST", f"/orders/checkout/{order}", 200 if can else 409)
        if can:
            self.stock, self.credit = self.stock - quantity, self.credit - 3 * quantity
        if self.must("GET", f"/orders/find/{order}")["paid"] != can:
            raise AssertionError(f"the bystander's order {order}: not paid={can}")
