"""docker compose on this checkout, under its own project name."""
import json
import os
import re
import shlex
import shutil
import socket
import subprocess

import engine
import limits

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
UP_SECONDS = 300
BUILD_SECONDS_MAX = 720


def free_port():
    """A port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def program():
    """How compose is called: docker's own plugin, else that of scripts/deploy-tools."""
    plugin = ["docker", "compose"]
    if shutil.which("docker") and subprocess.run([*plugin, "version"], stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return plugin
    tools = engine.run([os.path.join(REPOSITORY, "scripts", "deploy-tools")], timeout=600).strip()
    return [os.path.join(tools, "docker-compose")]


def build_arguments():
    """The base images of the Dockerfile, by the arguments that name them."""
    with open(os.path.join(REPOSITORY, "Dockerfile"), encoding="utf-8") as file:
        return dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", file.read(), re.MULTILINE))


def pulled_images():
    """The images of registries in the compose file, by service, without the profiles that are not started."""
    services = json.loads(engine.run([*program(), "config", "--format", "json"], cwd=REPOSITORY))["services"]
    return {name: service["image"] for name, service in services.items() if "build" not in service}


def without_digests(images):
    """Values by their keys, without the digests of scripts/pin-images: what stands in for an image has another one."""
    return {key: image.partition("@")[0] for key, image in images.items()}


def base_images():
    """What the Dockerfile and the compose file take from registries, as our own engine names it."""
    return {*without_digests(build_arguments()).values(), *without_digests(pulled_images()).values()}


class Project:
    """The whole compose file, as it stands. With a `folder` its images are stand-ins, by their tags alone."""

    def __init__(self, folder=None):
        self.name = f"kassa-test-{os.getpid()}"
        self.tag = self.name
        self.port, self.prometheus_port = free_port(), free_port()
        self.pulls = folder is None
        self.bases = {} if self.pulls else without_digests(build_arguments())
        self.environment = os.environ | {
            "KASSA_TAG": self.tag, "KASSA_PORT": str(self.port), "KASSA_PROMETHEUS_PORT": str(self.prometheus_port)}
        self.argv = [*program(), "--progress", "quiet", "--project-name", self.name, "--project-directory", REPOSITORY,
                     "--file", os.path.join(REPOSITORY, "docker-compose.yml")]
        if folder is not None:
            names = os.path.join(folder, "images.json")
            with open(names, "w", encoding="utf-8") as file:
                images = without_digests(pulled_images())
                json.dump({"services": {name: {"image": image} for name, image in images.items()}}, file)
            self.argv += ["--file", names]

    def call(self, *words, timeout=120):
        """What a verb of compose says on standard output."""
        return engine.run([*self.argv, *words], env=self.environment, timeout=timeout)

    def build(self, others=()):
        """The images, from the Dockerfile as it stands and as the compose file says, and what other commands build. All at
        once: an image waits for packages as long as it computes, and the compiler leaves processors idle at times.
        """
        commands = list(others)
        services = json.loads(self.call("config", "--format", "json"))["services"].values()
        for name, build in {service["image"]: service["build"] for service in services if "build" in service}.items():
            # Compose itself needs docker's plugin buildx for a Dockerfile like this; the engine's own builder does not.
            arguments = [f"--build-arg={key}={value}" for key, value in (self.bases | build.get("args", {})).items()]
            commands.append(["docker", "build", "--quiet", "--tag", name, "--target", build["target"], *arguments,
                             build["context"]])
        engine.run_together(commands, env=self.environment | {"DOCKER_BUILDKIT": "1"}, timeout=BUILD_SECONDS_MAX)

    def up(self):
        """Starts it and waits until everything is healthy."""
        more = ["--wait-timeout", str(int(limits.seconds(UP_SECONDS))), *([] if self.pulls else ["--pull", "never"])]
        for attempt in range(1, limits.attempts() + 1):
            try:
                self.call("up", "--no-build", "--detach", "--wait", *more, timeout=UP_SECONDS + 60)
                return
            except RuntimeError as reason:
                said = f"{reason}\n{self.call('ps', '--all')}\n{self.call('logs', '--tail', '15')}"
                if attempt == limits.attempts():
                    raise RuntimeError(said) from reason
                print(f"{said}\nTrying again, by {limits.PATIENCE_VARIABLE}.", flush=True)

    def down(self):
        """Takes containers, networks, volumes and images of this project away."""
        self.call("--profile", "*", "down", "--volumes", "--remove-orphans", timeout=180)
        # Compose leaves those that a restore made without it.
        named = engine.run(["docker", "volume", "ls", "--quiet", "--filter", f"name=^{self.name}_"]).split()
        if named:
            engine.run(["docker", "volume", "rm", "--force", *named])
        subprocess.run(["docker", "image", "rm", "--force", f"kassa:{self.tag}", f"kassa-gateway:{self.tag}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=60)

    def script(self, text, folder):
        """Commands of a page, with the names of this project in place of the default ones."""
        with open(os.path.join(REPOSITORY, "docker-compose.yml"), encoding="utf-8") as file:
            tag = re.search(r"kassa:\$\{KASSA_TAG:-([^}]+)\}", file.read()).group(1)
        compose = shlex.join(self.argv)
        text = text.replace("docker compose up ", f"again {compose} up ")
        for default, own in (("docker compose ", f"{compose} "), ("kassa_", f"{self.name}_"),
                             (f" kassa:{tag} ", f" kassa:{self.tag} ")):
            assert default in text, f"{default!r} is not in the commands:\n{text}"
            text = text.replace(default, own)
        again = f'again() {{ for _ in {{1..{limits.attempts()}}}; do if "$@"; then return; fi; done; return 1; }}\n'
        engine.run(["bash", "-euo", "pipefail", "-c", again + text], cwd=folder, env=self.environment,
                   timeout=UP_SECONDS)

    def containers(self):
        """What docker says of every container, by the service's name."""
        ids = self.call("ps", "--all", "--quiet").split()
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one
                for one in json.loads(engine.run(["docker", "inspect", *ids]))}

    def address(self, service, network):
        """A container's own address in one of the project's networks."""
        return self.containers()[service]["NetworkSettings"]["Networks"][f"{self.name}_{network}"]["IPAddress"]
