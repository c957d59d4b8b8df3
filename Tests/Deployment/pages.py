"""The repository's pages: their links, headings and the paths and tests that they name."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked():
    """Every file that belongs to the repository, or would with the next commit, as a path from its root."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
                            check=True, capture_output=True, text=True).stdout
    return sorted(path for path in listed.split("\0") if path and os.path.exists(os.path.join(ROOT, path)))


def text(path):
    """The text of a file, by its path from the root."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def prose(content):
    """(number from 1, line) of the lines outside of fenced code."""
    is_fenced = False
    for number, line in enumerate(content.splitlines(), 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced:
            yield number, line


def anchors(content):
    """The names under which a page's headings are linked, those of equal headings numbered as GitHub does it."""
    found = {}
    names = set()
    for _, line in prose(content):
        if not re.match(r"#{1,6} ", line):
            continue
        name = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        count = found.get(name, 0)
        found[name] = count + 1
        names.add(name if count == 0 else f"{name}-{count}")
    return names


_INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
_HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)[\"']", re.IGNORECASE)


def links(content, inline=True):
    """(line, target) of every link of a page: references, HTML and, unless it is said otherwise, inline ones."""
    for number, line in prose(content):
        bare = re.sub(r"`[^`]*`", "", line)
        for pattern in (_INLINE, _REFERENCE, _HTML) if inline else (_REFERENCE, _HTML):
            for target in pattern.findall(bare):
                yield number, target


def is_local(target):
    """A link into the repository."""
    return not re.match(r"[a-z][a-z0-9+.-]*:", target) and not target.startswith("//")


def resolve(page, target):
    """(path from the root, anchor) that a local link of a page leads to."""
    path, _, anchor = target.partition("#")
    if not path:
        return page, anchor
    return os.path.normpath(os.path.join(os.path.dirname(page), path)), anchor


def broken(page, content, inline=True):
    """A sentence for each local link of a page that leads nowhere."""
    for number, target in links(content, inline):
        if not is_local(target):
            continue
        path, anchor = resolve(page, target)
        if path.startswith("..") or not os.path.exists(os.path.join(ROOT, path)):
            yield f"{page}:{number}: there is no file for the link '{target}'"
        elif anchor and path.endswith(".md") and anchor not in anchors(text(path)):
            yield f"{page}:{number}: {path} has no heading for the link '{target}'"


def table_cells(content, heading, column):
    """(line, cell) of one column of the tables below a heading `## …`, without their head lines."""
    is_there = False
    rows = 0
    for number, line in prose(content):
        if line.startswith("#"):
            is_there = line == f"## {heading}"
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            rows = 0
            continue
        rows += 1
        if is_there and rows > 2:
            yield number, cells[column] if len(cells) > column else ""


# Where tests are, and mistakes that they make on purpose.
TESTS = ("Tests/", "Sources/Tools/Simulator/", "Sources/Shop/Tenancy/TenancyBug.swift")


def test_exists(name, files):
    """Whether `name` is a file, or `File/test` a function or case of a test file or planted bug of that name."""
    if name in files:
        return True
    stem, _, wanted = name.partition("/")
    if not wanted or "/" in wanted:
        return False
    places = [path for path in files if path.endswith((f"/{stem}.swift", f"/{stem}.py"))]
    return any(re.search(rf"\b(?:func|def|case)\s+{re.escape(wanted)}\b", text(path)) for path in places)
