"""Fuzzes whole processes: both ports of a server without API keys and of one with them.

    fuzz.py KASSA [--requests 10000] [--workers 2] [--seed N] [--examples 2]

Requests are made from a grammar, with the mistakes of careless and of malicious senders. Each answer has to be what HTTP
and the document allow; beside it a well-behaved buyer must notice nothing. In the end both servers live and their books
are sound. A finding comes with its seed and the bytes that made it.
"""
import argparse
import collections
import contextlib
import multiprocessing
import os
import random
import sys
import tempfile
import time

import location  # noqa: F401

import schemata
from bystander import Bystander
from checks import Checks, DrillFailure
from contract.document import Document
from grammar import Grammar
from judge import Judge
from servers import Fuzzed
from traffic import Finding, Once, Pipeline, smaller

# In one turn of a worker: connections of whole requests, and how many requests each; connections of what may be none.
# libmicrohttpd's own refusals are replaced only while fewer than 64 clients are in the middle of a head.
PIPELINES = {False: (8, 24), True: (2, 8)}
ONCE = {False: 12, True: 3}
# How long these wait for answers, all together, before they leave.
ONCE_SECONDS = 0.05
# Connections that are left open in the middle, at a time: the server has to end them by itself.
SLOW_MAX = 3
SLOW_SHARE = 0.01
FINDINGS_MAX = 5


class Port:
    """One port of one server, as a worker sees it."""

    def __init__(self, server, document, is_operator, chance):
        self.number = server.operator if is_operator else server.http
        self.name = f"{server.name}, {'operator' if is_operator else 'REST'} port"
        self.is_operator, self.random = is_operator, chance
        credentials = list(server.keys.values()) if server.keys else None
        self.grammar = Grammar(chance, document, credentials, is_operator)
        self.judge = Judge(document, is_operator)
        connections, self.each = PIPELINES[is_operator]
        self.pipelines = [Pipeline(self.number, self.judge) for _ in range(connections)]
        self.slow = []

    def turn(self, report):
        """Sends to all of its connections, then reads from all. `report` is called with each answer."""
        once = [Once(self.number, self.judge, self.grammar.hostile()) for _ in range(ONCE[self.is_operator])]
        until = time.monotonic() + ONCE_SECONDS
        for pipeline in self.pipelines:
            pipeline.send([self.grammar.whole() for _ in range(self.each - len(pipeline.pending))])
        for pipeline in self.pipelines:
            for _, answer in pipeline.answers():
                report(answer)
        for one in once:
            for answer in one.answers(until - time.monotonic()):
                report(answer)
            report(None)
        if len(self.slow) < SLOW_MAX and self.random.random() < SLOW_SHARE:
            self.slow.append(Once(self.number, self.judge, self.grammar.hostile()))
        self.slow = [one for one in self.slow if not self.has_ended(one, report)]

    @staticmethod
    def has_ended(one, report):
        if not one.is_over():
            return False
        for answer in one.answers():
            report(answer)
        return True


class Worker:
    """A separate process with one source of randomness."""

    def __init__(self, servers, raw, seed, number, requests, results):
        self.chance, self.number, self.requests, self.results = random.Random(f"{seed}/{number}"), number, requests, results
        document = Document(raw)
        self.ports = [Port(server, document, is_operator, self.chance) for server in servers for is_operator in (False, True)]
        self.answers, self.bytes_only, self.findings = collections.Counter(), 0, []

    def run(self):
        while sum(self.answers.values()) < self.requests and len(self.findings) < FINDINGS_MAX:
            for port in self.ports:
                self.turn(port)
        self.results.put((self.answers, self.bytes_only, self.findings))

    def turn(self, port):
        try:
            port.turn(self.report)
        except Finding as finding:
            text = f"{port.name}, worker {self.number}: {finding}"
            with contextlib.suppress(OSError):
                if found := smaller(port.number, port.judge, finding.request):
                    text += f"\n    smaller: {found}"
            self.findings.append(text)
            self.drop(port)
        except OSError as reason:
            self.findings.append(f"{port.name}, worker {self.number}: {reason!r}")
            self.drop(port)

    @staticmethod
    def drop(port):
        for pipeline in port.pipelines:
            pipeline.drop()
            pipeline.pending.clear()
        port.slow.clear()

    def report(self, answer):
        if answer is None:
            self.bytes_only += 1
        else:
            self.answers[answer.status] += 1


def fuzz(servers, raw, seed, requests, workers):
    """The answers by status, how many connections carried accidents, and what was found; bystanders buy meanwhile."""
    bystanders = [Bystander(server, seed) for server in servers]
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=lambda number=number: Worker(
            servers, raw, seed, number, requests // workers, results).run())
        for number in range(workers)]
    answers, accidents, findings, left = collections.Counter(), 0, [], workers
    for process in processes:
        process.start()
    try:
        while left:
            for one in bystanders:
                one.step()
            with contextlib.suppress(Exception):
                some, several, found = results.get(timeout=0.02)
                answers, accidents, findings, left = answers + some, accidents + several, findings + found, left - 1
            if not results.empty():
                continue
            if any(process.exitcode for process in processes):
                raise DrillFailure("a worker failed")
    except AssertionError as reason:
        findings.append(str(reason))
    finally:
        for process in processes:
            if findings or left:
                process.terminate()
            process.join()
    return answers, accidents, findings, sum(one.steps for one in bystanders)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kassa")
    parser.add_argument("--requests", type=int, default=10_000, help="answers that are judged, at least")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--examples", type=int, default=schemata.EXAMPLES_MIN, help="of Schemathesis for an operation; 0: none")
    arguments = parser.parse_args()
    print(f"fuzz: seed {arguments.seed}", flush=True)
    checks = Checks("fuzz")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(contextlib.closing(Fuzzed(name, arguments.kassa, os.path.join(folder, name), with_keys)))
                   for name, with_keys in (("open", False), ("keyed", True))]
        for server in servers:
            server.start()
            server.prepare()
        began = time.monotonic()
        answers, accidents, findings, steps = fuzz(
            servers, servers[0].document().raw, arguments.seed, arguments.requests, arguments.workers)
        seconds = time.monotonic() - began
        for finding in findings:
            checks.check(False, finding)
        total = sum(answers.values())
        print(f"       {total} answers in {seconds:.0f} s, {accidents} of the connections with accidents; by status: "
              + ", ".join(f"{status} {count}" for status, count in sorted(answers.items())), flush=True)
        checks.check(bool(findings) or total >= arguments.requests, f"{total} answers were as the document says")
        checks.check(steps > 0, f"{steps} steps of a bystander were exact")
        if arguments.examples:
            for server in servers:
                said, cases = schemata.run(server, folder, arguments.seed, arguments.examples)
                checks.check(not said and cases > 100, f"{server.name}: Schemathesis, {cases} cases {said}")
        for server in servers:
            server.judge(checks)
    print(f"fuzz: {checks.passed} checks passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
