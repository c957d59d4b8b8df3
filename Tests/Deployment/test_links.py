"""Links and names in pages, as far as TidyTests do not look: those follow inline links of docs and of the pages at the top."""
import re
import unittest

import pages
import rules

TIDY = re.compile(r"(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|docs/.*\.md")


class Links(unittest.TestCase):
    """What leads somewhere."""

    @classmethod
    def setUpClass(cls):
        cls.files = pages.tracked()
        cls.pages = [path for path in cls.files if path.endswith(".md")]

    def test_pages_elsewhere_lead_somewhere(self):
        """Pages beside the code and the manifests, and templates: all links of them."""
        found = [one for page in self.pages if not TIDY.fullmatch(page) for one in pages.broken(page, pages.text(page))]
        self.assertEqual(found, [])

    def test_references_and_images_lead_somewhere(self):
        """Links of docs and of the pages at the top that are no inline ones."""
        found = [one for page in filter(TIDY.fullmatch, self.pages)
                 for one in pages.broken(page, pages.text(page), inline=False)]
        self.assertEqual(found, [])

    def test_every_page_can_be_found(self):
        """From README, by links, whoever follows them."""
        seen, waiting = set(), ["README.md"]
        while waiting:
            page = waiting.pop()
            if page in seen or not page.endswith(".md") or page not in self.files:
                continue
            seen.add(page)
            waiting += [pages.resolve(page, target)[0] for _, target in pages.links(pages.text(page))
                        if pages.is_local(target)]
        self.assertEqual([page for page in self.pages if TIDY.fullmatch(page) and page not in seen], [])

    def test_each_alert_has_a_heading_in_the_runbook_and_the_other_way_round(self):
        """runbook_url of each alert."""
        headings = pages.anchors(pages.text("docs/runbook.md"))
        alerts = rules.alerts()
        self.assertGreater(len(alerts), 30)
        for alert in alerts:
            with self.subTest(alert["alert"]):
                path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
                self.assertEqual(path, "docs/runbook.md")
                self.assertEqual(anchor, alert["alert"].lower())
                self.assertIn(anchor, headings)
        self.assertEqual(headings - {alert["alert"].lower() for alert in alerts}, {"runbook"})

    def test_names_of_paths_exist(self):
        """`Sources/…`, `Tests/…`, `docs/…` and the like in backquotes, in the pages for operators."""
        names = re.compile(r"`((?:Sources|Tests|docs|stack|scripts|k8s|helm-config)/[\w./-]+)`")
        for page in filter(TIDY.fullmatch, self.pages):
            if page == "CHANGELOG.md":
                continue
            for name in names.findall(pages.text(page)):
                with self.subTest(page=page, name=name):
                    known = name in self.files or any(path.startswith(name.rstrip("/") + "/") for path in self.files)
                    self.assertTrue(known, f"{page} names {name}, which does not exist")


class Promises(unittest.TestCase):
    """docs/promises.md"""

    PAGE = "docs/promises.md"

    def test_each_promise_is_held_by_tests_that_exist(self):
        """Every name in its right column is a test."""
        files = [path for path in pages.tracked() if path.startswith(pages.TESTS)]
        cells = list(pages.table_cells(pages.text(self.PAGE), "Promises", 1))
        self.assertGreater(len(cells), 20)
        for number, cell in cells:
            names = re.findall(r"`([^`]+)`", cell)
            with self.subTest(line=number):
                self.assertTrue(names, "a promise without a test")
                self.assertEqual([name for name in names if not pages.test_exists(name, files)], [])

    def test_a_wrong_name_is_found(self):
        """The test of the test."""
        files = pages.tracked()
        self.assertTrue(pages.test_exists("load_drills/kills", files))
        self.assertTrue(pages.test_exists("Tests/Contract/run", files))
        for name in ("load_drills/kill", "load_drill/kills", "Tests/Contract/ran", "load_drills"):
            self.assertFalse(pages.test_exists(name, files), name)


class Security(unittest.TestCase):
    """SECURITY.md"""

    PAGE = "SECURITY.md"
    # Its heading, and that of the threat model whose first column it repeats.
    TABLES = (("Surfaces", "Who may reach what"), ("Attacks", "What the REST endpoint defends against"))

    @staticmethod
    def told(page, heading, level="##"):
        """The first column below a heading, without what links say beside it."""
        content = pages.text(page).replace(f"{level} {heading}\n", f"## {heading}\n")
        return [re.sub(r" \(\[.*", "", cell) for _, cell in pages.table_cells(content, heading, 0)]

    def test_every_row_of_the_threat_model_is_there(self):
        for heading, other in self.TABLES:
            with self.subTest(heading):
                rows = self.told("docs/threat-model.md", other)
                self.assertGreater(len(rows), 5)
                self.assertEqual(self.told(self.PAGE, heading, "###"), rows)

    def test_every_row_is_held_by_tests_that_exist(self):
        files = [path for path in pages.tracked() if path.startswith(pages.TESTS)]
        for heading in ("Surfaces", "Attacks", "Containers"):
            content = pages.text(self.PAGE).replace(f"### {heading}\n", f"## {heading}\n")
            for number, cell in pages.table_cells(content, heading, 1):
                names = re.findall(r"`([^`]+)`", cell)
                with self.subTest(line=number):
                    self.assertTrue(names or cell == "the attacks below", "a row without a test")
                    self.assertEqual([name for name in names if not pages.test_exists(name, files)], [])


class Pages(unittest.TestCase):
    """How pages are read."""

    def test_headings_have_the_names_that_github_gives_them(self):
        """Marks go, blanks become hyphens, equal ones are numbered; fenced lines are none."""
        content = "# A `b` c?\n```\n# no\n```\n## x\n## x\n## one-two_three\n#hash\n"
        self.assertEqual(pages.anchors(content), {"a-b-c", "x", "x-1", "one-two_three"})

    def test_broken_links_are_named(self):
        """Files, headings, references and images that do not exist; what is outside of the repository."""
        content = ("[a](monitoring.md) [b](monitoring.md#nothing) [c](nothing.md) [d](https://example.com/x)\n"
                   "[e]: nothing-either.md\n<img src=\"no.png\">\n[f](../../outside) `[g](code.md)`\n"
                   "[h](../README.md#a-first-checkout)\n")
        found = list(pages.broken("docs/page.md", content))
        self.assertEqual([line.split(": ")[0] for line in found], [f"docs/page.md:{n}" for n in (1, 1, 2, 3, 4)])


if __name__ == "__main__":
    unittest.main()
