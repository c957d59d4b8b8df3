"""scripts/kafka: what it finds, and what it downloads, from a server of the tests' own."""
import hashlib
import http.server
import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import unittest

import location

RELEASE = "kafka_2.13-4.3.0"
JAR = "kafka-server-4.3.0.jar"


# What does not shrink.
NOISE = os.urandom(300_000)


def release(jar=NOISE):
    """A small stand-in for Apache's release."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in ((f"libs/{JAR}", jar), ("LICENSE", b"Apache License\n")):
            member = tarfile.TarInfo(f"{RELEASE}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def apache_sum(data, name=f"{RELEASE}.tgz"):
    """A checksum in the form that Apache publishes it in: groups of digits over several lines."""
    digits = hashlib.sha512(data).hexdigest().upper()
    groups = [digits[at:at + 8] for at in range(0, len(digits), 8)]
    lines = [" ".join(groups[at:at + 4]) for at in range(0, len(groups), 4)]
    return (f"{name}: " + ("\n" + " " * 24).join(lines) + "\n").encode()


class Mirror(http.server.ThreadingHTTPServer):
    """Serves files by name, resumes where it is asked to, and can be made to misbehave."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.asked = {}, []
        self.resumes, self.cut_after = True, None
        self.gate = threading.Event()
        self.gate.set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def url(self):
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    """One answer of the mirror."""

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Says nothing."""

    def do_HEAD(self):  # pylint: disable=invalid-name
        """The head alone."""
        self.do_GET()

    def do_GET(self):  # pylint: disable=invalid-name
        """The file, or the rest of it."""
        server, data = self.server, self.server.files.get(self.path.lstrip("/"))
        wanted = self.headers.get("Range") if server.resumes else None
        server.asked.append((self.command, self.path.lstrip("/"), self.headers.get("Range")))
        if data is None:
            self.send_error(404)
            return
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if first >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - first))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            if self.path.endswith(".tgz"):
                server.gate.wait(20)
            self.wfile.write(data[first:] if server.cut_after is None else data[first:server.cut_after])


class Checkout(unittest.TestCase):
    """A checkout without any neighbour, and a cache of the test's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.makedirs(os.path.join(self.folder, "checkout", "scripts"))
        self.script = shutil.copy(os.path.join(location.REPOSITORY, "scripts", "kafka"),
                                  os.path.join(self.folder, "checkout", "scripts"))
        self.cache = os.path.join(self.folder, "cache", "kafka")
        self.partial = os.path.join(self.cache, f"{RELEASE}.tgz.part")
        self.data = release()
        self.mirror = Mirror()
        self.addCleanup(self.mirror.server_close)
        self.addCleanup(self.mirror.shutdown)
        self.mirror.files = {f"{RELEASE}.tgz": self.data, f"{RELEASE}.tgz.sha512": apache_sum(self.data)}

    def environment(self, **changes):
        """The environment of a call."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
        return clean | {"KAFKA_CACHE": self.cache, "KAFKA_URL": self.mirror.url(),
                        "KAFKA_SUMS_URL": self.mirror.url() + "/", "no_proxy": "*"} | changes

    def call(self, *words, **changes):
        """Exit code, standard output, standard error."""
        done = subprocess.run([self.script, *words], env=self.environment(**changes), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False, cwd="/")
        return done.returncode, done.stdout, done.stderr

    def part(self, data):
        """Leaves what an earlier download got."""
        os.makedirs(self.cache)
        with open(self.partial, "wb") as file:
            file.write(data)

    def downloads(self):
        """The ranges that were asked of the release itself."""
        return [wanted for method, name, wanted in self.mirror.asked if (method, name) == ("GET", f"{RELEASE}.tgz")]

    def assert_fetched(self):
        """Everything is in place, and nothing else is left."""
        with open(os.path.join(self.cache, RELEASE, "libs", JAR), "rb") as file:
            self.assertEqual(len(file.read()), 300_000)
        self.assertEqual(sorted(os.listdir(self.cache)), [RELEASE, "lock"])


class Fetches(Checkout):
    """Downloads that succeed, in the end."""

    def test_a_fresh_download_says_what_it_does_and_is_kept(self):
        code, shown, errors = self.call("ensure")
        self.assertEqual((code, shown.strip()), (0, os.path.join(self.cache, RELEASE, "libs")), errors)
        self.assertEqual(errors.splitlines()[0],
                         f"Downloading Apache Kafka 4.3.0 (1 MB) from {self.mirror.url()} to {self.cache}, once")
        self.assert_fetched()
        asked = len(self.mirror.asked)
        self.assertEqual(self.call("ensure"), (0, shown, ""))
        self.assertEqual(self.call("fetch"), (0, "", ""))
        self.assertEqual(self.call(), (0, shown, ""))
        self.assertEqual(len(self.mirror.asked), asked)

    def test_an_interrupted_download_is_resumed(self):
        self.mirror.cut_after = 100_000
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 1)
        self.assertIn("run it again to resume it", errors)
        self.assertEqual(os.path.getsize(self.partial), 100_000)
        self.mirror.cut_after = None
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 0, errors)
        self.assertEqual(self.downloads(), [None, "bytes=100000-"])
        self.assert_fetched()

    def test_what_is_whole_already_is_not_downloaded_again(self):
        self.part(self.data)
        self.assertEqual(self.call("fetch")[0], 0)
        self.assertEqual(self.downloads(), [])
        self.assert_fetched()

    def test_a_server_that_cannot_resume_starts_anew(self):
        self.mirror.resumes = False
        self.part(self.data[:1000])
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 0, errors)
        self.assertIn("it starts over", errors)
        self.assert_fetched()

    def test_more_than_the_whole_starts_anew(self):
        self.part(self.data + b"more")
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 0, errors)
        self.assert_fetched()

    def test_the_other_form_of_a_checksum_is_read(self):
        digest = hashlib.sha512(self.data).hexdigest()
        self.mirror.files[f"{RELEASE}.tgz.sha512"] = f"{digest} *{RELEASE}.tgz\n".encode()
        self.assertEqual(self.call("fetch")[0], 0)

    def test_leftovers_of_a_killed_one_are_cleared(self):
        os.makedirs(os.path.join(self.cache, "unpacking.abc", RELEASE, "libs"))
        self.assertEqual(self.call("libs"), (1, "", ""))
        self.assertEqual(self.call("fetch")[0], 0)
        self.assert_fetched()

    def test_of_two_at_once_one_downloads_and_the_other_waits(self):
        self.mirror.gate.clear()
        both = [subprocess.Popen([self.script, "ensure"], env=self.environment(), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        waiting = next(line for line in _first_lines(both) if line.startswith("Waiting"))
        self.assertIn(self.cache, waiting)
        self.mirror.gate.set()
        ends = [(one.communicate(timeout=60)[0].strip(), one.returncode) for one in both]
        self.assertEqual(ends, [(os.path.join(self.cache, RELEASE, "libs"), 0)] * 2)
        self.assertEqual(self.downloads(), [None])
        self.assert_fetched()

    def test_a_neighbour_of_the_checkout_comes_before_the_cache(self):
        libs = os.path.join(self.folder, "shared", "kafka", "libs")
        os.makedirs(libs)
        with open(os.path.join(libs, JAR), "wb"):
            pass
        self.assertEqual(self.call("ensure"), (0, f"{libs}\n", ""))
        self.assertEqual(self.mirror.asked, [])


class Refusals(Checkout):
    """What ends with one sentence, and leaves nothing that could be taken for Kafka."""

    def test_a_wrong_checksum_is_refused_and_removed(self):
        self.mirror.files[f"{RELEASE}.tgz"] = release(b"not Kafka" * 30_000)
        code, shown, errors = self.call("ensure")
        self.assertEqual((code, shown), (1, ""))
        self.assertIn("does not have the SHA-512 that Apache publishes: it was deleted", errors)
        self.assertEqual(os.listdir(self.cache), ["lock"])

    def test_without_a_checksum_nothing_is_taken(self):
        for text in (None, b"<html>not found</html>", b"abc\n"):
            with self.subTest(text):
                self.mirror.files[f"{RELEASE}.tgz.sha512"] = text
                code, _, errors = self.call("fetch")
                self.assertEqual(code, 1)
                self.assertIn("its checksum cannot be fetched", errors)
                self.assertEqual(len(errors.splitlines()), 1)
        self.assertEqual(self.downloads(), [])

    def test_a_server_that_is_gone_is_one_sentence(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            code, shown, errors = self.call("ensure", KAFKA_URL=url)
        self.assertEqual((code, shown), (1, ""))
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn("cannot be downloaded", errors)
        self.assertIn("set KAFKA_HOME to its folder", errors)

    def test_a_server_without_the_release_is_one_sentence(self):
        self.mirror.files = {}
        code, shown, errors = self.call("ensure")
        self.assertEqual((code, shown), (1, ""))
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn("error: 404", errors)
        self.assertEqual(os.listdir(self.cache), ["lock"])

    def test_a_target_that_cannot_be_written_is_one_sentence(self):
        with open(os.path.join(self.folder, "cache"), "w", encoding="ascii"):
            pass
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 1)
        self.assertEqual(errors, f"scripts/kafka: cannot write to {self.cache}: set KAFKA_CACHE to a folder where"
                                 " Apache Kafka may be kept\n")
        self.assertEqual(self.mirror.asked, [])

    @unittest.skipUnless(os.path.exists("/dev/full"), "/dev/full is needed")
    def test_a_full_disk_is_told(self):
        os.makedirs(self.cache)
        os.symlink("/dev/full", self.partial)
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 1)
        self.assertIn(f"cannot write to {self.cache}: make room there", errors)

    def test_it_is_unpacked_whole_or_not_at_all(self):
        broken = self.data[:200_000]
        self.mirror.files = {f"{RELEASE}.tgz": broken, f"{RELEASE}.tgz.sha512": apache_sum(broken)}
        code, _, errors = self.call("fetch")
        self.assertEqual(code, 1)
        self.assertIn("cannot unpack", errors)
        self.assertEqual(sorted(os.listdir(self.cache)), [f"{RELEASE}.tgz.part", "lock"])
        self.assertEqual(self.call("libs"), (1, "", ""))

    def test_a_given_home_comes_first_and_is_never_passed_over(self):
        self.assertEqual(self.call("fetch")[0], 0)
        home = os.path.join(self.folder, "home")
        os.makedirs(os.path.join(home, "libs"))
        for words in ((), ("ensure",)):
            code, shown, errors = self.call(*words, KAFKA_HOME=home)
            self.assertEqual((code, shown), (1, ""))
            self.assertIn(f"KAFKA_HOME is {home}", errors)
        with open(os.path.join(home, "libs", JAR), "wb"):
            pass
        self.assertEqual(self.call("ensure", KAFKA_HOME=home), (0, f"{home}/libs\n", ""))


def _first_lines(processes):
    """The first line that each says on standard error."""
    return [one.stderr.readline() for one in processes]


if __name__ == "__main__":
    unittest.main()
