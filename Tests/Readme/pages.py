"""The blocks of code in the project's pages, and the commands that they show."""
import dataclasses
import re
import subprocess

# Blocks that say what they are, and are no commands.
DATA_LANGUAGES = ("mermaid", "ini", "swift", "sql", "json", "yaml", "toml", "promql", "text", "http", "python", "diff")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced or indented block; `line` is that of its first line."""
    page: str
    line: int
    language: str
    text: str

    def name(self):
        """Where it is, and what it begins with."""
        return f"{self.page}:{self.line} {self.text.splitlines()[0]}"

    def key(self):
        """What it is known by: it may move within its page."""
        return self.page, self.text.splitlines()[0].strip()

    def commands(self):
        """Each command as it is typed: without the remark at its end, continued lines joined."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        lines = [re.sub(r"(^|\s)#\s.*$", "", line).strip() for line in joined.splitlines()]
        return [line for line in lines if line]


def pages(root):
    """All pages that the repository keeps, except the changelog, which is about the past."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "*.md"], check=True, stdout=subprocess.PIPE, text=True)
    return [page for page in listed.stdout.splitlines() if page != "CHANGELOG.md" and (root / page).exists()]


def blocks(page, text):
    """The blocks of a page in their order."""
    found, lines, at = [], text.splitlines(), 0
    while at < len(lines):
        fence = re.match(r"\s*```+\s*(\w*)", lines[at])
        start = at + 1 if fence else at
        if fence:
            at = next(index for index in range(start, len(lines)) if lines[index].strip().startswith("```"))
            found.append(Block(page, start + 1, fence[1], _dedented(lines[start:at])))
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and (lines[at].startswith("    ") or _goes_on(lines, at)):
                at += 1
            found.append(Block(page, start + 1, "", _dedented(lines[start:at])))
            continue
        at += 1
    return [block for block in found if block.text.strip()]


def _goes_on(lines, at):
    return not lines[at].strip() and at + 1 < len(lines) and lines[at + 1].startswith("    ")


def _dedented(lines):
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


def verbs(text):
    """The verbs in `make VERB …` within sentences."""
    return set(re.findall(r"`make ([a-z][a-z-]*)", text))
