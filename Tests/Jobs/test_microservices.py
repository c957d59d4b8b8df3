"""test/test-microservices against a real server, and against gateways that alter one kind of its answers."""
from altering import ALTERATIONS, Gateway
from processes import ROOT, JobTest, ServerTest, for_each, nobody, run
from servers import serving


def microservices(*options):
    """The job."""
    return run(ROOT / "test/test-microservices/test_microservices.py", *options)


class TestMicroservices(ServerTest):
    """Kassa keeps the contract; whatever is altered on its way is found."""

    def test_the_server_keeps_the_contract(self):
        """All of it, with an address for each service."""
        code, said = microservices("--orders", self.url, "--stock", self.url, "--payment", self.url)
        self.assertEqual(code, 0, said)
        self.assertIn(" 0 failed", said)

    def test_an_unaltered_gateway_changes_nothing(self):
        """So that what is found below is the alteration."""
        with serving(Gateway(self.url).answer) as url:
            code, said = microservices("--url", url)
        self.assertEqual(code, 0, said)

    def test_every_wrong_answer_is_found(self):
        """One altered kind of answer, and the test of the job that is there for it fails."""
        def find(alter):
            with serving(Gateway(self.url, alter).answer) as url:
                return microservices("--url", url, "-k", ALTERATIONS[alter])

        for alter, (code, said) in for_each(find, list(ALTERATIONS)):
            with self.subTest(alter.__name__):
                self.assertEqual(code, 1, said)
                self.assertRegex(said, rf"FAIL: {ALTERATIONS[alter]} ")

    def test_ignored_keys_are_found(self):
        """A shop that does not know Idempotency-Key."""
        with serving(Gateway(self.url, without_keys=True).answer) as url:
            code, said = microservices("--url", url, "-k", "test_keys")
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"FAIL: test_keys ")


class TestArguments(JobTest):
    """How the job ends where it cannot begin."""

    def test_wrong_arguments(self):
        """Exit code 2, and the argument's name."""
        for options, name in ((["--url", "nonsense"], "nonsense"), (["--orders", nobody()], "--stock"),
                              (["--url", nobody(), "-k", "nothing_like_it"], "no test")):
            code, said = microservices(*options)
            self.assertEqual(code, 2, said)
            self.assertIn(name, said)

    def test_a_server_that_is_not_there(self):
        """Every test fails; the program ends."""
        code, said = microservices("--url", nobody())
        self.assertEqual(code, 1, said)
        self.assertNotIn(" 0 failed", said)
