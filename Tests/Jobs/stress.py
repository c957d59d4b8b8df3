"""test/stress-test-k8s as tests start it."""
import json

from processes import ROOT, ServerTest, run

# What each scenario must have seen, in the words of the figures.
SIGNS = {
    "CheckoutSucceeds": ["/orders/checkout"],
    "CheckoutWithoutStock": ["/orders/checkout (out_of_stock)"],
    "CheckoutWithoutCredit": ["/orders/checkout (out_of_credit)"],
    "CartWithoutCheckout": ["/orders/removeItem", "/orders/find"],
    "UnknownIds": ["/stock/find (unknown_item)", "/payment/find_user (unknown_user)",
                   "/orders/checkout (checkout_unknown_user)"],
    "Mixed": ["/orders/checkout"],
}


class StressTest(ServerTest):
    """Locust without a page. A run ends after a number of scenarios, however long they take."""

    def locust(self, *options):
        """Exit code, all that was said, and the figures by name: requests and failures."""
        code, said = run("-m", "locust", "--locustfile", ROOT / "test/stress-test-k8s/locustfile.py", "--headless",
                         "--spawn-rate", "100", "--only-summary", "--json-file", self.folder / "figures",
                         "--run-time", "180s", "--pool-users", "20", "--pool-items", "20", "--rate", "0", *options)
        path = self.folder / "figures.json"
        rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return code, said, {row["name"]: (row["num_requests"], row["num_failures"]) for row in rows}

    def assert_good(self, run_of_locust, *scenarios):
        """Requests of all the scenarios, and no failure."""
        code, said, figures = run_of_locust
        self.assertEqual(code, 0, said)
        self.assertEqual(sum(failed for _, failed in figures.values()), 0, said)
        for scenario in scenarios:
            for sign in SIGNS[scenario]:
                self.assertGreater(figures.get(sign, (0, 0))[0], 0, f"{scenario} never came to {sign}: {said}")
