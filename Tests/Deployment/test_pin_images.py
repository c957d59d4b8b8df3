"""scripts/pin-images on a copy of the files that it changes, with a registry that stands in for the others."""
import hashlib
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FILES = ("scripts/pin-images", "Dockerfile", "test/Dockerfile", "docker-compose.yml", "k8s", "helm-config",
         ".github/workflows")
TOKEN = "some-token"


class Registry(http.server.BaseHTTPRequestHandler):
    """Has every image but those that are `missing`, for whoever shows its token. `push` is a newer build of all."""

    def do_GET(self):  # pylint: disable=invalid-name
        """A token, or an index."""
        registry = self.server
        path, _, query = self.path.partition("?")
        if path == "/token":
            registry.tokens.add(query)
            self.answer(200, json.dumps({"token": TOKEN}).encode())
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            realm = f"http://127.0.0.1:{registry.server_port}/token"
            self.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}",service="stand-in",scope="pull"'})
        elif path in registry.missing:
            self.answer(404, b"")
        else:
            registry.asked[path] = self.headers["Accept"]
            body = registry.index(path)
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.answer(200, body, {"Docker-Content-Digest": registry.claims or digest})

    def answer(self, status, body, headers=()):
        """One answer with its length."""
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Nothing."""


class StandIn(http.server.ThreadingHTTPServer):
    """A registry at a free port of 127.0.0.1."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Registry)
        self.push, self.claims, self.missing, self.asked, self.tokens = 1, None, set(), {}, set()

    def index(self, path):
        """The bytes of an image's index."""
        return f"{path} {self.push}".encode()

    def digest(self, image):
        """Of an image, as this registry has it."""
        name, tag = image.rsplit(":", 1)
        path = name.removeprefix("ghcr.io/") if "/" in name else f"library/{name}"
        return f"sha256:{hashlib.sha256(self.index(f'/v2/{path}/manifests/{tag}')).hexdigest()}"


class PinImages(unittest.TestCase):
    """What it writes, and when it writes nothing."""

    def setUp(self):
        self.registry = StandIn()
        threading.Thread(target=self.registry.serve_forever, daemon=True).start()
        self.addCleanup(self.registry.server_close)
        self.addCleanup(self.registry.shutdown)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in FILES:
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy)(REPOSITORY / name, place)

    def pin(self):
        """The script of the copy: its exit code and what it says on standard error."""
        argv = [sys.executable, "-B", self.folder / "scripts" / "pin-images",
                "--registry", f"http://127.0.0.1:{self.registry.server_port}/"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stderr

    def texts(self):
        """All files of the copy."""
        return {file.relative_to(self.folder): file.read_text(encoding="utf-8")
                for file in self.folder.rglob("*") if file.is_file()}

    def unpinned(self):
        """All files without digests."""
        return {name: re.sub(r"@sha256:[0-9a-f]{64}$", "", text, flags=re.MULTILINE)
                for name, text in self.texts().items()}

    def images(self):
        """Every image that is not ours."""
        texts = self.texts()
        services = yaml.safe_load(texts[pathlib.Path("docker-compose.yml")])["services"].values()
        found = [service["image"] for service in services if "build" not in service]
        for text in texts.values():
            found += re.findall(r"^ARG \w+_IMAGE=(\S+)$", text, re.MULTILINE)
            found += re.findall(r"^\s+(?:container|imageName): (\w\S+)$", text, re.MULTILINE)
        found += [yaml.safe_load(texts[pathlib.Path("helm-config/kassa/values.yaml")])["tests"]["image"]]
        for place in ("k8s/overlays/production", "helm-config/production"):
            for each in yaml.safe_load_all(texts[pathlib.Path(place, "redis.yaml")]):
                if each["kind"] == "Deployment":
                    found += [one["image"] for one in each["spec"]["template"]["spec"]["containers"]]
        return found

    def test_every_image_gets_the_digest_of_its_tag(self):
        before = self.unpinned()
        self.assertEqual(self.pin(), (0, ""))
        images = self.images()
        self.assertEqual({image.rsplit("/", 1)[-1].split(":")[0] for image in images},
                         {"swift", "debian", "postgres", "kafka", "redis", "prometheus", "grafana", "postgresql", "python"})
        for image in images:
            name, _, digest = image.partition("@")
            self.assertEqual(digest, self.registry.digest(name), image)
        self.assertEqual(self.unpinned(), before)
        self.assertEqual(self.registry.tokens, {"service=stand-in&scope=pull"})
        self.assertTrue(all(kinds.startswith("application/vnd.oci.image.index") for kinds in self.registry.asked.values()))

    def test_a_tag_that_means_something_else_later_gets_its_new_digest(self):
        self.pin()
        first = self.texts()
        self.pin()
        self.assertEqual(self.texts(), first)
        self.registry.push = 2
        self.assertEqual(self.pin(), (0, ""))
        for image in self.images():
            name, _, digest = image.partition("@")
            self.assertEqual(digest, self.registry.digest(name), image)

    def test_nothing_is_changed_unless_all_are_found(self):
        before = self.texts()
        self.registry.missing = {"/v2/library/redis/manifests/7.4-bookworm"}
        code, said = self.pin()
        self.assertEqual(code, 1)
        self.assertRegex(said, "^scripts/pin-images: nothing is changed: redis:7.4-bookworm: .*404")
        self.assertEqual(self.texts(), before)

    def test_a_registry_that_gives_something_else_than_it_says_is_not_believed(self):
        before = self.texts()
        self.registry.claims = f"sha256:{'0' * 64}"
        code, said = self.pin()
        self.assertEqual(code, 1)
        self.assertIn("but what it gives is", said)
        self.assertEqual(self.texts(), before)


if __name__ == "__main__":
    unittest.main()
