"""A MariaDB of the tests' own, on loopback, fast rather than durable.

``CRATON_TEST_MYSQL_URL`` names another server instead, MySQL for example: a URL without a database,
whose user may create and drop databases.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

from tests.services.process import Process, ServiceError, binary, free_port

#: The variable that names a server to test on instead of one of our own.
OTHER_SERVER = "CRATON_TEST_MYSQL_URL"

_PACKAGE = "mariadb-server"
_CHECKOUT = Path(__file__).parents[2]
_CACHE = _CHECKOUT / ".cache/mariadb"

#: What is committed is with the system, and so outlives a killed server; not one that loses power.
#: mariadb-backup is given them all, and fails over those that it does not know, such as the size of
#: the buffer pool.
OPTIONS = (
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--innodb-log-file-size=64M",
    "--performance-schema=OFF",
    "--max-connections=200",
    "--max-allowed-packet=64M",
)

#: Who copies the data of a node of a cluster for another one.
TRANSFER_USER = "transfer"

#: The users that a new server gets.
_USERS = f"""\
FLUSH PRIVILEGES;
CREATE OR REPLACE USER craton@'127.0.0.1' IDENTIFIED BY 'secret';
GRANT ALL PRIVILEGES ON *.* TO craton@'127.0.0.1' WITH GRANT OPTION;
CREATE OR REPLACE USER {TRANSFER_USER}@localhost IDENTIFIED BY '';
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR
    ON *.* TO {TRANSFER_USER}@localhost;
"""


@dataclass
class Server:
    """A MariaDB or MySQL that answers on an address.

    Attributes:
        host: Where it listens.
        port: Where it listens.
        user: Who may do everything.
        password: Of the user.
    """

    host: str
    port: int
    user: str = "craton"
    password: str = "secret"

    def url(self, database: str, **query: object) -> str:
        """Return the URL of a database for SQLAlchemy."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        login = f"{self.user}:{self.password}" if self.password else self.user
        return f"mysql+pymysql://{login}@{self.host}:{self.port}/{database}?{words}".rstrip("?")

    @contextmanager
    def connection(self, database: str | None = None, timeout: float = 10) -> Iterator[Any]:
        """Lend a connection that commits by itself."""
        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
            connect_timeout=timeout,
            read_timeout=timeout,
        )
        with closing(connection):
            yield connection

    def execute(
        self, *statements: str, database: str | None = None, timeout: float = 60
    ) -> list[tuple[Any, ...]]:
        """Run statements on one connection, and return the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        with self.connection(database, timeout) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def answers(self) -> bool:
        """Tell whether it serves clients."""
        try:
            return self.execute("SELECT 1", timeout=2) == [(1,)]
        except pymysql.Error:
            return False

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database of a new name; it goes with the block."""
        name = f"craton_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name}")


@dataclass
class MariaDB(Server):
    """A MariaDB of our own.

    Attributes:
        data: The directory of its data.
        process: The server, to pause, kill and start again; it keeps its port.
    """

    data: Path = field(kw_only=True)
    process: Process = field(kw_only=True)


def version() -> str:
    """The version of the server, as it says itself."""
    command = [binary("mariadbd", _PACKAGE), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def command(data: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    """The command line of a server."""
    return [
        *(binary("mariadbd", _PACKAGE), "--no-defaults", *_as_root()),
        *(f"--datadir={data}", "--bind-address=127.0.0.1", f"--port={port}"),
        # Below the directory of the data, which may have a longer name than a socket can have.
        *("--socket=mariadb.sock", f"--pid-file={data}/mariadb.pid"),
        # A server that starts removes what is left of temporary tables, those of others too.
        *(f"--tmpdir={data}", *OPTIONS, *options),
    ]


@contextmanager
def started(directory: Path, options: Sequence[str] = ()) -> Iterator[MariaDB]:
    """Start a MariaDB with no databases in a directory; it ends with the block."""
    directory.mkdir(parents=True, exist_ok=True)
    data, port = directory / "data", free_port()
    shutil.copytree(template(), data)
    process = Process(
        "mariadbd",
        command(data, port, options),
        log=directory / "mariadb.log",
        answers=lambda: server.answers(),
    )
    server = MariaDB("127.0.0.1", port, data=data, process=process)
    process.start()
    try:
        yield server
    finally:
        process.kill()


@contextmanager
def provided(directory: Path) -> Iterator[Server]:
    """Give the server that the environment names, else start one."""
    other = os.environ.get(OTHER_SERVER)
    if other is None:
        with started(directory) as server:
            yield server
        return
    parts = urlsplit(other)
    yield Server(
        parts.hostname or "127.0.0.1",
        parts.port or 3306,
        unquote(parts.username or "root"),
        unquote(parts.password or ""),
    )


def template() -> Path:
    """The directory of the data of a server that was never used; made when it is missing."""
    return cached(f"{_version_word()}-alone", _make_template)


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return a directory of the cache; made by one process while others wait, if it is missing."""
    place = _CACHE / name
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            partial = _CACHE / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            make(partial)
            partial.rename(place)
    return place


def _version_word() -> str:
    return version().partition("Ver ")[2].split()[0]


def _make_template(place: Path) -> None:
    _run(
        [
            *(binary("mariadb-install-db", _PACKAGE), "--no-defaults", f"--datadir={place}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
            *("--skip-name-resolve", *_as_root(), *OPTIONS),
        ]
    )
    bootstrap = [*command(place, 0), "--bootstrap", "--wsrep-on=OFF"]
    _run(bootstrap, _USERS)


def _run(words: Sequence[str], text: str = "") -> None:
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise ServiceError(f"{words[0]}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _as_root() -> tuple[str, ...]:
    """The server refuses to run as root unless it is told to."""
    return ("--user=root",) if os.geteuid() == 0 else ()
