"""PostgreSQL: a server of its own for each service, so that one can be ended without the others."""
import hashlib
import os
import secrets
import shutil
import signal
import subprocess

import plan as plans
import probes
import table
from member import Spec, clean_environment

STEP_SECONDS_MAX = 60


class PostgresFailure(Exception):
    """A database could not be made."""


class Databases:
    """The three servers' folders and passwords.

    The folders belong to an unprivileged user when root starts the stack. The passwords are for the pods: everybody on
    this machine reaches the ports.
    """

    def __init__(self, plan, machine, data, secrets_folder):
        self.plan, self.machine = plan, machine
        self.folder = reachable_folder(data, machine.postgres_user)
        self.passfile = os.path.join(secrets_folder, "pgpass")
        self.password_file = os.path.join(secrets_folder, "postgres.json")

    def _password(self):
        known = table.read_json(self.password_file, None)
        if known is None:
            known = secrets.token_urlsafe(24)
            table.write(self.password_file, f'"{known}"\n', mode=0o600)
        return known

    def connection(self, service, user="kassa", database=None):
        """What libpq is told."""
        return self._connection(self.plan.address(f"postgres-{service}"), user, database or f"kassa_{service}")

    def connection_for_pods(self, service):
        """What libpq is told in a pod."""
        return self._connection(self.plan.reached(f"postgres-{service}"), "kassa", f"kassa_{service}")

    def _connection(self, address, user, database):
        quoted = self.passfile.replace("\\", "\\\\").replace("'", "\\'")
        host, port = address.split(":")
        return f"host={host} port={port} dbname={database} user={user} passfile='{quoted}'"

    def _data(self, service):
        return os.path.join(self.folder, service)

    def _as_user(self):
        user = self.machine.postgres_user
        return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _run(self, argv, **options):
        environment = {**clean_environment(), **options.pop("environment", {})}
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=STEP_SECONDS_MAX, check=False, env=environment, cwd="/", **options)
        if done.returncode != 0:
            raise PostgresFailure(f"{os.path.basename(argv[0])} failed:\n{done.stdout[-1000:]}")
        return done.stdout

    def prepare(self):
        """Makes the folders that are not there yet."""
        password = self._password()
        table.write(self.passfile, f"127.0.0.1:*:*:*:{password}\n", mode=0o600)
        user = self.machine.postgres_user
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        # In a folder that everybody writes to, somebody may have made it before.
        if os.stat(self.folder).st_uid not in (os.geteuid(), user.pw_uid if user else os.geteuid()):
            raise PostgresFailure(f"{self.folder} belongs to somebody else")
        if user is not None:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        missing = [service for service in plans.SERVICES
                   if not os.path.exists(os.path.join(self._data(service), "global", "pg_control"))]
        if not missing:
            return
        for service in missing:
            shutil.rmtree(self._data(service), ignore_errors=True)
        pattern = os.path.join(self.folder, "pattern")
        shutil.rmtree(pattern, ignore_errors=True)
        # One is made, the others are copies of it: initdb takes most of the time.
        told = os.path.join(self.folder, "told")
        table.write(told, password + "\n", mode=0o600)
        if user is not None:
            os.chown(told, user.pw_uid, user.pw_gid)
        argv = [self.machine.postgres("initdb"), "--pgdata", pattern, "--username", "postgres", "--encoding", "UTF8",
                "--locale", "C", "--auth", "scram-sha-256", "--pwfile", told, "--no-sync"]
        self._run(argv, stdin=subprocess.DEVNULL, **self._as_user())
        os.remove(told)
        for service in missing:
            self._run(["cp", "-a", pattern, self._data(service)], stdin=subprocess.DEVNULL, **self._as_user())
        shutil.rmtree(pattern)

    def make_database(self, service):
        """Makes the role and the database of a server that runs, where they are missing."""
        psql = [self.machine.postgres("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d",
                self.connection(service, user="postgres", database="postgres")]

        def ask(statement):
            return self._run(psql, input=statement).strip()

        if not ask("SELECT 1 FROM pg_roles WHERE rolname = 'kassa';"):
            ask(f"CREATE ROLE kassa LOGIN PASSWORD '{self._password()}';")
        if not ask(f"SELECT 1 FROM pg_database WHERE datname = 'kassa_{service}';"):
            ask(f"CREATE DATABASE kassa_{service} OWNER kassa;")

    def specs(self):
        """A process for each server."""
        return [self._spec(service) for service in plans.SERVICES]

    def _spec(self, service):
        name = f"postgres-{service}"
        port = self.plan.ports[name]
        settings = {
            "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "64MB",
            # Four for each pod, one more while a pod is replaced, some for people.
            "max_connections": plans.PODS_MAX * 5 + 20, "max_wal_size": "1GB", "log_checkpoints": "off",
            "jit": "off",
        }
        argv = [self.machine.postgres("postgres"), "-D", self._data(service)]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        ready = [self.machine.postgres("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
        # SIGTERM would wait for the pods to leave.
        return Spec(name, "postgres", self.plan.address(name), argv, lambda: probes.succeeds(ready), "/",
                    user=self.machine.postgres_user, stop_signal=signal.SIGINT, stop_seconds=20)


def reachable_folder(data, user):
    """Where the databases are: with the other data, unless their user cannot get there (a checkout below /root)."""
    folder = os.path.join(data, "postgres")
    if user is None or is_reachable(data, user):
        return folder
    digest = hashlib.sha256(os.path.abspath(data).encode()).hexdigest()[:16]
    return os.path.join("/var/tmp", f"kassa-stack-{digest}")


def is_reachable(folder, user):
    """Whether the user can go into a folder from the root on."""
    parts = os.path.abspath(folder).split(os.sep)
    for depth in range(1, len(parts) + 1):
        status = os.stat(os.sep.join(parts[:depth]) or os.sep)
        if status.st_uid == user.pw_uid:
            needed = 0o100
        elif status.st_gid == user.pw_gid:
            needed = 0o010
        else:
            needed = 0o001
        if not status.st_mode & needed:
            return False
    return True
