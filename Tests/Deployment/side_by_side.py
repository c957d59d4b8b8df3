"""Runs the tests of the modules that are named in two processes: most of the time goes to programs that they start.

    python3 side_by_side.py NAME...     such as test_chart, test_minikube.Broken; PROCESSES=1 for one after the other

A class that prepares something for all of its tests goes to one process as a whole. What fails is shown at once.
"""
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
import unittest

# Those that took longest are named at the end.
SLOWEST = 5


def flat(suite):
    """Every test of a suite."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


def units(suite):
    """Lists of tests that belong together: of classes that prepare something first, since they take long."""
    together, single = {}, []
    for test in flat(suite):
        kind = type(test)
        if kind.setUpClass.__func__ is unittest.TestCase.setUpClass.__func__:
            single.append([test])
        else:
            together.setdefault(kind, []).append(test)
    return [*together.values(), *single]


def work(work_units, taken, path):
    """Runs one unit after the other until all are taken, and writes a line about each to a file."""
    with open(path, "a", encoding="utf-8") as file:
        while True:
            with taken.get_lock():
                number, taken.value = taken.value, taken.value + 1
            if number >= len(work_units):
                return
            said, start = io.StringIO(), time.monotonic()
            result = unittest.TextTestRunner(stream=said).run(unittest.TestSuite(work_units[number]))
            if not result.wasSuccessful():
                sys.stderr.write(said.getvalue())
                sys.stderr.flush()
            file.write(json.dumps({
                "unit": number, "name": work_units[number][0].id(), "tests": result.testsRun,
                "failed": not result.wasSuccessful(), "skipped": [[test.id(), why] for test, why in result.skipped],
                "seconds": time.monotonic() - start}) + "\n")
            file.flush()


def main(names):
    """Exit code 0 when every test was run, and none failed."""
    work_units = units(unittest.defaultTestLoader.loadTestsFromNames(names))
    start = time.monotonic()
    # Forked: they know the tests as they were found, and load nothing again.
    context = multiprocessing.get_context("fork")
    taken, lines = context.Value("i", 0), []
    with tempfile.TemporaryDirectory(prefix="kassa-tests-") as folder:
        paths = [os.path.join(folder, str(number)) for number in range(int(os.environ.get("PROCESSES", "2")))]
        workers = [context.Process(target=work, args=(work_units, taken, path)) for path in paths]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for path in paths:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    lines += [json.loads(line) for line in file]
    failed = [line["name"] for line in lines if line["failed"]]
    missing = set(range(len(work_units))) - {line["unit"] for line in lines}
    failed += [f"{work_units[number][0].id()} (its process ended)" for number in sorted(missing)]
    for line in sorted(lines, key=lambda line: -line["seconds"])[:SLOWEST]:
        print(f"{line['seconds']:6.1f} s  {line['name']}")
    for test, why in (each for line in lines for each in line["skipped"]):
        print(f"skipped: {test}: {why}")
    print(f"Ran {sum(line['tests'] for line in lines)} tests in {time.monotonic() - start:.0f} s")
    if failed or any(worker.exitcode for worker in workers) or not work_units:
        print("FAILED: " + (", ".join(failed) or "no tests, or a process that did not end in order"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
