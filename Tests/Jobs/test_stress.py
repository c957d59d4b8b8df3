"""test/stress-test-k8s against a real server, and where it has to fail."""
from altering import Gateway, paid_though_refused
from processes import nobody
from servers import serving
from stress import SIGNS, StressTest


class TestStress(StressTest):
    """Each test counts on the ids of its own batch_init alone: they run one after the other."""

    def test_the_six_scenarios(self):
        """All at once end as they should."""
        self.assert_good(self.locust("--host", self.url, "--users", "12", "--rounds", "90", *SIGNS), *SIGNS)

    def test_master_and_workers(self):
        """Several processes that make their users and items themselves, and an address for each service."""
        found = self.locust("--orders-url", self.url, "--stock-url", self.url, "--payment-url", self.url,
                            "--users", "4", "--processes", "2", "--init", "create", "--rounds", "10", "Mixed")
        self.assert_good(found, "Mixed")
        figures = found[2]
        self.assertEqual(figures["/payment/create_user"][0], 2 * (20 + 5), "each makes 20 users, and 5 without credit")
        self.assertGreaterEqual(figures["/orders/create"][0], 2 * 10, "each has its rounds")

    def test_wrong_answers_fail(self):
        """A shop that pays what it should refuse."""
        with serving(Gateway(self.url, paid_though_refused).answer) as url:
            code, said, figures = self.locust("--host", url, "--users", "2", "--rounds", "5", "CheckoutWithoutStock")
        self.assertEqual(code, 1, said)
        self.assertGreater(figures["/orders/checkout (out_of_stock)"][1], 0, said)

    def test_no_time_left_for_a_scenario(self):
        """A run that ends within its preparation did not find the shop good."""
        code, said, _ = self.locust("--host", self.url, "--users", "1", "--run-time", "1s", "--init", "create",
                                    "--pool-users", "1000000", "Mixed")
        self.assertEqual(code, 1, said)
        self.assertIn("no scenario began", said)

    def test_a_shop_that_is_not_there(self):
        """The test does not start."""
        code, said, _ = self.locust("--host", nobody())
        self.assertEqual(code, 1, said)
        self.assertIn("the test cannot start: POST /stock/batch_init", said)

    def test_no_address(self):
        """Exit code 2, and what to give."""
        code, said, _ = self.locust("--orders-url", self.url)
        self.assertEqual(code, 2, said)
        self.assertIn("no address of stock, payment", said)
