"""The orders service before checkout: carts in both dialects."""
from base import MAX, ShopTest, unknown


class TestOrders(ShopTest):
    """/orders, without checkout"""

    def test_create_and_find(self):
        """A new order is empty, open, unpaid and its user's."""
        user = self.user()
        order = self.order(user)
        self.assertEqual(self.found(order), {
            "order_id": order, "paid": False, "items": [], "user_id": user, "total_cost": 0, "status": "open"})
        self.refused("POST", "/orders/create/a.b", 400, "malformed_id")

    def test_add_without_quantity(self):
        """The older dialect: one unit a request."""
        item = self.item(10)
        order = self.order(self.user())
        for _ in range(3):
            self.post(f"/orders/addItem/{order}/{item}")
        found = self.found(order)
        self.assertEqual((found["items"], found["total_cost"]), ([[item, 3]], 30))

    def test_add_with_quantity(self):
        """The newer dialect: a quantity in the path; the answer says the new total."""
        cheap, dear = self.item(2), self.item(50)
        order = self.order(self.user(), (cheap, 1))
        answer = self.post(f"/orders/addItem/{order}/{dear}/3")
        self.assertIn("152", answer.body.decode())
        self.post(f"/orders/addItem/{order}/{cheap}/2")
        found = self.found(order)
        self.assertEqual((sorted(found["items"]), found["total_cost"]), (sorted([[cheap, 3], [dear, 3]]), 156))
        for quantity in ("0", "-1", "x", "5.5"):
            self.post(f"/orders/addItem/{order}/{cheap}/{quantity}", 400)
        self.refused("POST", f"/orders/addItem/{order}/{dear}/{MAX}", 409, "sum_out_of_range")
        self.assertEqual(self.found(order), found)

    def test_remove_item(self):
        """Takes one unit away; the last takes the line away."""
        item = self.item(4)
        order = self.order(self.user(), (item, 2))
        self.delete(f"/orders/removeItem/{order}/{item}")
        self.assertEqual(self.found(order)["items"], [[item, 1]])
        self.delete(f"/orders/removeItem/{order}/{item}")
        found = self.found(order)
        self.assertEqual((found["items"], found["total_cost"]), ([], 0))
        self.refused("DELETE", f"/orders/removeItem/{order}/{item}", 404, "item_not_in_order", item_id=item)

    def test_set_quantity(self):
        """Sets a line; twice is the same as once, and 0 removes it. For shops whose document has it."""
        paths = self.get("/openapi.json").json["paths"]
        if "put" not in paths.get("/orders/items/{order_id}/{item_id}/{quantity}", {}):
            self.skipTest("the shop's /openapi.json has no PUT /orders/items/{order_id}/{item_id}/{quantity}")
        item = self.item(4)
        order = self.order(self.user())
        for quantity, items in ((3, [[item, 3]]), (3, [[item, 3]]), (1, [[item, 1]]), (0, [])):
            self.send("PUT", f"/orders/items/{order}/{item}/{quantity}")
            found = self.found(order)
            self.assertEqual((found["items"], found["total_cost"]), (items, 4 * sum(one for _, one in items)))
        absent = unknown()
        self.refused("PUT", f"/orders/items/{order}/{absent}/1", 404, "unknown_item", item_id=absent)
        self.refused("PUT", f"/orders/items/{absent}/{item}/1", 404, "unknown_order", order_id=absent)

    def test_remove(self):
        """A removed order is gone."""
        order = self.order(self.user(), (self.item(1), 1))
        self.delete(f"/orders/remove/{order}")
        for method, path in (("GET", "find"), ("DELETE", "remove"), ("POST", "checkout")):
            self.refused(method, f"/orders/{path}/{order}", 404, "unknown_order", order_id=order)

    def test_unknown_ids(self):
        """Orders and items that do not exist are named."""
        order, item, absent = self.order(self.user()), self.item(1), unknown()
        for suffix in ("", "/2"):
            self.refused("POST", f"/orders/addItem/{order}/{absent}{suffix}", 404, "unknown_item", item_id=absent)
            self.refused("POST", f"/orders/addItem/{absent}/{item}{suffix}", 404, "unknown_order", order_id=absent)
        for method, path in (
            ("GET", "find/{}"), ("DELETE", "remove/{}"), ("POST", "checkout/{}"), ("DELETE", "removeItem/{}/" + item),
        ):
            self.refused(method, "/orders/" + path.format(absent), 404, "unknown_order", order_id=absent)
        self.assertEqual(self.found(order)["items"], [])

    def test_batch_init(self):
        """Makes orders 0 to n - 1 with two items each, of users and items of the other batches; they can be paid."""
        self.post("/stock/batch_init/10/100/5")
        self.post("/payment/batch_init/10/1000")
        self.post("/orders/batch_init/20/10/10/5")
        for order in range(20):
            found = self.found(order)
            self.assertEqual(sum(quantity for _, quantity in found["items"]), 2)
            self.assertEqual((found["total_cost"], found["paid"]), (10, False))
            self.assertIn(int(found["user_id"]), range(10))
            self.assertTrue({int(item) for item, _ in found["items"]} <= set(range(10)))
        self.post("/orders/checkout/0")
        self.assertIs(self.found(0)["paid"], True)
        self.assertEqual(sum(self.stock(item) for item in range(10)), 998)
        self.assertEqual(sum(self.credit(user) for user in range(10)), 9990)
        self.post("/orders/batch_init/1/0/1/1", 400)
