"""scripts/sbom on the program under test."""
import copy
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["KASSA_PROGRAM"]
# What the program is linked to, by the name in the package's own name.
LIBRARIES = ("libgnutls", "libhiredis", "libmicrohttpd", "libpq", "librdkafka", "libsqlite3", "libuv")


def output_of(*words, **environment):
    """(exit code, standard output, standard error) of scripts/sbom."""
    done = subprocess.run([ROOT / "scripts" / "sbom", *words], capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


def complaint(document):
    """What the official schema has against a document."""
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))


class Document(unittest.TestCase):
    """What it says of the program."""

    @classmethod
    def setUpClass(cls):
        code, text, errors = output_of(PROGRAM, SOURCE_DATE_EPOCH="0")
        if code != 0:
            raise AssertionError(f"scripts/sbom ended with {code}: {errors}")
        cls.text, cls.document = text, json.loads(text)
        cls.components = {each["bom-ref"]: each for each in cls.document["components"]}

    def find(self, name):
        """The one component whose name begins so, followed by digits or nothing."""
        found = [each for each in self.components.values() if re.fullmatch(rf"{name}[\d.-]*(t64)?", each["name"])]
        self.assertEqual(len(found), 1, f"{name}: {found}")
        return found[0]

    def test_the_schema_has_nothing_against_it(self):
        self.assertIsNone(complaint(self.document))

    def test_the_schema_finds_a_wrong_word(self):
        """The test of the test."""
        for spoil in (lambda document: document["components"][0].update(type="thing"),
                      lambda document: document.update(serialNumber="1"),
                      lambda document: document["components"].append(document["components"][0])):
            wrong = copy.deepcopy(self.document)
            spoil(wrong)
            self.assertIsNotNone(complaint(wrong))

    def test_it_has_kassas_version(self):
        source = (ROOT / "Sources/Program/kassa/Version.swift").read_text(encoding="utf-8")
        version = re.search(r'kassaVersion = "(.+)"', source)[1]
        main = self.document["metadata"]["component"]
        self.assertEqual((main["name"], main["version"]), ("kassa", version))
        self.assertEqual(self.document["metadata"]["timestamp"], "1970-01-01T00:00:00Z")

    def test_it_has_the_toolchain(self):
        said = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
        self.assertIn(f"Swift version {self.find('swift')['version']} ", said)

    def test_it_has_every_library_of_the_package(self):
        """With the version that pkg-config reports, and as something that the program itself needs."""
        manifest = (ROOT / "Package.swift").read_text(encoding="utf-8")
        # All but a part of the C library.
        self.assertEqual(len(re.findall(r"\blibrary\(\"", manifest)) - 1, len(LIBRARIES))
        direct = self.document["dependencies"][0]
        self.assertEqual(direct["ref"], self.document["metadata"]["component"]["bom-ref"])
        for name in LIBRARIES:
            with self.subTest(name):
                component = self.find(name)
                self.assertIn(component["bom-ref"], direct["dependsOn"])
                version, = (each["value"] for each in component["properties"])
                self.assertTrue(re.sub(r"^\d+:", "", component["version"]).startswith(version), component["version"])

    def test_it_has_every_library_that_the_loader_finds(self):
        """Each of a package, or of the toolchain."""
        said = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        self.assertIn("libssl.so", said)
        self.assertTrue(self.find("libssl"), "OpenSSL comes with librdkafka")
        self.assertEqual([each for each in self.components if not each.startswith("pkg:deb/") and each != "swift"], [])

    def test_versions_are_those_of_dpkg(self):
        for reference, component in self.components.items():
            if reference.startswith("pkg:deb/"):
                said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", component["name"]], capture_output=True,
                                      text=True, check=True).stdout
                self.assertIn(component["version"], said.splitlines(), reference)

    def test_package_urls_are_as_the_specification_writes_them(self):
        for component in self.components.values():
            if "purl" in component:
                url = PackageURL.from_string(component["purl"])
                self.assertEqual((url.to_string(), url.name, url.version),
                                 (component["purl"], component["name"], component["version"]))

    def test_everything_hangs_together(self):
        """From the program every component is reached."""
        needs = {each["ref"]: each["dependsOn"] for each in self.document["dependencies"]}
        seen, waiting = set(), [self.document["metadata"]["component"]["bom-ref"]]
        while waiting:
            reference = waiting.pop()
            if reference not in seen:
                seen.add(reference)
                waiting += needs[reference]
        self.assertEqual(seen - {self.document["metadata"]["component"]["bom-ref"]}, set(self.components))

    def test_the_same_program_gives_the_same_document(self):
        self.assertEqual(output_of(PROGRAM, SOURCE_DATE_EPOCH="0")[1], self.text)


class Refusals(unittest.TestCase):
    """What it cannot describe."""

    def test_a_file_that_is_no_program(self):
        with tempfile.NamedTemporaryFile() as file:
            code, said, errors = output_of(file.name)
        self.assertEqual((code, said), (1, ""))
        self.assertIn("is no program that is linked to shared libraries", errors)

    def test_a_program_that_is_not_kassa(self):
        code, said, errors = output_of("/bin/ls")
        self.assertEqual((code, said), (1, ""))
        self.assertIn("to which this program is not linked", errors)

    def test_wrong_words(self):
        for words in ((), ("--help",), ("no-such-file",), (PROGRAM, PROGRAM)):
            code, said, errors = output_of(*words)
            self.assertEqual((code, said), (2, ""))
            self.assertIn("scripts/sbom PROGRAM", errors)


class Verbs(unittest.TestCase):
    """make check"""

    def test_quick_tests_are_targets(self):
        """A name that is none would be left out without a word."""
        text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
        names = re.search(r"^QUICK := (.+)$", text, re.MULTILINE)[1].split()
        self.assertGreater(len(names), 10)
        targets = re.findall(r'(?:tests\(|testTarget\(name: )\s*"(\w+)"', (ROOT / "Package.swift").read_text(encoding="utf-8"))
        self.assertEqual([name for name in names if name not in targets], [])


if __name__ == "__main__":
    unittest.main()
