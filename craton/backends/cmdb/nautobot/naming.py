"""The ids and names of what Nautobot has no single object for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6a9c4f0e-6d0b-4b52-9d47-0c6d3f6a3b1e")
_OTHER = re.compile(r"[^A-Za-z0-9_]")

#: The tenant of what has none.
DEFAULT_TENANT: Final = str(uuid5(_NAMESPACE, "default tenant"))


@lru_cache(maxsize=65536)
def region_id(location: str, tenant: str) -> str:
    """Return the id of what a tenant has at a location."""
    return str(uuid5(_NAMESPACE, f"region/{location}/{tenant}"))


@lru_cache(maxsize=65536)
def group_id(region: str, sort: str, object_id: str) -> str:
    """Return the id of the group that an object makes in a region."""
    return str(uuid5(_NAMESPACE, f"group/{region}/{sort}/{object_id}"))


def group_name(prefix: str, name: str) -> str:
    """Return the name of a group, in which Ansible takes letters, digits and ``_`` alone."""
    made = prefix + _OTHER.sub("_", name)
    return f"_{made}" if made[:1].isdigit() else made
