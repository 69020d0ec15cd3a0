"""A secret store that keeps payloads elsewhere, as Barbican does, and can be looked into."""

from __future__ import annotations

import os

from craton.secrets import SecretStore


class Elsewhere(SecretStore):
    """Keeps payloads in a dictionary.

    Attributes:
        kept: They, by what stands for each in a store.
    """

    mark = "elsewhere:1"
    keeps = True

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.kept: dict[str, bytes] = {}

    def _seal(self, payload: bytes, host_id: str, name: str) -> str:
        key = f"{len(self.kept)}-{os.urandom(4).hex()}"
        self.kept[key] = payload
        return key

    def _open(self, sealed: str, host_id: str, name: str) -> bytes:
        return self.kept[sealed]

    def _discard(self, sealed: str) -> None:
        self.kept.pop(sealed, None)
