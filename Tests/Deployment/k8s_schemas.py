"""Objects against the schemas of Kubernetes and of the operators: what is unknown is refused."""
import functools
import json
import pathlib

import jsonschema
import kubernetes_validate
from kubernetes_validate import utils

FOLDER = pathlib.Path(__file__).parent / "schemas"
# The oldest that Strimzi 1.2 takes, one between, the newest.
KUBERNETES = ("1.30", "1.34", "1.37")

# The library rereads its files for each object, including the megabyte of definitions.
utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)
utils.all_versions = functools.lru_cache(maxsize=1)(utils.all_versions)


def strict(node):
    """Every object that has properties takes no others, unless it says that it keeps them."""
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for key, part in node.items():
        made[key] = ({name: strict(schema) for name, schema in part.items()} if key == "properties" else strict(part))
    if made.pop("x-kubernetes-int-or-string", False) is True:
        made.pop("type", None)
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


@functools.lru_cache(maxsize=1)
def custom():
    """A validator for each (apiVersion, kind) of the operators."""
    validators = {}
    for path in sorted(FOLDER.glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        for version, schema in stored["versions"].items():
            schema = strict(schema)
            schema["properties"]["metadata"] = {"type": "object"}
            validators[version, stored["kind"]] = jsonschema.Draft202012Validator(schema)
    return validators


def findings(objects, version):
    """What a server of that version, with the operators' schemas, would refuse."""
    found = []
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        validator = custom().get((each["apiVersion"], each["kind"]))
        if validator:
            found += [f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                      for error in validator.iter_errors(each)]
            continue
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{name}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
        except kubernetes_validate.SchemaNotFoundError:
            found.append(f"{name}: no schema for {each['apiVersion']}; add it with take_schema.py")
    return found
