"""A Barbican of the tests' own, on loopback, which trusts the tests' Keystone."""

from __future__ import annotations

import os
import textwrap
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.services import keystone, openstack
from tests.services.keystone import Keystone
from tests.services.process import Process, free_port

#: The largest secret that it takes, in bytes; its own default is 20000.
MAX_SECRET = 2 * 2**20

_SERVICE_PROJECT = "service"


@dataclass
class Barbican:
    """A running Barbican.

    Attributes:
        process: The server, to pause, continue, kill and start again; it keeps its port.
        url: Where it serves, without a slash at the end.
        keystone: The Keystone that it trusts; its catalog tells where this Barbican is.
        directory: Where its files are.
    """

    process: Process
    url: str
    keystone: Keystone
    directory: Path


@contextmanager
def started(
    directory: Path, identity: Keystone, max_secret: int = MAX_SECRET, offered: bool = True
) -> Iterator[Barbican]:
    """Start a Barbican with an empty database; it ends with the block.

    Args:
        directory: Made if missing; all its files go there.
        identity: The Keystone that it trusts.
        max_secret: The largest secret that it takes, in bytes.
        offered: Whether the catalog of that Keystone tells where it is.
    """
    (directory / ".barbican").mkdir(parents=True)
    url = f"http://127.0.0.1:{free_port()}"
    identity.create_user("barbican", _SERVICE_PROJECT, "admin", "service")
    if offered:
        identity.offer("key-manager", url)
    configuration = _configuration(directory, url, identity, max_secret)
    (directory / ".barbican/barbican.conf").write_text(textwrap.dedent(configuration))

    def answers() -> bool:
        try:
            return requests.get(url, timeout=10).status_code in {200, 300}
        except requests.RequestException:
            return False

    process = Process(
        "barbican",
        [
            openstack.program("python"),
            str(openstack.ROOT / "barbican_server.py"),
            url.rpartition(":")[2],
        ],
        log=directory / "barbican.log",
        answers=answers,
        environment=openstack.variables(directory),
    )
    process.start()
    try:
        yield Barbican(process, url, identity, directory)
    finally:
        process.kill()


def _configuration(directory: Path, url: str, identity: Keystone, max_secret: int) -> str:
    return f"""
        [DEFAULT]
        host_href = {url}
        db_auto_create = true
        max_allowed_secret_in_bytes = {max_secret}
        max_allowed_request_size_in_bytes = {2 * max_secret}
        [database]
        connection = sqlite:///{directory}/barbican.sqlite
        [queue]
        enable = false
        [secretstore]
        enabled_secretstore_plugins = store_crypto
        [crypto]
        enabled_crypto_plugins = simple_crypto
        [simple_crypto_plugin]
        kek = {urlsafe_b64encode(os.urandom(32)).decode()}
        [keystone_authtoken]
        www_authenticate_uri = {identity.url}
        auth_type = password
        auth_url = {identity.url}
        username = barbican
        password = {keystone.PASSWORD}
        user_domain_name = {keystone.DOMAIN}
        project_name = {_SERVICE_PROJECT}
        project_domain_name = {keystone.DOMAIN}
        [oslo_middleware]
        max_request_body_size = {4 * max_secret}
    """
