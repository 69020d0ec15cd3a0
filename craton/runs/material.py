"""What carrying out a run takes besides its description: sealed wherever it is kept.

A bundle holds the fleet's variables and, if it was asked for, the payloads of secrets; extra
variables are often passwords. A run store is given them in one envelope that opens for this run.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from craton import jsontext
from craton.errors import SealBroken
from craton.jsontext import JsonValue
from craton.secrets import SecretStore, envelope

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


def discard_material(secrets: SecretStore, sealed: bytes) -> None:
    """Let go of what the secret store keeps elsewhere for the material of a run that has ended.

    Raises:
        Unavailable: The secret store is away.
    """
    envelope.discard(secrets, sealed)
