"""Opens the slides and their pictures in a browser and prints, as JSON, what does not fit or cannot be read.

    python3 measure.py BROWSER FOLDER

FOLDER holds index.html and *.svg. Runs in the environment of `tools`.
"""
import json
import os
import pathlib
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# The lowest 60 px of a slide belong to its number.
SLIDES = """() => [...document.querySelectorAll('.slide')].map(slide => {
  const box = slide.getBoundingClientRect();
  const inside = [...slide.querySelectorAll('*')].filter(each => !['BR'].includes(each.tagName));
  const spills = inside.filter(each => {
    const one = each.getBoundingClientRect();
    return one.bottom > box.bottom - 55 || one.right > box.right - 55 || one.left < box.left + 55
      || each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline';
  });
  const small = inside.filter(each => [...each.childNodes].some(one => one.nodeType === 3 && one.textContent.trim())
    && parseFloat(getComputedStyle(each).fontSize) < 20);
  const name = each => each.tagName + ': ' + (each.getAttribute('src') || each.textContent.trim().slice(0, 50));
  return {
    id: slide.id,
    is_cut_off: slide.scrollHeight > slide.clientHeight,
    spills: spills.map(name),
    small: small.map(name),
    broken: [...slide.querySelectorAll('img')].filter(each => !each.naturalWidth).map(name),
    scaled: [...slide.querySelectorAll('img')].filter(each => Math.abs(each.naturalWidth - each.width) > 0.5).map(name),
  };
})"""

# Texts must lie in the picture, not on each other, and, when they begin in a box, end in it.
PICTURE = """() => {
  const page = document.querySelector('.page').getBoundingClientRect();
  const texts = [...document.querySelectorAll('text')].map(each => ({
    name: each.textContent, box: each.getBoundingClientRect(), size: parseFloat(getComputedStyle(each).fontSize)}));
  const boxes = [...document.querySelectorAll('rect:not(.page)')].map(each => each.getBoundingClientRect());
  const isIn = (a, b, margin) => a.left >= b.left + margin && a.right <= b.right - margin
    && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const found = [];
  texts.forEach((one, index) => {
    if (one.size < 20) found.push('smaller than 20 px: ' + one.name);
    if (!isIn(one.box, page, 0)) found.push('outside of the picture: ' + one.name);
    texts.slice(index + 1).filter(other => overlap(one.box, other.box))
      .forEach(other => found.push('on each other: ' + one.name + ' | ' + other.name));
    boxes.filter(box => overlap(one.box, box) && !isIn(one.box, box, 2))
      .forEach(() => found.push('across the edge of a box: ' + one.name));
  });
  return {texts: texts.length, found};
}"""


def nodes(rules):
    """What axe names, each with its rule."""
    return [f"{each['id']}: {node['html'][:100]}" for each in rules for node in each["nodes"]]


def measure(browser_path, folder):
    """What the browser says of the slides and of each picture."""
    result = {"pictures": {}}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, chromium_sandbox=os.getuid() != 0)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        requested = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto((folder / "index.html").as_uri())
        result["slides"] = page.evaluate(SLIDES)
        told = Axe().run(page, options={"resultTypes": ["violations", "incomplete", "passes"]}).response
        result["violations"] = nodes(told["violations"])
        # Where it could determine the contrast, and where not.
        result["contrasts"] = len(nodes(each for each in told["passes"] if each["id"] == "color-contrast"))
        result["unsure"] = nodes(each for each in told["incomplete"] if each["id"] == "color-contrast")
        result["elsewhere"] = [url for url in requested if not url.startswith(folder.as_uri())]
        for picture in sorted(folder.glob("*.svg")):
            page.goto(picture.as_uri())
            result["pictures"][picture.name] = page.evaluate(PICTURE)
        browser.close()
    return result


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], pathlib.Path(sys.argv[2]).resolve()), sys.stdout)
