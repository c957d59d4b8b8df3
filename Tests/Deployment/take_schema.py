#!/usr/bin/env python3
"""Takes the schema of one kind out of a published CustomResourceDefinition, without descriptions, into schemas/.

    take_schema.py SOURCE VERSION FILE KIND [KIND...]

SOURCE and VERSION say where FILE was published; they are kept in the schema, next to the group, kind and versions.
"""
import json
import pathlib
import sys

import yaml

FOLDER = pathlib.Path(__file__).parent / "schemas"


def bare(node):
    """A schema without what only people read: descriptions, and rules in CEL, which JSON Schema cannot judge."""
    if isinstance(node, list):
        return [bare(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, part in node.items():
        if key == "properties":
            kept[key] = {name: bare(schema) for name, schema in part.items()}
        elif key not in ("description", "x-kubernetes-validations", "example"):
            kept[key] = bare(part)
    return kept


def served(definition):
    """The schemas of all versions that are served, by apiVersion."""
    group = definition["spec"]["group"]
    return {f"{group}/{version['name']}": bare(version["schema"]["openAPIV3Schema"])
            for version in definition["spec"]["versions"] if version["served"]}


def main(source, version, path, *kinds):
    """Writes a file for each kind."""
    with open(path, encoding="utf-8") as file:
        found = {each["spec"]["names"]["kind"]: each for each in yaml.safe_load_all(file) if each}
    for kind in kinds:
        if kind not in found:
            raise SystemExit(f"take_schema.py: {path} defines no {kind}; it defines {', '.join(sorted(found))}")
        schema = {"source": source, "version": version, "kind": kind, "versions": served(found[kind])}
        group = found[kind]["spec"]["group"]
        with open(FOLDER / f"{group}_{kind}.json", "w", encoding="utf-8") as file:
            json.dump(schema, file, separators=(",", ":"), sort_keys=True)
            file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
