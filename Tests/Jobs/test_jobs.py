"""The three jobs of test/ against a real server, and against shops with planted errors, all of which must be found.

KASSA_JOBS_URL is the real server's address; the program `python` of this process has what the jobs need.
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from altering import ALTERATIONS, Gateway
from fake_shop import FLAWS, NO_FLAWS, FakeShop
from servers import serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
URL = os.environ.get("KASSA_JOBS_URL", "")
SECONDS_MAX = 240
SCENARIOS = ("CheckoutSucceeds", "CheckoutWithoutStock", "CheckoutWithoutCredit", "CartWithoutCheckout", "UnknownIds",
             "Mixed")
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


def run(*argv):
    """A program's exit code and all it wrote."""
    done = subprocess.run([sys.executable, "-B", *map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX, check=False)
    return done.returncode, done.stdout


def microservices(*options):
    """test-microservices."""
    return run(ROOT / "test/test-microservices/test_microservices.py", *options)


class JobTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def consistency(self, *options):
        """consistency, with its logs in the folder."""
        return run(ROOT / "test/consistency/run_consistency.py", "--logs", self.folder, *options)

    def records(self, buyers, kind):
        """The lines of one kind of a log."""
        text = (self.folder / f"{buyers}-buyers.jsonl").read_text(encoding="utf-8")
        return [one for one in map(json.loads, text.splitlines()) if one["kind"] == kind]


class TestMicroservices(JobTest):
    """test/test-microservices"""

    def test_the_server_keeps_the_contract(self):
        """All of it, over one address and over three."""
        for options in (["--url", URL], ["--orders", URL, "--stock", URL, "--payment", URL]):
            code, said = microservices(*options)
            self.assertEqual(code, 0, said)
            self.assertIn(" 0 failed", said)

    def test_an_unaltered_gateway_changes_nothing(self):
        """So that what is found below is the alteration."""
        with serving(Gateway(URL).answer) as url:
            code, said = microservices("--url", url)
        self.assertEqual(code, 0, said)

    def test_every_wrong_answer_is_found(self):
        """One altered kind of answer, one failed run."""
        for alter in ALTERATIONS:
            with self.subTest(alter.__name__), serving(Gateway(URL, alter).answer) as url:
                code, said = microservices("--url", url)
                self.assertEqual(code, 1, said)
                self.assertRegex(said, r"(FAIL|ERROR): test_")

    def test_ignored_keys_are_found(self):
        """A shop that does not know Idempotency-Key."""
        with serving(Gateway(URL, without_keys=True).answer) as url:
            code, said = microservices("--url", url)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"FAIL: test_keys ")

    def test_wrong_arguments(self):
        """Exit code 2, and the argument's name."""
        for options, name in ((["--url", "nonsense"], "nonsense"), (["--orders", URL], "--stock"),
                              (["--url", URL, "-k", "nothing_like_it"], "no test")):
            code, said = microservices(*options)
            self.assertEqual(code, 2, said)
            self.assertIn(name, said)

    def test_a_server_that_is_not_there(self):
        """Every test fails; the program ends."""
        code, said = microservices("--url", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(code, 1, said)


class TestConsistency(JobTest):
    """test/consistency"""

    def test_the_server_is_exact(self):
        """Of 1, 100 and 250 buyers as many buy as there are units."""
        code, said = self.consistency("--url", URL, "--buyers", "1,100,250")
        self.assertEqual(code, 0, said)
        self.assertEqual(len(re.findall(r" exact$", said, re.MULTILINE)), 3, said)
        for buyers, sold in ((1, 1), (100, 10), (250, 25)):
            outcomes = [one["outcome"] for one in self.records(buyers, "outcome")]
            self.assertEqual((len(outcomes), outcomes.count("paid")), (buyers, sold))
            self.assertEqual(sum(one["paid"] for one in self.records(buyers, "shown")), sold)

    def test_nobody_can_pay(self):
        """Refused for lack of credit: nothing is sold or charged."""
        code, said = self.consistency("--url", URL, "--buyers", "20", "--units", "20", "--price", "11")
        self.assertEqual(code, 0, said)
        self.assertEqual({one["code"] for one in self.records(20, "outcome")}, {"out_of_credit"})

    def test_every_flaw_is_found(self):
        """One error in a shop's books or answers, one wrong run; the others still run."""
        for flaw in FLAWS:
            with self.subTest(flaw), serving(FakeShop(flaw).answer) as url:
                code, said = self.consistency("--url", url, "--buyers", "30,1", "--resolve-time", "2")
                self.assertEqual(code, 1, said)
                self.assertIn("consistency: 2 runs", said)
                self.assertRegex(said, r"(?m)^30 buyers: ")
                self.assertNotIn("Traceback", said)

    def test_flaws_are_named(self):
        """The sentences say what is wrong."""
        for flaw, sentence in (
            ("oversell", "stock is not conserved: 3 units at first, 4 in paid orders, 0 left"),
            ("lose_unit", "2 orders are paid; it should be 3"),
            ("charge_twice", "money is not conserved: 3 orders paid at 3, 12 charged in all"),
            ("never_say", "unresolved after "),
            ("charge_refused", "refused, but was charged 3 at a price of 3"),
            ("odd_credit", "no credit of type int"),
        ):
            with self.subTest(flaw), serving(FakeShop(flaw).answer) as url:
                _, said = self.consistency("--url", url, "--buyers", "30", "--resolve-time", "2")
                self.assertIn(sentence, said)

    def test_lost_answers_are_resolved(self):
        """Cut connections, refusals of a busy shop: asked again with the same key until the outcome is known."""
        for flaw in NO_FLAWS:
            with self.subTest(flaw), serving(FakeShop(flaw).answer) as url:
                code, said = self.consistency("--url", url, "--buyers", "30")
                self.assertEqual(code, 0, said)
                attempts = {one["attempts"] for one in self.records(30, "outcome")}
                self.assertEqual(min(attempts) > 1, flaw != "", said)

    def test_a_shop_that_starts_late(self):
        """Refused connections are tried again."""
        port = free_port()
        finished = threading.Event()

        def serve():
            if not finished.wait(2):
                with serving(FakeShop().answer, port):
                    finished.wait(SECONDS_MAX)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            code, said = self.consistency("--url", f"http://127.0.0.1:{port}", "--buyers", "10")
        finally:
            finished.set()
            thread.join()
        self.assertEqual(code, 0, said)

    def test_a_shop_that_never_starts(self):
        """Reported after the time that was given; no run is left out."""
        code, said = self.consistency("--url", f"http://127.0.0.1:{free_port()}", "--buyers", "1,5",
                                      "--resolve-time", "1")
        self.assertEqual(code, 1, said)
        self.assertEqual(said.count("the run could not be made or read: POST /stock/item/create/3"), 2, said)
        self.assertIn("consistency: 2 runs, 2 wrong", said)

    def test_wrong_arguments(self):
        """Exit code 2, and what is wrong."""
        for options, name in ((["--url", URL, "--buyers", "0"], "'0'"), (["--payment", URL], "--orders --stock"),
                              (["--url", URL, "--price", "-1"], "--price")):
            code, said = self.consistency(*options)
            self.assertEqual(code, 2, said)
            self.assertIn(name, said)


class TestStress(JobTest):
    """test/stress-test-k8s"""

    def locust(self, *options):
        """Locust without a page; the figures by name."""
        code, said = run("-m", "locust", "--locustfile", ROOT / "test/stress-test-k8s/locustfile.py", "--headless",
                         "--users", "5", "--spawn-rate", "5", "--only-summary", "--json-file", self.folder / "figures",
                         "--run-time", "60s", "--pool-users", "20", "--pool-items", "20", *options)
        path = self.folder / "figures.json"
        rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return code, said, {row["name"]: (row["num_requests"], row["num_failures"]) for row in rows}

    def test_the_six_scenarios(self):
        """Each ends as it should: requests, and no failure."""
        for number, scenario in enumerate(SCENARIOS):
            with self.subTest(scenario):
                code, said, figures = self.locust("--host", URL, "--rounds", "15", "--rate", "0",
                                                  "--init", ("batch", "create")[number % 2], scenario)
                self.assertEqual(code, 0, said)
                self.assertEqual(sum(failed for _, failed in figures.values()), 0, said)
                for sign in SIGNS[scenario]:
                    self.assertGreater(figures[sign][0], 0, said)

    def test_master_and_workers(self):
        """Several processes, and an address for each service."""
        code, said, figures = self.locust("--orders-url", URL, "--stock-url", URL, "--payment-url", URL, "--processes",
                                          "2", "--run-time", "6s", "--rate", "0", "Mixed")
        self.assertEqual(code, 0, said)
        self.assertGreater(figures["/orders/create"][0], 0, said)

    def test_wrong_answers_fail(self):
        """A shop that pays what it should refuse."""
        alter = next(one for one in ALTERATIONS if one.__name__ == "paid_though_refused")
        with serving(Gateway(URL, alter).answer) as url:
            code, said, figures = self.locust("--host", url, "--rounds", "5", "CheckoutWithoutStock")
        self.assertEqual(code, 1, said)
        self.assertGreater(figures["/orders/checkout (out_of_stock)"][1], 0, said)

    def test_a_shop_that_is_not_there(self):
        """The test does not start."""
        code, said, _ = self.locust("--host", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(code, 1, said)
        self.assertIn("the test cannot start: POST /stock/batch_init", said)

    def test_no_address(self):
        """Exit code 2, and what to give."""
        code, said, _ = self.locust("--orders-url", URL)
        self.assertEqual(code, 2, said)
        self.assertIn("no address of stock, payment", said)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
