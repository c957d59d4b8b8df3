"""The slides: what they quote is what the pages say, and everything fits and can be read."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import deck
import pages

HERE = os.path.dirname(os.path.abspath(__file__))
PDF_SECONDS_MAX = 120
MEASURE_SECONDS_MAX = 300
VERB = re.compile(r"\bmake ([a-z-]+)")


def script(*argv, **options):
    """A program of the repository, by its path from the root."""
    return subprocess.run([os.path.join(pages.ROOT, argv[0]), *argv[1:]], capture_output=True, text=True, check=False,
                          **options)


def pictures():
    """The name and content of each picture."""
    for path in sorted(glob.glob(os.path.join(pages.ROOT, deck.FOLDER, "*.svg"))):
        name = os.path.basename(path)
        yield name, pages.text(f"{deck.FOLDER}/{name}")


class Content(unittest.TestCase):
    """What can be seen without a browser."""

    def setUp(self):
        self.deck = deck.Deck()

    def test_links_lead_somewhere(self):
        self.assertEqual(list(deck.broken_links(self.deck)), [])

    def test_figures_are_those_of_the_pages(self):
        self.assertGreater(len(list(self.deck.numbers())), 60)
        self.assertEqual(list(deck.wrong_numbers(self.deck)), [])
        self.assertEqual(list(deck.wrong_bars(self.deck)), [])

    def test_slides_of_performance_quote_a_page(self):
        for slide in self.deck.slides():
            if slide.get("id", "").startswith("performance"):
                self.assertIn("docs/performance.md#", slide.get("data-figures", ""))

    def test_what_missed_its_target_is_shown(self):
        missed = [each for each in self.deck.root.iter() if each.get("class") == "missed"]
        rows = [deck.NUMBER.sub("", row) for source in ("figures", "a-cluster")
                for row in deck.blocks(f"docs/performance.md#{source}") if re.search(r"\bmissed\b *$", row)]
        self.assertEqual(len(missed), len(rows))
        for each in missed:
            row = self.deck.nearest(each, "data-row")
            self.assertTrue(any(one.startswith(deck.NUMBER.sub("", row)) for one in rows), row)

    def test_planted_bugs_are_counted(self):
        sources = ("Sources/Tools/Simulator/PlantedBug.swift", "Sources/Shop/Tenancy/TenancyBug.swift")
        cases = sum(len(re.findall(r"^  case \w+$", pages.text(source), re.M)) for source in sources)
        quoted = [each.text for each in self.deck.root.iter() if each.get("data-count") == "planted"]
        self.assertEqual(quoted, [str(cases)])

    def test_commands_exist(self):
        known = set(re.findall(r"^([a-z-]+):.*##", pages.text("Makefile"), re.M))
        shown = set(VERB.findall(" ".join(self.deck.root.itertext())))
        self.assertLessEqual({"run", "stack", "sim", "drills", "perf"}, shown)
        self.assertLessEqual(shown, known)

    def test_every_picture_is_used_and_described(self):
        used = [each.get("src") for each in self.deck.root.iter("img")]
        self.assertEqual(sorted(used), [name for name, _ in pictures()])
        for each in self.deck.root.iter("img"):
            self.assertGreater(len(each.get("alt", "")), 40, each.get("src"))

    def test_pictures_have_one_palette(self):
        styles = {re.search(r"<style>.*</style>", content, re.S)[0] for _, content in pictures()}
        self.assertEqual(len(styles), 1)
        for name, content in pictures():
            self.assertNotRegex(content, r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)[\w/.]", name)
            names = set(re.findall(r"\.([a-z-]+)", styles.copy().pop()))
            used = {each for words in re.findall(r'class="([^"]*)"', content) for each in words.split()}
            self.assertLessEqual(used, names, name)

    def test_every_slide_has_a_name_and_one_heading(self):
        self.assertIn(len(self.deck.slides()), range(15, 19))
        for slide in self.deck.slides():
            self.assertEqual(slide.get("class", "").split()[0], "slide")
            self.assertEqual(len([each for each in slide.iter() if each.tag in ("h1", "h2")]), 1, slide.get("id"))

    def test_mistakes_are_found(self):
        """The test of the tests."""
        def page(body):
            source = "docs/performance.md#figures"
            return deck.Deck(f"<html><section id='a' data-figures='{source}'>{body}</section></html>")
        row = "data-row='reads (find), 64 connections'"
        self.assertEqual(list(deck.wrong_numbers(page(f"<p {row}>108,644</p>"))), [])
        for body in (f"<p {row}>108,645</p>", f"<p {row}>8</p>", "<p>64</p>", f"<p {row}><b/>7</p>",
                     "<p data-row='uniform checkouts'>64</p>", "<p data-row='nothing'>64</p>"):
            self.assertEqual(len(list(deck.wrong_numbers(page(body)))), 1, body)
        self.assertEqual(len(list(deck.wrong_bars(page("<span class='bar' style='--value: 12'/>13")))), 1)
        for body in ("<a href='#b'/>", "<a href='../nothing.md'/>", "<a href='../promises.md#nothing'/>",
                     "<img src='https://example.com/a.svg'/>", "<a href='../../../a'/>", "<b id='a'/>"):
            self.assertEqual(len(list(deck.broken_links(page(body)))), 1, body)


class Look(unittest.TestCase):
    """In a browser, and on paper."""

    def setUp(self):
        self.browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if self.browser is None:
            self.leave_out("there is no Chromium: scripts/system-packages --for slides")

    def leave_out(self, why):
        """Notes that the test was not run; fails where everything has to be."""
        noted = script("scripts/not-run", self.id(), why)
        if noted.returncode != 0:
            self.fail(noted.stdout)
        print(noted.stdout, end="", flush=True)
        self.skipTest(why)

    def measure(self, folder):
        """What measure.py says of a folder."""
        tools = script("Tests/Deployment/slides/tools")
        if tools.returncode != 0:
            self.leave_out(tools.stderr.strip().splitlines()[-1])
        done = subprocess.run([tools.stdout.strip(), os.path.join(HERE, "slides", "measure.py"), self.browser, folder],
                              capture_output=True, text=True, check=False, timeout=MEASURE_SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_everything_fits_and_can_be_read(self):
        found = self.measure(os.path.join(pages.ROOT, deck.FOLDER))
        self.assertEqual(len(found["slides"]), len(deck.Deck().slides()))
        for slide in found["slides"]:
            clean = {"id": slide["id"], "is_cut_off": False, "spills": [], "small": [], "broken": [], "scaled": []}
            self.assertEqual(slide, clean)
        self.assertEqual(set(found["pictures"]), {name for name, _ in pictures()})
        for name, picture in found["pictures"].items():
            self.assertGreater(picture["texts"], 10, name)
            self.assertEqual(picture["found"], [], name)
        self.assertEqual(found["violations"], [])
        self.assertGreater(found["contrasts"], 150)
        self.assertEqual(found["unsure"], [])
        self.assertEqual(found["elsewhere"], [])

    def test_what_does_not_fit_is_found(self):
        """The test of the test: a slide and a picture with a mistake of each kind."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(pages.ROOT, deck.FOLDER), folder, dirs_exist_ok=True)
            name = os.path.join(folder, "index.html")
            with open(name, encoding="utf-8") as file:
                content = file.read()
            spoilt = ('<p style="font-size: 12px; color: #cccccc">pale</p><p style="height: 600px">tall</p>'
                      '<p style="white-space: nowrap">' + "wide " * 60 + '</p><img src="no.svg" alt="none"/></section>')
            with open(name, "w", encoding="utf-8") as file:
                file.write(spoilt.join(content.rsplit("</section>", 1)))
            shutil.copy(os.path.join(folder, "saga.svg"), os.path.join(folder, "spoilt.svg"))
            with open(os.path.join(folder, "spoilt.svg"), "r+", encoding="utf-8") as file:
                picture = file.read().replace("</svg>", '<text x="40" y="212">on</text><text x="1140" y="20">out</text>'
                                              '<text x="170" y="270">across</text></svg>')
                file.seek(0)
                file.write(picture)
            found = self.measure(folder)
        slide = found["slides"][-1]
        self.assertTrue(slide["is_cut_off"])
        self.assertTrue(any("wide" in each for each in slide["spills"]), slide)
        self.assertEqual([each for each in slide["small"] if "pale" in each], ["P: pale"])
        self.assertEqual(slide["broken"], ["IMG: no.svg"])
        self.assertTrue(any(each.startswith("color-contrast") for each in found["violations"]), found["violations"])
        kinds = {each.partition(":")[0] for each in found["pictures"]["spoilt.svg"]["found"]}
        self.assertEqual(kinds, {"on each other", "outside of the picture", "across the edge of a box"})

    def test_each_slide_is_a_page(self):
        if not shutil.which("pdfinfo"):
            self.leave_out("there is no pdfinfo: scripts/system-packages --for slides")
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "kassa.pdf")
            done = script("scripts/slides", name, timeout=PDF_SECONDS_MAX)
            self.assertEqual((done.returncode, done.stdout.strip()), (0, name), done.stderr)
            told = subprocess.run(["pdfinfo", name], capture_output=True, text=True, check=True).stdout
            texts = subprocess.run(["pdftotext", name, "-"], capture_output=True, text=True, check=True).stdout
        slides = deck.Deck().slides()
        self.assertEqual(int(re.search(r"^Pages: +(\d+)", told, re.M)[1]), len(slides))
        self.assertRegex(told, r"(?m)^Page size: +960 x 540 pts")
        sheets = texts.split("\f")
        for number, (slide, sheet) in enumerate(zip(slides, sheets), 1):
            heading = next("".join(each.itertext()) for each in slide.iter() if each.tag in ("h1", "h2"))
            self.assertIn(heading, " ".join(sheet.split()))
            self.assertIn(str(number), sheet.split())


class Missing(unittest.TestCase):
    """A machine without Chromium."""

    def look(self, folder, **variables):
        """What becomes of the tests of the look there."""
        for name in ("bash", "env", "sed"):
            os.symlink(shutil.which(name), os.path.join(folder, name))
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "REQUIRE", "NOT_RUN")}
        return subprocess.run([sys.executable, "-B", "-m", "unittest", "test_slides.Look"], cwd=HERE, check=False,
                              env={**environment, "PATH": folder, **variables}, capture_output=True, text=True)

    def test_it_is_noted(self):
        with tempfile.TemporaryDirectory() as folder:
            noted = os.path.join(folder, "noted")
            done = self.look(folder, NOT_RUN=noted)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(noted, encoding="utf-8") as file:
                lines = file.read().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0], "NOT RUN: test_slides.Look.test_each_slide_is_a_page: "
                                   "there is no Chromium: scripts/system-packages --for slides")

    def test_where_everything_has_to_be_run_it_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.look(folder, REQUIRE="all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("failures=3", done.stderr)


class Print(unittest.TestCase):
    """scripts/slides, as it fails."""

    def test_without_a_browser_it_says_what_to_do_and_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "kassa.pdf")
            done = script("scripts/slides", name, env={**os.environ, "CHROMIUM": "no-browser"})
            self.assertEqual((done.returncode, os.listdir(folder)), (1, []))
        self.assertEqual(done.stderr, "scripts/slides: there is no no-browser: scripts/system-packages --for slides "
                                      "installs Chromium\n")

    def test_a_browser_that_prints_nothing_leaves_the_file_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "kassa.pdf")
            with open(name, "w", encoding="utf-8") as file:
                file.write("old")
            done = script("scripts/slides", name, env={**os.environ, "CHROMIUM": "/bin/true"})
            with open(name, encoding="utf-8") as file:
                self.assertEqual((done.returncode, file.read()), (1, "old"))
        self.assertIn("printed nothing", done.stderr)

    def test_unknown_words_are_refused(self):
        for words in (["--colour"], ["a.pdf", "b.pdf"]):
            self.assertEqual(script("scripts/slides", *words).returncode, 2)


if __name__ == "__main__":
    unittest.main()
