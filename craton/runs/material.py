"""What carrying out a run takes besides its description: sealed wherever it is kept.

A bundle holds the fleet's variables and, if it was asked for, the payloads of secrets; extra
variables are often passwords. A run store is given them in one envelope that opens for this run.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from craton import jsontext
from craton.errors import NotFound, SealBroken, Unavailable
from craton.jsontext import JsonValue
from craton.runs.store import RunStore
from craton.secrets import SecretStore, envelope

LOG = logging.getLogger(__name__)

#: What the material is to its run, as a secret store has it.
_NAME: Final = "run"
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, kw_only=True, repr=False)
class Material:
    """What a run takes, in clear; never to be logged or kept.

    Attributes:
        bundle: The bundle as it was made, a compressed archive.
        extra_vars: Variables that win over all others.
    """

    bundle: bytes
    extra_vars: Mapping[str, JsonValue]


def seal_material(
    secrets: SecretStore, run_id: str, bundle: bytes, extra_vars: Mapping[str, JsonValue]
) -> bytes:
    """Return the material of a run as it may be kept anywhere; it opens for this run alone.

    Args:
        secrets: The secret store of the service, which conductors share.
        run_id: The run.
        bundle: The archive.
        extra_vars: Variables that win over all others.

    Raises:
        InvalidValue: ``extra_vars`` is not JSON that Craton keeps.
        Unavailable: The secret store is away.
    """
    variables = jsontext.encode(dict(extra_vars), "extra_vars").encode()
    contents = (_LENGTH.pack(len(variables)), variables, memoryview(bundle))
    return b"".join(envelope.enclose(secrets, contents, run_id, _NAME))


def open_material(secrets: SecretStore, run_id: str, sealed: bytes) -> Material:
    """Return the material that was sealed for a run.

    Raises:
        SealBroken: It was changed, belongs to another run, or the keys are gone.
        Unavailable: The secret store is away.
    """
    contents = b"".join(envelope.disclose(secrets, sealed, run_id, _NAME))
    (length,) = _LENGTH.unpack_from(contents)
    start = _LENGTH.size
    variables = jsontext.loads(contents[start : start + length].decode())
    if not isinstance(variables, dict):
        raise SealBroken(run_id, _NAME, "what was sealed is no material of a run")
    return Material(bundle=contents[start + length :], extra_vars=variables)


class KeptElsewhere:
    """What the secret store keeps elsewhere for the material of a run, to be let go of at its end.

    Args:
        store: Keeps the run, which has not ended yet: with its end the material is gone.
        secrets: The secret store.
        run_id: The run.

    Raises:
        Unavailable: The run store is away.
    """

    def __init__(self, store: RunStore, secrets: SecretStore, run_id: str) -> None:
        self._secrets = secrets
        self._run_id = run_id
        self._sealed: bytes | None = None
        if secrets.keeps:
            with suppress(NotFound):
                self._sealed = store.material(run_id)

    def discard(self) -> None:
        """Let go of it; if that is not possible now the log says so, and it stays."""
        if self._sealed is None:
            return
        try:
            envelope.discard(self._secrets, self._sealed)
        except Unavailable as error:
            LOG.warning("The sealed key of the run %s stays where it is: %s", self._run_id, error)
