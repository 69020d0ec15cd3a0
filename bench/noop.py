"""A connection of Ansible that reaches nothing and finds everything well, for ``bench.runs``."""

from __future__ import annotations

from typing import Self

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: noop
    short_description: Does nothing
    description:
        - Takes every command and does nothing, so that what remains is Ansible itself.
    author: The Craton developers
    options: {}
"""


class Connection(ConnectionBase):  # type: ignore[misc]
    """Says of every command that it went well."""

    transport = "noop"
    has_pipelining = True

    def _connect(self) -> Self:
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        return 0, b"", b""

    def put_file(self, in_path: str, out_path: str) -> None:
        return

    def fetch_file(self, in_path: str, out_path: str) -> None:
        return

    def close(self) -> None:
        return
