"""The payment service: users, their credit, and payments by hand."""
from base import MAX, ShopTest, unknown


class TestPayment(ShopTest):
    """/payment"""

    def test_create_and_find(self):
        """A new user has no credit; two users have two ids."""
        first, second = self.user(), self.user()
        self.assertNotEqual(first, second)
        self.assertEqual(self.get(f"/payment/find_user/{first}").json, {"user_id": first, "credit": 0})

    def test_add_funds(self):
        """Says done, and the credit is there."""
        user = self.user()
        self.assertIs(self.post(f"/payment/add_funds/{user}/15").json["done"], True)
        self.assertEqual(self.credit(user), 15)
        self.refused("POST", f"/payment/add_funds/{user}/{MAX}", 409, "sum_out_of_range")
        self.assertEqual(self.credit(user), 15)

    def test_pay_without_order(self):
        """The newer dialect: an amount and no order."""
        user = self.user(10)
        self.post(f"/payment/pay/{user}/4")
        self.assertEqual(self.credit(user), 6)
        self.refused("POST", f"/payment/pay/{user}/7", 409, "not_enough_credit", user_id=user)
        self.assertEqual(self.credit(user), 6)

    def test_pay_for_an_order(self):
        """The older dialect: a payment is remembered under its order, and taken once."""
        user = self.user(10)
        order = self.order(user)
        self.assertIs(self.is_paid(user, order), False)
        for _ in range(2):
            self.post(f"/payment/pay/{user}/{order}/4")
        self.assertEqual(self.credit(user), 6)
        self.assertIs(self.is_paid(user, order), True)
        self.refused("POST", f"/payment/pay/{user}/{order}/5", 409, "payment_conflict", order_id=order)
        self.refused("POST", f"/payment/pay/{user}/{self.order(user)}/7", 409, "not_enough_credit", user_id=user)
        self.assertEqual(self.credit(user), 6)

    def test_cancel(self):
        """A payment is refunded once, however often it is cancelled."""
        user = self.user(10)
        order = self.order(user)
        self.refused("POST", f"/payment/cancel/{user}/{order}", 404, "unknown_payment", order_id=order)
        self.post(f"/payment/pay/{user}/{order}/4")
        for _ in range(2):
            self.post(f"/payment/cancel/{user}/{order}")
        self.assertEqual(self.credit(user), 10)
        self.assertIs(self.is_paid(user, order), False)

    def test_cancel_of_a_checkout(self):
        """What a checkout paid is not refunded by hand."""
        user, item = self.user(10), self.item(3, stock=1)
        order = self.order(user, (item, 1))
        self.post(f"/orders/checkout/{order}")
        self.refused("POST", f"/payment/cancel/{user}/{order}", 409, "payment_conflict", order_id=order)
        self.assertEqual(self.credit(user), 7)

    def test_unknown_user(self):
        """Every operation names the user who does not exist."""
        user = unknown()
        for method, path in (
            ("GET", "find_user/{}"), ("POST", "add_funds/{}/1"), ("POST", "pay/{}/1"), ("POST", "pay/{}/o/1"),
            ("POST", "cancel/{}/o"), ("GET", "status/{}/o"), ("POST", "status/{}/o"),
        ):
            self.refused(method, "/payment/" + path.format(user), 404, "unknown_user", user_id=user)

    def test_malformed(self):
        """Ids and amounts that make no sense are refused and change nothing."""
        user = self.user(5)
        for amount in ("-1", "x", "5.5", str(MAX + 1)):
            for path in (f"add_funds/{user}/{amount}", f"pay/{user}/{amount}", f"pay/{user}/o/{amount}"):
                answer = self.post(f"/payment/{path}", 400)
                self.assertIn(answer.code, ("amount_out_of_range", "malformed_amount"))
        for path in ("find_user/a.b", "status/a.b/o", "status/u/a.b"):
            self.refused("GET", f"/payment/{path}", 400, "malformed_id")
        self.assertEqual(self.credit(user), 5)

    def test_batch_init(self):
        """Makes users 0 to n - 1 with the same credit."""
        self.post("/payment/batch_init/10/700")
        for user in range(10):
            self.assertEqual(self.get(f"/payment/find_user/{user}").json, {"user_id": str(user), "credit": 700})
        self.assertEqual(self.post("/payment/batch_init/x/1", 400).code, "malformed_amount")
