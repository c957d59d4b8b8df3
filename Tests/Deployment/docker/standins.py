"""Images that stand in for those of registries, made of Debian's packages and of what this machine has."""
import os
import shutil
import signal
import subprocess

import limits

IMAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
BASE = "debian:12-slim"
BUILD_SECONDS_MAX = 400


def _build(name, file, context):
    return ["docker", "build", "--quiet", "--tag", name, "--file", os.path.join(IMAGES, f"{file}.Dockerfile"), context]


def _exists(name):
    return subprocess.run(["docker", "image", "inspect", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def _run_whole(argv, folder):
    """A command that starts others: when we are interrupted, all of them end. Its temporary files are in the folder."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, env=os.environ | {"TMPDIR": folder}) as process:
        try:
            said, _ = process.communicate(timeout=limits.seconds(BUILD_SECONDS_MAX))
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {process.returncode}:\n{said[-3000:]}")


def _make_base(folder):
    if _exists(BASE):
        return
    tar = os.path.join(folder, "base.tar")
    _run_whole(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,usr-is-merged",
                # As in Debian's image: no Perl for the sake of usrmerge, no manuals, no translations.
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io", "bookworm", tar], folder)
    subprocess.run(["docker", "import", "--change", 'CMD ["bash"]', tar, BASE], check=True, stdout=subprocess.DEVNULL,
                   timeout=limits.seconds(BUILD_SECONDS_MAX))
    os.remove(tar)


def _kafka_context(folder, jars):
    context = os.path.join(folder, "kafka")
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(jars, os.path.join(context, "libs"), copy_function=shutil.copy)
    shutil.copy(os.path.join(IMAGES, "kafka-run"), context)
    return context


def _toolchain():
    """The folder with Swift's usr."""
    swift = os.path.realpath(shutil.which("swift"))
    root, usr, _ = swift.rsplit("/", 3)[0], *swift.rsplit("/", 3)[1:3]
    if usr != "usr":
        raise RuntimeError(f"{swift} is in no folder usr/bin")
    return root


def make(folder, names, jars):
    """Makes images with these names: those of the Dockerfile's base images. Gives commands that make the compose file's
    servers: nothing is built from those, so they can be made while Kassa compiles.
    """
    _make_base(folder)
    servers = []
    for name in sorted(names):
        kind = name.split(":")[0].rsplit("/", 1)[-1]
        if kind == "kafka":
            servers.append(_build(name, kind, _kafka_context(folder, jars)))
        elif kind == "swift":
            subprocess.run(_build(name, kind, _toolchain()), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True,
                           timeout=limits.seconds(BUILD_SECONDS_MAX))
        elif name != BASE:
            servers.append(_build(name, kind, IMAGES))
    return servers
