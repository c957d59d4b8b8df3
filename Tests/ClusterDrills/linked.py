"""A cluster whose pods reach everything through links that can be held up and cut, and whose clocks can jump."""
import contextlib
import email.utils
import http.client
import os
import shlex
import shutil
import struct
import subprocess
import sys

import location  # noqa: F401  pylint: disable=unused-import

import plan as plans
from checks import DrillFailure
from cluster import Cluster

HERE = os.path.dirname(os.path.abspath(__file__))
PODS = 2
LINKS_SECONDS_MAX = 10


class LinkedCluster(Cluster):
    """Starts `links.py` with it, and ends it afterwards. Its pods have `clock.c` in front of the C library."""

    links = None

    def start(self):
        os.makedirs(self.clock_folder)
        pods = [pod for service in plans.SERVICES for pod in plans.pod_names(service, PODS)]
        for pod in pods:
            self.jump(pod, 0)
        self.options += ["--kassa", self.with_clock()]
        names = [f"postgres-{service}" for service in plans.SERVICES] + ["kafka-1", "redis"]
        names += [f"{pod}/peers" for pod in pods]
        program = os.path.join(HERE, "links.py")
        self.links = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, program, os.path.join(self.folder, "plan.json"), *names], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.options += ["--detours", self.links.stdout.readline().strip()]
        super().start()

    @property
    def clock_folder(self):
        return os.path.join(os.path.dirname(self.folder), "clocks")

    def with_clock(self):
        """A program that is Kassa's with a clock of the drills."""
        library, program = (os.path.join(self.clock_folder, name) for name in ("clock.so", "kassa"))
        compiler = next(filter(shutil.which, ("cc", "gcc", "clang")), "cc")
        words = [compiler, "-shared", "-fPIC", "-O2", "-o", library, os.path.join(HERE, "clock.c"), "-ldl"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DrillFailure(f"the clock of the drills cannot be built: {done.stderr[-500:]}")
        with open(program, "w", encoding="utf-8") as file:
            # serve --config FOLDER/POD.env
            file.write(f'#!/bin/sh\nexport CLOCK_FILE={shlex.quote(self.clock_folder)}/"$(basename "$3" .env)" '
                       f'LD_PRELOAD={shlex.quote(library)}\nexec {shlex.quote(self.kassa)} "$@"\n')
        os.chmod(program, 0o755)
        return program

    def jump(self, pod, seconds):
        """Puts a pod's clock this many seconds ahead, or back, from now on."""
        file = os.open(os.path.join(self.clock_folder, pod), os.O_RDWR | os.O_CREAT)
        os.pwrite(file, struct.pack("q", seconds), 0)
        os.close(file)

    def time_of(self, pod):
        """Seconds since 1970, according to a pod's answers."""
        connection = http.client.HTTPConnection(self.rows()[pod]["address"], timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/livez")
            return email.utils.parsedate_to_datetime(connection.getresponse().getheader("Date")).timestamp()

    def link(self, pod, kind, state):
        """Changes a pod's connections of a kind (see `links.py`); returns how many there were."""
        self.links.stdin.write(f"{pod} {kind} {state}\n")
        self.links.stdin.flush()
        return int(self.links.stdout.readline())

    def stop(self):
        try:
            super().stop()
        finally:
            if self.links is not None:
                self.links.stdin.close()
                self.links.wait(LINKS_SECONDS_MAX)
                self.links.stdout.close()
