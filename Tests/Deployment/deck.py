"""The slides (docs/slides): their elements, links, and the figures that they quote from other pages."""
import os
import re
import xml.etree.ElementTree

import pages

FOLDER = "docs/slides"
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Deck:
    """index.html, which is written so that it is XML, too."""

    def __init__(self, content=None):
        self.root = xml.etree.ElementTree.fromstring(content or pages.text(f"{FOLDER}/index.html"))
        for each in self.root.iter():
            each.tag = each.tag.rpartition("}")[2]
        self.parents = {child: parent for parent in self.root.iter() for child in parent}

    def slides(self):
        """Each slide."""
        return list(self.root.iter("section"))

    def nearest(self, element, attribute):
        """The value of an attribute at an element or the nearest one around it."""
        while element is not None:
            if attribute in element.attrib:
                return element.get(attribute)
            element = self.parents.get(element)
        return None

    def around(self, element, tag):
        """The element of that tag which an element is or stands in."""
        while element is not None and element.tag != tag:
            element = self.parents.get(element)
        return element

    def numbers(self):
        """(number, source, row) of each number on slides that quote a page: head cells and headings are names."""
        for slide in self.slides():
            if not any("data-figures" in each.attrib for each in slide.iter()):
                continue
            for element in slide.iter():
                texts = [(element, element.text)] + [(element, child.tail) for child in element]
                for owner, words in texts:
                    if any(self.around(owner, tag) is not None for tag in ("th", "h2", "h3")):
                        continue
                    source = self.nearest(owner, "data-figures")
                    for number in NUMBER.findall(words or "") if source else ():
                        yield number, source, self.nearest(owner, "data-row")


def blocks(source):
    """The rows of tables, as they begin, and the paragraphs below a heading: `page.md#heading`."""
    page, _, anchor = source.partition("#")
    found, is_there, paragraph = [], False, []
    for _, line in pages.prose(pages.text(page)):
        if line.startswith("## "):
            is_there = pages.anchors(line) == {anchor}
        elif is_there and line.startswith("|"):
            found.append(line.strip("| "))
        elif is_there and line.strip():
            paragraph.append(line.strip())
            continue
        if paragraph:
            found.append(" ".join(paragraph))
        paragraph = []
    return found + ([" ".join(paragraph)] if paragraph else [])


def wrong_numbers(deck):
    """A sentence for each quoted number that is not where it is said to be."""
    for number, source, row in deck.numbers():
        found = [each for each in blocks(source) if row and each.startswith(row)]
        if len(found) != 1:
            yield f"{number}: {source} has {len(found)} rows that begin with '{row}'"
        elif number not in NUMBER.findall(found[0]):
            yield f"{number}: is not in the row '{row}' of {source}"


def wrong_bars(deck):
    """A sentence for each bar that is not as long as its figure says."""
    for each in deck.root.iter("span"):
        if "bar" in each.get("class", "").split():
            value = re.fullmatch(r"--value: (\d+)", each.get("style", ""))
            if not value or not (each.tail or "").startswith(f"{int(value[1]):,}"):
                yield f"the bar '{each.get('style')}' stands before '{each.tail}'"


def broken_links(deck):
    """A sentence for each link or picture that leads nowhere, or out of the repository."""
    ids = [each.get("id") for each in deck.root.iter() if each.get("id")]
    yield from (f"the id '{each}' is there twice" for each in sorted(set(ids)) if ids.count(each) > 1)
    page = f"{FOLDER}/index.html"
    for element in deck.root.iter():
        for target in (element.get("href"), element.get("src")):
            if target is None:
                continue
            path, anchor = pages.resolve(page, target)
            if not pages.is_local(target) or path.startswith(".."):
                yield f"'{target}' leads out of the repository"
            elif not os.path.exists(os.path.join(pages.ROOT, path)):
                yield f"there is no file for '{target}'"
            elif path == page and anchor not in ids:
                yield f"there is no element '{target}'"
            elif anchor and path.endswith(".md") and anchor not in pages.anchors(pages.text(path)):
                yield f"{path} has no heading for '{target}'"
