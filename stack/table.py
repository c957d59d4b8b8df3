"""The files that tell others what runs: whole at every moment, since each is renamed over the one before."""
import json
import os

HEAD = ("name", "kind", "pid", "address")
KINDS = ("orders", "stock", "payments", "kafka", "postgres", "redis", "gateway")


def write(path, text, mode=0o644):
    """Replaces a file by a new one at once; nobody reads half of it."""
    fresh = f"{path}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.fchmod(descriptor, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)


def processes_text(rows):
    """`processes.tsv`: a head line, then a line for each (name, kind, pid, address)."""
    for name, kind, _, address in rows:
        if kind not in KINDS or any(mark in name + address for mark in "\t\n"):
            raise ValueError(f"no row of the table: {name!r}, {kind!r}, {address!r}")
    return "".join("\t".join(map(str, row)) + "\n" for row in (HEAD, *rows))


def read_processes(text):
    """The rows of `processes.tsv`, each a dictionary, the pid a number."""
    lines = text.splitlines()
    if not lines or tuple(lines[0].split("\t")) != HEAD:
        raise ValueError("not a table of processes")
    rows = [dict(zip(HEAD, line.split("\t"), strict=True)) for line in lines[1:]]
    return [{**row, "pid": int(row["pid"])} for row in rows]


def read_json(path, otherwise):
    """What a file says; `otherwise` when there is none, or it cannot be read as JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return otherwise


def json_text(value):
    """A value as a file of JSON."""
    return json.dumps(value, indent=1) + "\n"
