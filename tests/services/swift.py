"""A Swift of the tests' own, on loopback, with one disk, which trusts the tests' Keystone."""

from __future__ import annotations

import getpass
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.services import keystone, openstack
from tests.services.keystone import Keystone
from tests.services.process import Process, free_port

_SERVICE_PROJECT = "service"
_STORES = ("account", "container", "object")


@dataclass
class Swift:
    """A running Swift.

    Attributes:
        process: The server, to pause, continue, kill and start again; it keeps its ports.
        url: Where it serves, without a slash at the end.
    """

    process: Process
    url: str

    def put(
        self, token: str, project: str, path: str, content: bytes = b"", **headers: str
    ) -> None:
        """Make a container, or put an object into one.

        Args:
            token: Of somebody with a role in the project.
            project: The id of the project.
            path: ``container`` or ``container/object``, quoted.
            content: The object.
            headers: Names with underscores for hyphens.
        """
        answer = requests.put(
            f"{self.url}/v1/AUTH_{project}/{path}",
            data=content,
            headers={"X-Auth-Token": token}
            | {name.replace("_", "-"): value for name, value in headers.items()},
            timeout=30,
        )
        answer.raise_for_status()


@contextmanager
def started(directory: Path, identity: Keystone) -> Iterator[Swift]:
    """Start an empty Swift; it ends with the block.

    Args:
        directory: Made if missing; all its files go there.
        identity: The Keystone that it trusts.
    """
    (directory / "devices/d1").mkdir(parents=True)
    identity.create_user("swift", _SERVICE_PROJECT, "admin", "service")
    (directory / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = test\n")
    (directory / "proxy-server.conf").write_text(_proxy(directory, identity))
    for store in _STORES:
        (directory / f"{store}-server.conf").write_text(_store(directory, store))
    ports = [free_port() for _ in ("proxy", *_STORES)]
    url = f"http://127.0.0.1:{ports[0]}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/healthcheck", timeout=10).ok
        except requests.RequestException:
            return False

    process = Process(
        "swift",
        [
            openstack.program("python"),
            str(openstack.ROOT / "swift_server.py"),
            str(directory),
            *map(str, ports),
        ],
        log=directory / "swift.log",
        answers=answers,
        environment=openstack.variables(directory),
    )
    process.start()
    try:
        yield Swift(process, url)
    finally:
        process.kill()


def _proxy(directory: Path, identity: Keystone) -> str:
    return textwrap.dedent(
        f"""
        [DEFAULT]
        swift_dir = {directory}
        user = {getpass.getuser()}
        [pipeline:main]
        pipeline = catch_errors gatekeeper healthcheck authtoken keystoneauth proxy-server
        [app:proxy-server]
        use = egg:swift#proxy
        account_autocreate = true
        [filter:catch_errors]
        use = egg:swift#catch_errors
        [filter:gatekeeper]
        use = egg:swift#gatekeeper
        [filter:healthcheck]
        use = egg:swift#healthcheck
        [filter:authtoken]
        paste.filter_factory = keystonemiddleware.auth_token:filter_factory
        auth_type = password
        auth_url = {identity.url}
        www_authenticate_uri = {identity.url}
        username = swift
        password = {keystone.PASSWORD}
        project_name = {_SERVICE_PROJECT}
        user_domain_name = {keystone.DOMAIN}
        project_domain_name = {keystone.DOMAIN}
        delay_auth_decision = true
        token_cache_time = -1
        [filter:keystoneauth]
        use = egg:swift#keystoneauth
        operator_roles = member, admin
        """
    )


def _store(directory: Path, kind: str) -> str:
    return textwrap.dedent(
        f"""
        [DEFAULT]
        swift_dir = {directory}
        devices = {directory}/devices
        mount_check = false
        user = {getpass.getuser()}
        fallocate_reserve = 0
        [pipeline:main]
        pipeline = {kind}-server
        [app:{kind}-server]
        use = egg:swift#{kind}
        """
    )
