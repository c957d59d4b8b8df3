"""Renders Kassa's chart, and reads what came out."""
import copy
import functools
import pathlib
import subprocess
import tempfile

import yaml

import k8s_objects

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm-config" / "kassa"
SMALL = ROOT / "helm-config" / "kassa-small.yaml"
PRODUCTION = ROOT / "helm-config" / "production" / "kassa.yaml"
VALUES = ROOT / "Tests" / "Deployment" / "values"


class Refused(Exception):
    """Helm refused the values; its words."""


def _render(files, namespace):
    command = [f"{k8s_objects.tools()}/helm", "template", "kassa", str(CHART), "--namespace", namespace]
    for file in files:
        command += ["--values", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return k8s_objects.parsed(done.stdout)


_rendered = functools.lru_cache(maxsize=None)(_render)


def objects(*files, namespace="kassa"):
    """The objects that the chart makes of some files of values: a fresh copy."""
    return copy.deepcopy(_rendered(files, namespace))


def objects_of(values):
    """Those of values given here, on top of the defaults."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(values, file)
        file.flush()
        return _render((file.name,), "kassa")


def lint(*files):
    """What `helm lint --strict` says; nothing when it accepts."""
    command = [f"{k8s_objects.tools()}/helm", "lint", "--strict", "--quiet", str(CHART)]
    for file in files:
        command += ["--values", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def is_hook(thing, kind):
    """Whether an object is a hook of that kind, such as `test`."""
    return kind in thing["metadata"].get("annotations", {}).get("helm.sh/hook", "").split(",")
