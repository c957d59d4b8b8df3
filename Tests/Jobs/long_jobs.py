"""The jobs at length: what test_*.py does with a part of it, or with all of it at once."""
import re

from altering import ALTERATIONS, Gateway
from processes import ROOT, ServerTest, run
from servers import serving
from stress import SIGNS, StressTest


class LongConsistency(ServerTest):
    """test/consistency as it runs by default"""

    def test_up_to_a_thousand_buyers(self):
        """Six runs, the largest with 1,000 buyers at once."""
        code, said = run(ROOT / "test/consistency/run_consistency.py", "--logs", self.folder, "--url", self.url)
        self.assertEqual(code, 0, said)
        self.assertEqual(len(re.findall(r" exact$", said, re.MULTILINE)), 6, said)


class LongMicroservices(ServerTest):
    """test/test-microservices, all of it"""

    def test_every_wrong_answer_fails_the_whole_contract(self):
        """Over one address, straight and with each kind of answer altered on its way."""
        for alter in (None, *ALTERATIONS):
            with self.subTest(alter and alter.__name__), serving(Gateway(self.url, alter).answer) as url:
                code, said = run(ROOT / "test/test-microservices/test_microservices.py", "--url", url)
                self.assertEqual(code, 1 if alter else 0, said)


class LongStress(StressTest):
    """test/stress-test-k8s, one scenario after the other"""

    def test_each_scenario_alone(self):
        """With things of a batch, and with things made one by one."""
        for scenario in SIGNS:
            for way in ("batch", "create"):
                with self.subTest(scenario, init=way):
                    self.assert_good(self.locust("--host", self.url, "--users", "5", "--rounds", "200", "--init", way,
                                                 scenario), scenario)
