"""A Nautobot of the tests' own: its own server on loopback, with a PostgreSQL and a Redis.

It runs from an environment of its own, made by ``tools/test-services.sh``. The migrations take
minutes, so the migrated database is kept under ``.cache`` and copied; run as a program, this
module makes it and tells how far it is.

There is no Celery worker: what Nautobot queues for one runs in the request that queues it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.services import postgres, redis
from tests.services.postgres import Postgres
from tests.services.process import Process, ServiceError, free_port
from tests.services.redis import Redis

USER, PASSWORD, TOKEN = "tester", "tester", "0123456789abcdef0123456789abcdef01234567"

_CHECKOUT = Path(__file__).parents[2]
_ENVIRONMENT = _CHECKOUT / ".venv-nautobot"
_PINS = _CHECKOUT / "tools/nautobot/constraints.txt"
_CACHE = _CHECKOUT / ".cache/nautobot"
_ROOT = Path(__file__).with_name("nautobot_root")

#: The database that the server works on, and the one that a reset copies.
_DATABASE, _EMPTY = "nautobot", "empty"

#: Seconds. It starts in eight, or in half a minute on a machine that has other things to do.
_START_PATIENCE = 180
#: Seconds. A script may fill a database with tens of thousands of objects.
_SCRIPT_PATIENCE = 300


@dataclass
class Nautobot:
    """A running Nautobot.

    Attributes:
        process: The server, to pause, continue, kill and start again; it keeps its port.
        url: Where it serves, without a slash at the end.
        postgres: Its database server.
        redis: Its cache and its locks.
        token: The API token of a superuser.
    """

    process: Process
    url: str
    postgres: Postgres
    redis: Redis
    directory: Path
    token: str = TOKEN

    def reset(self, snapshot: str = _EMPTY) -> None:
        """Go back to a snapshot of all data, by default to the one with nothing but the token."""
        self.postgres.copy_database(snapshot, _DATABASE)
        self.redis.clear()

    def take_snapshot(self, name: str) -> None:
        """Keep a copy of all data under a name, for :meth:`reset`."""
        self.postgres.copy_database(_DATABASE, name)

    def heal(self) -> None:
        """Undo what a test did to the server: let it go on, or start it again."""
        if self.process.alive:
            self.process.resume()
            self.process.wait_until_it_answers()
        else:
            self.process.start()

    def in_volume(self, *actions: str) -> dict[str, list[str]]:
        """Add, change and delete thousands of devices, faster than the REST API would.

        Args:
            actions: As ``nautobot_root/volume.py`` takes them, for example "add 12 9988".

        Returns:
            The ids of the devices, by the name of the action.

        Raises:
            ServiceError: It failed; then nothing was done.
        """
        environment = _variables(self.postgres, self.redis, self.directory)
        done: dict[str, list[str]] = {}
        for line in _run(environment, str(_ROOT / "volume.py"), *actions).splitlines():
            action, identity = line.split()
            done.setdefault(action, []).append(identity)
        return done


def _program(name: str) -> str:
    path = _ENVIRONMENT / "bin" / name
    if not path.exists():
        raise ServiceError(f"{path} is missing: make test makes it (tools/test-services.sh)")
    return str(path)


def _variables(database: Postgres, cache: Redis, directory: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(_ENVIRONMENT / "bin"), os.environ["PATH"]]),
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LC_ALL": "C.UTF-8",
        "NAUTOBOT_CONFIG": str(_ROOT / "nautobot_config.py"),
        "NAUTOBOT_ROOT": str(directory),
        "NAUTOBOT_ALLOWED_HOSTS": "127.0.0.1 localhost",
        "NAUTOBOT_DB_HOST": "127.0.0.1",
        "NAUTOBOT_DB_PORT": str(database.port),
        "NAUTOBOT_DB_USER": database.user,
        "NAUTOBOT_DB_NAME": _DATABASE,
        "NAUTOBOT_REDIS_HOST": "127.0.0.1",
        "NAUTOBOT_REDIS_PORT": str(cache.port),
    }


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [_program("python"), *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SCRIPT_PATIENCE,
    )
    if done.returncode:
        raise ServiceError(f"{' '.join(command)}:\n{done.stderr[-4000:]}")
    return done.stdout


@contextmanager
def started(directory: Path) -> Iterator[Nautobot]:
    """Start a Nautobot that is empty but for a superuser with a token; it ends with the block.

    Args:
        directory: Made if missing; logs and Nautobot's own files go there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (
        redis.started(directory / "redis") as cache,
        postgres.started(template()) as database,
    ):
        nautobot = _server(directory, database, cache)
        nautobot.reset()
        nautobot.process.start()
        try:
            yield nautobot
        finally:
            nautobot.process.kill()


def _server(directory: Path, database: Postgres, cache: Redis) -> Nautobot:
    url = f"http://127.0.0.1:{free_port()}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/health/", timeout=10).ok
        except requests.RequestException:
            return False

    process = Process(
        "nautobot-server",
        [
            *(_program("nautobot-server"), "start", "--http", url.removeprefix("http://")),
            # Without this it closes connections that its answers promise to keep.
            "--http-keepalive=60",
            # A request that changes hundreds of objects takes a minute.
            *("--http-timeout", "600"),
            *("--master", "--processes", "2", "--no-orphans", "--die-on-term"),
            # What GET requests may hold: a filter by many ids is long.
            *("--buffer-size", "65535", "--log-5xx", "--disable-logging"),
        ],
        log=directory / "nautobot.log",
        answers=answers,
        environment=_variables(database, cache, directory),
        patience=_START_PATIENCE,
    )
    return Nautobot(process, url, database, cache, directory)


def template() -> Path:
    """The directory of a PostgreSQL cluster with a migrated Nautobot; made when it is missing."""
    place = _CACHE / _key()
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            _make_template(place)
    return place


def _key() -> str:
    """What the template depends on: which migrations there are, and how it is made."""
    parts = [
        postgres.version().encode(),
        _PINS.read_bytes(),
        (_ROOT / "accounts.py").read_bytes(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _make_template(place: Path) -> None:
    directory = place.with_suffix(".partial")
    shutil.rmtree(directory, ignore_errors=True)
    with redis.started(directory / "redis") as cache, postgres.started() as database:
        environment = _variables(database, cache, directory)
        database.execute(f"CREATE DATABASE {_DATABASE}")
        _migrate(environment)
        _run(environment, str(_ROOT / "accounts.py"), USER, PASSWORD, TOKEN)
        database.execute(f"ALTER DATABASE {_DATABASE} RENAME TO {_EMPTY}")
        database.process.stop(signal.SIGINT)
        shutil.copytree(database.data, directory / "data")
    (directory / "data").rename(place)
    shutil.rmtree(directory)
    _say("the migrated database is ready")


def _migrate(environment: dict[str, str]) -> None:
    _say("migrating a database for the tests, once (about four minutes)")
    start = told = time.monotonic()
    output: list[str] = []
    with subprocess.Popen(
        [_program("nautobot-server"), "migrate", "--no-input"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as migration:
        assert migration.stdout is not None
        for line in migration.stdout:
            output.append(line)
            if time.monotonic() - told > 15:
                told = time.monotonic()
                done = sum(entry.lstrip().startswith("Applying ") for entry in output)
                _say(f"{done} migrations done after {told - start:.0f} s")
    if migration.returncode:
        raise ServiceError(f"nautobot-server migrate:\n{''.join(output[-30:])}")


def _say(text: str) -> None:
    """Tell whoever waits; pytest shows it only with the failures of a test."""
    print(f"nautobot: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    template()
