"""An SSH server that lets one key in, as whoever runs the tests."""

from __future__ import annotations

import getpass
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import Process, binary, free_port

#: What is not said here would be read from the system's own files.
_SETTINGS = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Sshd:
    """A running server.

    Attributes:
        port: Where it listens on 127.0.0.1.
        user: Whom it lets in.
        known_hosts: What a client must know of it.
    """

    port: int
    user: str
    known_hosts: str


@contextmanager
def started(directory: Path, authorized_key: str) -> Iterator[Sshd]:
    """Start a server.

    Args:
        directory: An empty directory of its own.
        authorized_key: The public key that it lets in.
    """
    port = free_port()
    host_key = directory / "host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key)], check=True)
    (directory / "authorized_keys").write_text(authorized_key + "\n")
    settings = directory / "sshd_config"
    settings.write_text(_SETTINGS.format(port=port, directory=directory))
    Path("/run/sshd").mkdir(exist_ok=True)
    server = Process(
        "sshd",
        [binary("sshd", "openssh-server"), "-D", "-e", "-f", str(settings)],
        log=directory / "sshd.log",
        answers=lambda: _answers(port),
    )
    server.start()
    try:
        public = host_key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        yield Sshd(port=port, user=getpass.getuser(), known_hosts=f"[127.0.0.1]:{port} {public}\n")
    finally:
        server.stop()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
