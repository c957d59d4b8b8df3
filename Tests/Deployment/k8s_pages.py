"""What Kassa's pages say that deployments have to agree with."""
import re

from k8s_objects import K8S, ROOT

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text):
    """5s, 100ms, 2m as seconds."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * SECONDS[unit]


def settings():
    """The settings of docs/settings.md: their default and range by variable."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `--[^|]*(?:\\\|[^|]*)*\| `(KASSA_[A-Z_]+)` \| `?([^|`]*)`? \| (.*) \|$", page, re.M)
    assert len(rows) > 40, "docs/settings.md has another form than this reads"
    return {name: (default.strip(), extent) for name, default, extent in rows}


def secrets():
    """The secrets of k8s/README.md: the keys of each, by name."""
    page = (K8S / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ((?:`[a-z.]+`(?:, )?)+) \|", page, re.M)
    assert rows, "k8s/README.md has no table of secrets: | `NAME` | `KEY`, `KEY` | …"
    return {name: set(re.findall(r"`([^`]+)`", keys)) for name, keys in rows}


def version():
    """The version of the program."""
    source = (ROOT / "Sources" / "Program" / "kassa" / "Version.swift").read_text(encoding="utf-8")
    return re.search(r'kassaVersion = "([^"]+)"', source).group(1)


def topic_settings(kafka_page=None):
    """What docs/kafka.md asks of topics: of the three, and of owners, as {setting: value in the table}."""
    page = kafka_page or (ROOT / "docs" / "kafka.md").read_text(encoding="utf-8")
    tables = re.split(r"^\| setting of ", page, flags=re.M)[1:]
    assert len(tables) >= 2, "docs/kafka.md has no tables of topics' settings"
    return [dict(re.findall(r"^\| `([a-z.]+)` \| ([^|]+?) \|", table, re.M)) for table in tables[:2]]
