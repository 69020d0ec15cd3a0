"""A PostgreSQL of the tests' own, on loopback, fast rather than durable.

The server refuses to run as root: then it runs as the user that the Debian package made for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import Process, ServiceError, binary, free_port

#: The server's user when the tests run as root.
_USER = "postgres"
_SUPERUSER = "craton"

_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
}


@dataclass
class Postgres:
    """A running PostgreSQL.

    Attributes:
        process: The server, to pause, kill and start again; it keeps its port.
        port: Where it listens on 127.0.0.1.
        data: The directory of its data.
    """

    process: Process
    port: int
    data: Path
    user: str = _SUPERUSER

    def execute(self, *statements: str, database: str = "postgres") -> list[str]:
        """Run statements, each in a transaction of its own, and return the rows as lines.

        Raises:
            ServiceError: A statement failed.
        """
        commands = [word for statement in statements for word in ("--command", statement)]
        done = subprocess.run(
            [
                binary("psql", "postgresql-client"),
                *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password"),
                *("--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1", "--port", str(self.port)),
                *("--username", self.user, "--dbname", database, *commands),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise ServiceError(f"psql: {done.stderr}")
        return done.stdout.splitlines()

    def copy_database(self, source: str, name: str) -> None:
        """Make a database a copy of another; whoever is connected to either is thrown out."""
        gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"
        self.execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            gone,
            f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY",
        )


def version() -> str:
    """The version of the server, as it says itself."""
    command = [server_program("postgres"), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def server_program(name: str) -> str:
    """The path of a program of the server, which Debian keeps off the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[-3]),
    )
    return str(found[-1]) if found else binary(name, "postgresql")


@contextmanager
def started(template: Path | None = None) -> Iterator[Postgres]:
    """Start a PostgreSQL on a new cluster, or on a copy of one that was ended properly.

    Its directory is under the system's directory for temporary files, because that of a test is
    closed to the server's user.
    """
    user = _USER if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="craton-postgres-"))
    try:
        data = directory / "data"
        if template is not None:
            shutil.copytree(template, data)
        _give(directory, user)
        if template is None:
            _initialise(data, user)
        data.chmod(0o700)
        postgres = _server(directory, data, user)
        postgres.process.start()
        try:
            yield postgres
        finally:
            postgres.process.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(directory)


def _give(directory: Path, user: str | None) -> None:
    if user is None:
        return
    for parent, _, files in os.walk(directory):
        shutil.chown(parent, user, user)
        for name in files:
            shutil.chown(os.path.join(parent, name), user, user)  # noqa: PTH118


def _initialise(data: Path, user: str | None) -> None:
    command = [
        server_program("initdb"),
        *("--pgdata", str(data), "--username", _SUPERUSER, "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
    ]
    if user is not None:
        setpriv = binary("setpriv", "util-linux")
        command = [setpriv, "--reuid", user, "--regid", user, "--clear-groups", *command]
    done = subprocess.run(command, cwd=data.parent, capture_output=True, text=True)
    if done.returncode:
        raise ServiceError(f"initdb: {done.stderr}")


def _server(directory: Path, data: Path, user: str | None) -> Postgres:
    binary("psql", "postgresql-client")
    port = free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **_FAST}

    def answers() -> bool:
        try:
            return postgres.execute("SELECT 1") == ["1"]
        except ServiceError:
            return False

    process = Process(
        "postgres",
        [
            *(server_program("postgres"), "-D", str(data), "-p", str(port)),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ],
        log=directory / "postgres.log",
        answers=answers,
        user=user,
    )
    postgres = Postgres(process, port, data)
    return postgres
