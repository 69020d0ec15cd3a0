"""A Keystone of the tests' own, on loopback, with an administrator and whom else a test asks for.

The bootstrapped database is kept under ``.cache`` and copied.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import textwrap
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.services import openstack
from tests.services.process import Process, free_port

ADMIN, PASSWORD, PROJECT, DOMAIN = "admin", "admin-password", "admin", "Default"

_CACHE = openstack.CHECKOUT / ".cache/keystone"
#: What the template's catalog says until it is copied.
_NOWHERE = "http://127.0.0.1:9/v3"


@dataclass
class Keystone:
    """A running Keystone.

    Attributes:
        process: The server, to pause, continue, kill and start again; it keeps its port.
        url: Where version 3 of its API is, without a slash at the end.
        directory: Where its files are.
    """

    process: Process
    url: str
    directory: Path
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(
        self, user: str, password: str = PASSWORD, project: str | None = None, system: bool = False
    ) -> str:
        """Get a new token of a user, for a project, for the system, or for nothing."""
        identity = {"name": user, "domain": {"name": DOMAIN}, "password": password}
        auth: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": identity}}
        }
        if project is not None:
            auth["scope"] = {"project": {"name": project, "domain": {"name": DOMAIN}}}
        elif system:
            auth["scope"] = {"system": {"all": True}}
        else:
            auth["scope"] = "unscoped"
        answer = requests.post(f"{self.url}/auth/tokens", json={"auth": auth}, timeout=30)
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def revoke(self, token: str) -> None:
        """Make a token worthless."""
        headers = {"X-Auth-Token": self._admin(), "X-Subject-Token": token}
        answer = requests.delete(f"{self.url}/auth/tokens", headers=headers, timeout=30)
        answer.raise_for_status()

    def create_project(self, name: str) -> str:
        """Create a project, unless there is one of the name, and return its id."""
        return self._one("projects", {"name": name, "domain_id": "default"})

    def create_user(
        self, name: str, project: str | None = None, *roles: str, system: tuple[str, ...] = ()
    ) -> str:
        """Create a user with the password ``PASSWORD``, unless there is one, and give it roles.

        Args:
            name: The user's name.
            project: The name of the project that the roles are for; made if it is missing.
            roles: Names of roles in the project, such as ``member``.
            system: Names of roles in the system.

        Returns:
            The user's id.
        """
        user = self._one("users", {"name": name, "domain_id": "default", "password": PASSWORD})
        if project is not None:
            place = f"projects/{self.create_project(project)}"
            for role in roles:
                self._send("PUT", f"{place}/users/{user}/roles/{self._role(role)}")
        for role in system:
            self._send("PUT", f"system/users/{user}/roles/{self._role(role)}")
        return user

    def offer(self, kind: str, url: str) -> None:
        """Tell in the catalog where a kind of service is."""
        service = self._one("services", {"name": kind, "type": kind})
        for interface in ("public", "internal", "admin"):
            endpoint = {"service_id": service, "interface": interface, "url": url}
            self._send("POST", "endpoints", {"endpoint": {**endpoint, "region_id": "RegionOne"}})

    def _role(self, name: str) -> str:
        return self._one("roles", {"name": name})

    def _one(self, collection: str, fields: dict[str, str]) -> str:
        found = self._send("GET", f"{collection}?name={fields['name']}")[collection]
        if found:
            return str(found[0]["id"])
        kind = collection.removesuffix("s")
        return str(self._send("POST", collection, {kind: fields})[kind]["id"])

    def _send(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(
            method,
            f"{self.url}/{path}",
            json=body,
            headers={"X-Auth-Token": self._admin()},
            timeout=30,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _admin(self) -> str:
        if ADMIN not in self._tokens:
            self._tokens[ADMIN] = self.token(ADMIN, project=PROJECT)
        return self._tokens[ADMIN]


@contextmanager
def started(directory: Path) -> Iterator[Keystone]:
    """Start a Keystone with one administrator; it ends with the block.

    Args:
        directory: Made by copying the template.
    """
    shutil.copytree(template(), directory)
    url = f"http://127.0.0.1:{free_port()}/v3"
    with closing(sqlite3.connect(directory / "keystone.sqlite")) as database, database:
        database.execute("UPDATE endpoint SET url = ?", [url])
    _configure(directory)

    def answers() -> bool:
        try:
            return requests.get(url, timeout=10).ok
        except requests.RequestException:
            return False

    port = url.rpartition(":")[2].partition("/")[0]
    process = Process(
        "keystone",
        [openstack.program("python"), str(openstack.ROOT / "keystone_server.py"), port],
        log=directory / "keystone.log",
        answers=answers,
        environment=_variables(directory),
    )
    process.start()
    try:
        yield Keystone(process, url, directory)
    finally:
        process.kill()


def template() -> Path:
    """The directory of a bootstrapped Keystone that does not run; made when it is missing."""
    parts = [openstack.PINS.read_bytes(), Path(__file__).read_bytes()]
    place = _CACHE / hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            _make_template(place)
    return place


def _make_template(place: Path) -> None:
    directory = place.with_suffix(".partial")
    shutil.rmtree(directory, ignore_errors=True)
    for repository in ("fernet-keys", "credential-keys"):
        (directory / repository).mkdir(mode=0o700, parents=True)
        for number in ("0", "1"):
            key = directory / repository / number
            key.write_bytes(urlsafe_b64encode(os.urandom(32)))
            key.chmod(0o600)
    _configure(directory)
    environment = _variables(directory)
    manage = "keystone-manage", "--config-file", str(directory / "keystone.conf")
    openstack.run(environment, *manage, "db_sync")
    openstack.run(
        environment,
        *manage,
        "bootstrap",
        *("--bootstrap-username", ADMIN, "--bootstrap-project-name", PROJECT),
        *("--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne"),
        *("--bootstrap-public-url", _NOWHERE, "--bootstrap-internal-url", _NOWHERE),
    )
    directory.rename(place)


def _configure(directory: Path) -> None:
    text = f"""
        [DEFAULT]
        log_dir =
        [database]
        connection = sqlite:///{directory}/keystone.sqlite
        [token]
        provider = fernet
        [fernet_tokens]
        key_repository = {directory}/fernet-keys
        [fernet_receipts]
        key_repository = {directory}/fernet-keys
        [credential]
        key_repository = {directory}/credential-keys
        [cache]
        enabled = true
        backend = dogpile.cache.memory
        [identity]
        password_hash_rounds = 4
    """
    (directory / "keystone.conf").write_text(textwrap.dedent(text))


def _variables(directory: Path) -> dict[str, str]:
    config = str(directory / "keystone.conf")
    return openstack.variables(
        directory,
        OS_KEYSTONE_CONFIG_FILES=config,
        OS_KEYSTONE_CONFIG_DIR=str(directory),
    )
