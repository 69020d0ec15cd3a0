"""Where an entity's file is, and back: from a path to the kind and the file of the parent.

A file's name is made from the entity's name, so that a reviewer finds it. It holds small ASCII
letters, digits and ``._-`` as they are and everything else escaped: systems that do not tell
capitals from small letters, that normalize Unicode, or that keep names such as ``nul`` for
themselves can check the directory out, and no name leads out of it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from craton.models import Entity, Group, Host, Region, Tenant

#: Where everything is; what lies elsewhere in the working tree is not the driver's business.
ROOT = "tenants"

#: Longer names end in a digest: most file systems stop at 255 bytes.
_LONGEST = 200

#: Names that Windows keeps for devices, whatever their ending.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")

_LEAVES: dict[type[Entity], str] = {Tenant: "tenant.yaml", Region: "region.yaml"}
_LAYOUT: tuple[tuple[type[Entity], re.Pattern[str]], ...] = (
    (Tenant, re.compile(r"(?P<own>tenants/[^/]+)/tenant\.yaml\Z")),
    (Region, re.compile(r"(?P<own>(?P<parent>tenants/[^/]+)/regions/[^/]+)/region\.yaml\Z")),
    *(
        (kind, re.compile(rf"(?P<parent>tenants/[^/]+/regions/[^/]+)/{kind.collection}/[^/]+\Z"))
        for kind in (Group, Host)
    ),
)


def file_name(name: str) -> str:
    """Return the name of a file or directory for the name of an entity; no two names share one."""
    text = "".join(_escaped(character) for character in name)
    if text[:1] in {".", "-"} or _DEVICES.match(text):
        text = f"%{ord(text[0]):02x}{text[1:]}"
    if text.endswith("."):
        text = f"{text[:-1]}%2e"
    if len(text) > _LONGEST:
        digest = hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
        text = f"{text[:_LONGEST]}={digest}"
    return text


def path_of(entity: Entity, parent: str) -> str:
    """Return the path of an entity's file.

    Args:
        entity: The entity.
        parent: The path of the file of its parent; empty for a tenant.
    """
    name = file_name(entity.name)  # type: ignore[attr-defined]
    top = str(PurePosixPath(parent).parent) + "/" if parent else ""
    leaf = _LEAVES.get(type(entity))
    return f"{top}{entity.collection}/{name}" + (f"/{leaf}" if leaf else ".yaml")


def kind_at(path: str) -> type[Entity] | None:
    """Return the kind of entity whose files have such paths."""
    return next((kind for kind, pattern in _LAYOUT if pattern.match(path)), None)


def parent_of(path: str) -> str:
    """Return the path of the parent's file, given the path of an entity's file."""
    for kind, pattern in _LAYOUT:
        found = pattern.match(path)
        if found and kind.parent is not None:
            return f"{found['parent']}/{_LEAVES[kind.parent]}"
    return ""


def _escaped(character: str) -> str:
    if character in "abcdefghijklmnopqrstuvwxyz0123456789._-":
        return character
    if character in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        return f"+{character.lower()}"
    return "".join(f"%{byte:02x}" for byte in character.encode())
