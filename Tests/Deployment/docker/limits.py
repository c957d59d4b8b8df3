"""How long things may take: longer on a slow or busy machine, by DOCKER_TEST_PATIENCE. Checks are the same."""
import os

PATIENCE_VARIABLE = "DOCKER_TEST_PATIENCE"


def patience():
    """By how much times are multiplied: 1 unless the variable says more."""
    word = os.environ.get(PATIENCE_VARIABLE, "1")
    try:
        factor = float(word)
    except ValueError:
        factor = 0
    if not 1 <= factor <= 100:
        raise SystemExit(f"test-docker: {PATIENCE_VARIABLE} is a number from 1 to 100, not '{word}'")
    return factor


def attempts():
    """How often the cluster is brought up at most: once, or more on a slow machine. There a pod may give up on a broker
    that is not awake yet, and start again; compose does not wait for that.
    """
    return int(patience())


def seconds(count):
    """So many seconds of an idle machine."""
    return count * patience()
