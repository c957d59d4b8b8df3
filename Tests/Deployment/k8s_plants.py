"""Planted errors: each check has to find the ones that are made for it."""
import k8s_objects
from k8s_objects import named, pod_of


def container(objects, kind, name):
    """The container of a workload."""
    return pod_of(named(objects, kind, name))["spec"]["containers"][0]


def variable(objects, kind, name, key):
    """One entry of a container's env."""
    return next(each for each in container(objects, kind, name)["env"] if each["name"] == key)


def with_settings(objects, **values):
    """Changes what the config map says."""
    named(objects, "ConfigMap", "kassa")["data"].update(values)


def assert_found(test, check, overlay, plant, expected):
    """A check is content with the overlay, and names what was planted."""
    render = k8s_objects.with_gateway if overlay in k8s_objects.GATEWAYS else k8s_objects.overlay
    with test.subTest(check=check.__name__, expected=expected):
        test.assertEqual(check(render(overlay)), [])
        objects = render(overlay)
        plant(objects)
        found = check(objects)
        test.assertTrue(any(expected in each for each in found), f"{expected!r} is not among {found[:5]}")
