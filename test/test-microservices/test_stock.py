"""The stock service: items, their prices, and how many are left."""
from base import MAX, ShopTest, unknown


class TestStock(ShopTest):
    """/stock"""

    def test_create_and_find(self):
        """A new item has its price and no stock; two items have two ids."""
        first, second = self.item(5), self.item(5)
        self.assertNotEqual(first, second)
        self.assertEqual(self.get(f"/stock/find/{first}").json, {"stock": 0, "price": 5})

    def test_add_and_subtract(self):
        """Stock goes up and down by the amount in the path."""
        item = self.item(7)
        self.post(f"/stock/add/{item}/50")
        self.assertEqual(self.stock(item), 50)
        self.post(f"/stock/subtract/{item}/15")
        self.assertEqual(self.get(f"/stock/find/{item}").json, {"stock": 35, "price": 7})
        self.post(f"/stock/subtract/{item}/35")
        self.assertEqual(self.stock(item), 0)

    def test_subtract_more_than_there_is(self):
        """Refused, and the stock stays as it was."""
        item = self.item(1, stock=3)
        self.refused("POST", f"/stock/subtract/{item}/4", 409, "less_in_stock", item_id=item)
        self.assertEqual(self.stock(item), 3)

    def test_extremes(self):
        """Price and stock reach the largest amount, and no sum exceeds it."""
        item = self.item(MAX, stock=MAX)
        self.assertEqual(self.get(f"/stock/find/{item}").json, {"stock": MAX, "price": MAX})
        self.refused("POST", f"/stock/add/{item}/1", 409, "sum_out_of_range")
        self.assertEqual(self.stock(item), MAX)

    def test_unknown_item(self):
        """Every operation names the item that does not exist."""
        item = unknown()
        for method, path in (("GET", "find/{}"), ("POST", "add/{}/1"), ("POST", "subtract/{}/1")):
            self.refused(method, "/stock/" + path.format(item), 404, "unknown_item", item_id=item)

    def test_malformed(self):
        """Ids and amounts that make no sense are refused and change nothing."""
        item = self.item(1, stock=5)
        for amount in ("-1", "x", "5.5", str(MAX + 1)):
            for path in (f"add/{item}/{amount}", f"subtract/{item}/{amount}", f"item/create/{amount}"):
                answer = self.post(f"/stock/{path}", 400)
                self.assertIn(answer.code, ("amount_out_of_range", "malformed_amount"))
        self.refused("GET", "/stock/find/a.b", 400, "malformed_id")
        self.assertEqual(self.stock(item), 5)

    def test_batch_init(self):
        """Makes items 0 to n - 1 with the same stock and price."""
        self.post("/stock/batch_init/10/20/3")
        for item in range(10):
            self.assertEqual(self.get(f"/stock/find/{item}").json, {"stock": 20, "price": 3})
        self.assertEqual(self.post("/stock/batch_init/x/1/1", 400).code, "malformed_amount")
