"""What holds for all services: the document, Idempotency-Key, and how refusals look."""
from base import ShopTest, key

PATHS = {
    "/orders/create/{user_id}": {"post"},
    "/orders/remove/{order_id}": {"delete"},
    "/orders/addItem/{order_id}/{item_id}": {"post"},
    "/orders/addItem/{order_id}/{item_id}/{quantity}": {"post"},
    "/orders/removeItem/{order_id}/{item_id}": {"delete"},
    "/orders/find/{order_id}": {"get"},
    "/orders/checkout/{order_id}": {"post"},
    "/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}": {"post"},
    "/stock/item/create/{price}": {"post"},
    "/stock/find/{item_id}": {"get"},
    "/stock/add/{item_id}/{amount}": {"post"},
    "/stock/subtract/{item_id}/{amount}": {"post"},
    "/stock/batch_init/{n}/{starting_stock}/{item_price}": {"post"},
    "/payment/create_user": {"post"},
    "/payment/find_user/{user_id}": {"get"},
    "/payment/add_funds/{user_id}/{amount}": {"post"},
    "/payment/pay/{user_id}/{amount}": {"post"},
    "/payment/pay/{user_id}/{order_id}/{amount}": {"post"},
    "/payment/cancel/{user_id}/{order_id}": {"post"},
    "/payment/status/{user_id}/{order_id}": {"get", "post"},
    "/payment/batch_init/{n}/{starting_money}": {"post"},
}


class TestContract(ShopTest):
    """Promises that every operation keeps"""

    def test_document(self):
        """/openapi.json has every operation of both dialects."""
        document = self.get("/openapi.json").json
        self.assertTrue(document["openapi"].startswith("3."))
        for path, methods in PATHS.items():
            self.assertIn(path, document["paths"])
            self.assertLessEqual(methods, set(document["paths"][path]), path)

    def test_keys(self):
        """A request repeated with its key has one effect, and the same answer."""
        user, item = self.user(100), self.item(5, stock=100)
        order = self.order(user, (item, 3))
        for method, path, look, member, expected in (
            ("POST", f"/payment/add_funds/{user}/10", f"/payment/find_user/{user}", "credit", 110),
            ("POST", f"/payment/pay/{user}/20", f"/payment/find_user/{user}", "credit", 90),
            ("POST", f"/stock/add/{item}/10", f"/stock/find/{item}", "stock", 110),
            ("POST", f"/stock/subtract/{item}/20", f"/stock/find/{item}", "stock", 90),
            ("POST", f"/orders/addItem/{order}/{item}", f"/orders/find/{order}", "total_cost", 20),
            ("POST", f"/orders/addItem/{order}/{item}/2", f"/orders/find/{order}", "total_cost", 30),
            ("DELETE", f"/orders/removeItem/{order}/{item}", f"/orders/find/{order}", "total_cost", 25),
        ):
            once = key()
            answers = [self.send(method, path, Idempotency_Key=once) for _ in range(3)]
            self.assertEqual(len({answer.body for answer in answers}), 1, path)
            self.assertEqual([answer.headers.get("idempotent-replayed") for answer in answers], [None, "true", "true"])
            self.assertEqual(self.get(look).json[member], expected, path)

    def test_keys_of_creations(self):
        """Nothing is made twice under one key."""
        for path in ("/payment/create_user", "/stock/item/create/1", f"/orders/create/{self.user()}"):
            once = key()
            first, again, other = (self.post(path, Idempotency_Key=one) for one in (once, once, key()))
            self.assertEqual(first.json, again.json)
            self.assertNotEqual(first.json, other.json)

    def test_key_of_another_request(self):
        """A key that was used for something else is refused."""
        user, once = self.user(), key()
        self.post(f"/payment/add_funds/{user}/1", Idempotency_Key=once)
        answer = self.post(f"/payment/add_funds/{user}/2", 422, Idempotency_Key=once)
        self.assertEqual(answer.code, "idempotency_key_reused")
        self.assertEqual(self.credit(user), 1)

    def test_paths_and_methods(self):
        """Unknown paths and methods are refused."""
        for path in ("/nothing", "/orders/find", "/stock/find/x/y", "/payment/find_user/"):
            self.refused("GET", path, 404, "not_found")
        for method, path in (("GET", "/payment/create_user"), ("DELETE", "/stock/find/x"), ("PUT", "/orders/find/x")):
            answer = self.refused(method, path, 405, "method_not_allowed")
            self.assertIn("allow", answer.headers)

    def test_request_ids(self):
        """Every answer carries its own id."""
        ids = {self.get("/stock/find/nobody", 404).headers.get("x-request-id") for _ in range(20)}
        self.assertNotIn(None, ids)
        self.assertEqual(len(ids), 20)
