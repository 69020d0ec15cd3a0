"""Names of hosts and groups, checked once more where they become names of files."""

from __future__ import annotations

import re
from typing import Final

from craton import jsontext
from craton.errors import BackendFault, InvalidValue
from craton.names import IMPLICIT_GROUPS, check_inventory_name

#: Names that need no second look; nearly all do not.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\Z")
_PLAIN_LENGTH: Final = 100


def checked(name: str) -> str:
    """Return a name of a host or a group that is fit to be written.

    Raises:
        BackendFault: The store holds a name that the contract refuses, so that a file would leave
            its directory or Ansible would read something else.
    """
    if _PLAIN.match(name) and len(name) <= _PLAIN_LENGTH and name not in IMPLICIT_GROUPS:
        return name
    try:
        check_inventory_name(name, "name")
    except InvalidValue as error:
        raise BackendFault(
            f"the store holds a name that cannot stand in a bundle: {error.rule}", name=name
        ) from error
    return name


def quoted(name: str) -> bytes:
    """Return a checked name as a JSON string.

    Raises:
        BackendFault: As for :func:`checked`.
    """
    return jsontext.dumps(checked(name)).encode()
