"""test/consistency against a real server, and against shops with planted errors, all of which must be found."""
import json
import re
import threading

from fake_shop import FLAWS, NO_FLAWS, FakeShop
from processes import ROOT, SECONDS_MAX, JobTest, ServerTest, for_each, free_ports, nobody, run
from servers import serving

# What is said of some flaws.
SENTENCES = {
    "oversell": "stock is not conserved: 3 units at first, 4 in paid orders, 0 left",
    "lose_unit": "2 orders are paid; it should be 3",
    "charge_twice": "money is not conserved: 3 orders paid at 3, 12 charged in all",
    "never_say": "unresolved after ",
    "charge_refused": "refused, but was charged 3 at a price of 3",
    "odd_credit": "no credit of type int",
}


def consistency(logs, *options):
    """The job, with its logs in a folder."""
    return run(ROOT / "test/consistency/run_consistency.py", "--logs", logs, *options)


def records(logs, buyers, kind):
    """The lines of one kind of a log."""
    text = (logs / f"{buyers}-buyers.jsonl").read_text(encoding="utf-8")
    return [one for one in map(json.loads, text.splitlines()) if one["kind"] == kind]


class TestConsistencyOfServer(ServerTest):
    """Kassa is exact."""

    def test_the_server_is_exact(self):
        """Of 1, 100 and 250 buyers as many buy as there are units."""
        code, said = consistency(self.folder, "--url", self.url, "--buyers", "1,100,250")
        self.assertEqual(code, 0, said)
        self.assertEqual(len(re.findall(r" exact$", said, re.MULTILINE)), 3, said)
        for buyers, sold in ((1, 1), (100, 10), (250, 25)):
            outcomes = [one["outcome"] for one in records(self.folder, buyers, "outcome")]
            self.assertEqual((len(outcomes), outcomes.count("paid")), (buyers, sold))
            self.assertEqual(sum(one["paid"] for one in records(self.folder, buyers, "shown")), sold)

    def test_nobody_can_pay(self):
        """Refused for lack of credit: nothing is sold or charged."""
        code, said = consistency(self.folder, "--url", self.url, "--buyers", "20", "--units", "20", "--price", "11")
        self.assertEqual(code, 0, said)
        self.assertEqual({one["code"] for one in records(self.folder, 20, "outcome")}, {"out_of_credit"})


class TestConsistency(JobTest):
    """The job itself, without Kassa."""

    def against(self, flaw, *options):
        """The job's end against a shop with a flaw, with logs in a folder of that name."""
        with serving(FakeShop(flaw).answer) as url:
            return consistency(self.folder / (flaw or "none"), "--url", url, *options)

    def test_every_flaw_is_found(self):
        """One error in a shop's books or answers, one wrong run with its sentence; the others still run."""
        def find(flaw):
            return self.against(flaw, "--buyers", "30,1", "--resolve-time", "2")

        for flaw, (code, said) in for_each(find, FLAWS):
            with self.subTest(flaw):
                self.assertEqual(code, 1, said)
                self.assertIn("consistency: 2 runs", said)
                self.assertRegex(said, r"(?m)^30 buyers: ")
                self.assertIn(SENTENCES.get(flaw, ""), said)
                self.assertNotIn("Traceback", said)

    def test_lost_answers_are_resolved(self):
        """Cut connections, refusals of a busy shop: asked again with the same key until the outcome is known."""
        for flaw, (code, said) in for_each(lambda flaw: self.against(flaw, "--buyers", "30"), NO_FLAWS):
            with self.subTest(flaw):
                self.assertEqual(code, 0, said)
                attempts = {one["attempts"] for one in records(self.folder / (flaw or "none"), 30, "outcome")}
                self.assertEqual(min(attempts) > 1, flaw != "", said)

    def test_a_shop_that_starts_late(self):
        """Refused connections are tried again."""
        port, = free_ports(1)
        finished = threading.Event()

        def serve():
            if not finished.wait(2):
                with serving(FakeShop().answer, port):
                    finished.wait(SECONDS_MAX)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            code, said = consistency(self.folder, "--url", f"http://127.0.0.1:{port}", "--buyers", "10")
        finally:
            finished.set()
            thread.join()
        self.assertEqual(code, 0, said)

    def test_a_shop_that_never_starts(self):
        """Reported after the time that was given; no run is left out."""
        code, said = consistency(self.folder, "--url", nobody(), "--buyers", "1,5", "--resolve-time", "1")
        self.assertEqual(code, 1, said)
        self.assertEqual(said.count("the run could not be made or read: POST /stock/item/create/3"), 2, said)
        self.assertIn("consistency: 2 runs, 2 wrong", said)

    def test_wrong_arguments(self):
        """Exit code 2, and what is wrong."""
        cases = {("--url", nobody(), "--buyers", "0"): "'0'", ("--payment", nobody()): "--orders --stock",
                 ("--url", nobody(), "--price", "-1"): "--price"}
        for options, (code, said) in for_each(lambda options: consistency(self.folder, *options), list(cases)):
            self.assertEqual(code, 2, said)
            self.assertIn(cases[options], said)
