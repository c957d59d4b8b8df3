"""The saga: a checkout takes everything once, or nothing at all."""
import concurrent.futures

from base import ShopTest, key, unknown
from shop import Shop


class TestCheckout(ShopTest):
    """/orders/checkout and what the other services show after it"""

    def assert_untouched(self, user, credit, stocks, order):
        """Stock, credit, order and payment are as before the checkout."""
        self.assertEqual(self.credit(user), credit)
        for item, stock in stocks.items():
            self.assertEqual(self.stock(item), stock)
        found = self.found(order)
        self.assertEqual((found["paid"], found["status"]), (False, "open"))
        self.assertIs(self.is_paid(user, order), False)

    def test_success(self):
        """Stock and credit are taken once, however often the checkout is repeated; then the order is frozen."""
        user, first, second = self.user(100), self.item(3, stock=10), self.item(5, stock=10)
        order = self.order(user, (first, 2), (second, 4))
        for _ in range(3):
            self.post(f"/orders/checkout/{order}")
            self.assertEqual((self.credit(user), self.stock(first), self.stock(second)), (74, 8, 6))
        found = self.found(order)
        self.assertEqual((found["paid"], found["status"], found["total_cost"]), (True, "paid", 26))
        self.assertIs(self.is_paid(user, order), True)
        for method, path in (
            ("POST", f"addItem/{order}/{first}"), ("POST", f"addItem/{order}/{first}/2"),
            ("DELETE", f"removeItem/{order}/{first}"), ("DELETE", f"remove/{order}"),
        ):
            self.refused(method, f"/orders/{path}", 409, "order_paid", order_id=order)

    def test_out_of_stock(self):
        """Names the item; the other items and the credit are untouched; it works when the stock is there."""
        user, plenty, scarce = self.user(100), self.item(3, stock=10), self.item(5, stock=1)
        order = self.order(user, (plenty, 1), (scarce, 2))
        self.refused("POST", f"/orders/checkout/{order}", 409, "out_of_stock", order_id=order, item_id=scarce)
        self.assert_untouched(user, 100, {plenty: 10, scarce: 1}, order)
        self.post(f"/stock/add/{scarce}/1")
        self.post(f"/orders/checkout/{order}")
        self.assertEqual((self.credit(user), self.stock(plenty), self.stock(scarce)), (87, 9, 0))

    def test_out_of_credit(self):
        """Names the user; the stock comes back; it works when the credit is there."""
        user, cheap, dear = self.user(10), self.item(3, stock=10), self.item(1_000, stock=5)
        order = self.order(user, (cheap, 1), (dear, 1))
        self.refused("POST", f"/orders/checkout/{order}", 409, "out_of_credit", order_id=order, user_id=user)
        self.assert_untouched(user, 10, {cheap: 10, dear: 5}, order)
        self.post(f"/payment/add_funds/{user}/993")
        self.post(f"/orders/checkout/{order}")
        self.assertEqual((self.credit(user), self.stock(cheap), self.stock(dear)), (0, 9, 4))

    def test_unknown_user(self):
        """An order may be made for a user who does not exist; its checkout is refused, and the stock comes back."""
        user, item = unknown(), self.item(3, stock=10)
        order = self.order(user, (item, 1))
        self.refused("POST", f"/orders/checkout/{order}", 409, "checkout_unknown_user", user_id=user)
        self.assertEqual((self.stock(item), self.found(order)["paid"]), (10, False))

    def test_unknown_item(self):
        """Orders of a batch may name items that nobody made."""
        self.post("/payment/batch_init/1/1000")
        self.post("/orders/batch_init/1/10000000/1/1")
        self.refused("POST", "/orders/checkout/0", 409, "checkout_unknown_item", order_id="0")
        self.assertEqual(self.credit("0"), 1000)

    def test_paid_by_hand(self):
        """A payment by hand blocks the checkout until it is cancelled."""
        user, item = self.user(100), self.item(3, stock=10)
        order = self.order(user, (item, 1))
        self.post(f"/payment/pay/{user}/{order}/50")
        self.refused("POST", f"/orders/checkout/{order}", 409, "payment_conflict", order_id=order)
        self.post(f"/payment/cancel/{user}/{order}")
        self.assert_untouched(user, 100, {item: 10}, order)
        self.post(f"/orders/checkout/{order}")
        self.assertEqual((self.credit(user), self.stock(item)), (97, 9))

    def test_repeated_with_a_key(self):
        """The same key gives the stored outcome, refusals among them; a new attempt needs a new key."""
        user, item = self.user(10), self.item(3)
        order, once = self.order(user, (item, 1)), key()
        for replayed in (None, "true"):
            answer = self.post(f"/orders/checkout/{order}", 409, Idempotency_Key=once)
            self.assertEqual((answer.code, answer.headers.get("idempotent-replayed")), ("out_of_stock", replayed))
            self.post(f"/stock/add/{item}/1")
        self.assert_untouched(user, 10, {item: 2}, order)
        again = key()
        for _ in range(2):
            self.post(f"/orders/checkout/{order}", Idempotency_Key=again)
        self.assertEqual((self.credit(user), self.stock(item)), (7, 1))

    def test_race_for_the_last_units(self):
        """Of twelve checkouts at once for five units exactly five succeed."""
        item = self.item(2, stock=5)
        buyers = [self.user(10) for _ in range(12)]
        orders = [self.order(buyer, (item, 1)) for buyer in buyers]

        def checkout(order):
            shop = Shop({name: one.geturl() for name, one in self.shop.addresses.items()})
            try:
                return shop.send("POST", f"/orders/checkout/{order}", Idempotency_Key=key())
            finally:
                shop.close()

        with concurrent.futures.ThreadPoolExecutor(len(orders)) as pool:
            answers = list(pool.map(checkout, orders))
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 5 + [409] * 7)
        self.assertEqual(self.stock(item), 0)
        for buyer, order, answer in zip(buyers, orders, answers):
            sold = answer.status == 200
            self.assertEqual((self.credit(buyer), self.found(order)["paid"]), (8 if sold else 10, sold))
