"""What is found on this machine: the servers' programs, Kafka's jars, the user that PostgreSQL runs as."""
import glob
import os
import pwd
import shutil
import subprocess

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

KAFKA_IS_MISSING = (
    "Apache Kafka: Debian has no package of it. scripts/kafka fetch downloads it; or unpack a binary release, version 4"
    " (https://kafka.apache.org/downloads), and set KAFKA_HOME to its folder")


class Missing(Exception):
    """Something that the stack needs is not here; the text has a line for each thing."""


class Machine:
    """The paths of everything that is started. `Missing` names all that is not there, with the package that has it."""

    def __init__(self, kassa):
        self.kassa = os.path.abspath(kassa)
        self.java = find_java()
        self.kafka_libs = find_kafka_libs()
        self.postgres_folder = find_postgres()
        self.redis = shutil.which("redis-server") or shutil.which("valkey-server")
        self.haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
        self.postgres_user = unprivileged_user()
        lines = list(self.missing())
        if lines:
            raise Missing("\n".join(lines) + docker_hint())

    def missing(self):
        """A line for each thing that is not there."""
        if not os.access(self.kassa, os.X_OK):
            yield f"the program {self.kassa}: make build"
        packages = [("Java", self.java, "openjdk-17-jre-headless"), ("PostgreSQL", self.postgres_folder, "postgresql"),
                    ("Redis", self.redis, "redis-server"), ("HAProxy", self.haproxy, "haproxy")]
        for name, found, package in packages:
            if not found:
                yield f"{name}: install the package {package} (scripts/system-packages --for stack)"
        if not self.kafka_libs:
            yield KAFKA_IS_MISSING

    def postgres(self, program):
        """One of PostgreSQL's programs."""
        return os.path.join(self.postgres_folder, program)


def find_java():
    """JAVA_HOME's, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    if home and os.access(os.path.join(home, "bin", "java"), os.X_OK):
        return os.path.join(home, "bin", "java")
    return shutil.which("java")


def find_kafka_libs():
    """The folder of Kafka's jars, found as the tests find it; None without one. `Missing` when KAFKA_HOME is wrong."""
    found = subprocess.run([os.path.join(REPOSITORY, "scripts", "kafka"), "libs"], capture_output=True,
                           text=True, check=False)
    if found.stderr:
        raise Missing(found.stderr.strip())
    return found.stdout.strip() or None


def find_postgres():
    """The folder with the newest server's programs: Debian keeps them off the path, one folder a version."""
    def version(folder):
        digits = os.path.basename(os.path.dirname(folder))
        return int(digits) if digits.isdigit() else 0

    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(os.path.dirname(os.path.realpath(on_path)))
    needed = ("initdb", "postgres", "psql", "pg_isready")
    for folder in folders:
        if all(os.access(os.path.join(folder, program), os.X_OK) for program in needed):
            return folder
    return None


def unprivileged_user():
    """Whom PostgreSQL runs as when root starts the stack: it refuses to be root. None: as whoever starts it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def docker_hint():
    """Where the servers are not, but docker is."""
    if not shutil.which("docker"):
        return ""
    return "\nOr let docker bring them: docker compose up --build"
