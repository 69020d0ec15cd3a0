"""A key that came out of a bundle lets Ansible in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from craton import config
from craton.api.app import make_app
from craton.backends.memory.driver import MemoryDriver
from craton.secrets import load_secret_store
from tests.functional.api.client import Client
from tests.services import sshd


@pytest.mark.service
@pytest.mark.parametrize(
    ("target", "inventory"), [("ansible", "hosts"), ("taskflow", "inventory/edge.json")]
)
def test_ansible_connects_with_a_key_from_an_unpacked_bundle(
    tmp_path: Path, target: str, inventory: str
) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    settings = config.settings(files=[], state_path=str(tmp_path / "service"))
    load_secret_store(settings).prepare()
    driver = MemoryDriver(settings)
    driver.open()
    api = Client(make_app(driver, settings))
    (tmp_path / "sshd").mkdir()
    with sshd.started(tmp_path / "sshd", public) as server:
        region = _region(api)
        host = api.post(
            f"/v1/hosts/{region}",
            {
                "name": "edge",
                "ip_address": "127.0.0.1",
                "ssh_port": server.port,
                "ssh_user": server.user,
                "variables": {"ansible_python_interpreter": sys.executable},
            },
        ).json["id"]
        secret = api.post(
            f"/v1/secrets/{host}",
            {"name": "id.pem", "variable": "ansible_ssh_private_key_file"},
        ).json["id"]
        answer = api.request(
            "PUT",
            f"/v1/secrets/{host}/{secret}/payload",
            raw=private,
            content_type="application/octet-stream",
        )
        assert answer.status_int == 204
        bundle = api.get(f"/v1/inventory/{region}.tgz?target={target}").body
        # Not where it was unpacked, nor from where Ansible is started: the path must fit anywhere.
        place = tmp_path / "some where" / "else"
        with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
            archive.extractall(place, filter="tar")
        (tmp_path / "known_hosts").write_text(server.known_hosts)
        done = subprocess.run(
            [
                Path(sys.executable).with_name("ansible"),
                "-i",
                place / inventory,
                "edge",
                "-m",
                "ping",
            ],
            env=_environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.partition("=>")[2])["ping"] == "pong"
        (place / "secrets/edge/id.pem").unlink()
        refused = subprocess.run(
            done.args, env=_environment(tmp_path), cwd=tmp_path, capture_output=True, check=False
        )
        assert refused.returncode != 0


def _region(api: Client) -> str:
    tenant = api.post("/v1/tenants", {"name": "acme"}).json["id"]
    region: str = api.post(f"/v1/regions/{tenant}", {"name": "north"}).json["id"]
    return region


def _environment(home: Path) -> dict[str, str]:
    # Each time a connection of its own, with this key alone.
    options = f"-o UserKnownHostsFile={home}/known_hosts -o IdentitiesOnly=yes -o ControlMaster=no"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_SSH_ARGS": options,
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "LC_ALL": "C.UTF-8",
    }
