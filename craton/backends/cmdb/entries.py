"""What the driver remembers of each object of the CMDB, as JSON in records of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeAlias

from craton import jsontext
from craton.cmdb import Present
from craton.fields import Links, VariableMap, VariableNames
from craton.models import INVENTORY_KINDS, Entity, specs
from craton.variables import Variables

#: What the names of all records of this driver begin with; nobody else sees them.
PREFIX: Final = "cmdb/"

#: What the names of the records of objects begin with that are not mirrored as they are.
REJECTED: Final = f"{PREFIX}rejected/"

STATE: Final = f"{PREFIX}state"
LEASE: Final = f"{PREFIX}lease"

#: An entity by its kind and its id.
Key: TypeAlias = tuple[type[Entity], str]

KINDS_BY_NAME: Final = {kind.kind: kind for kind in INVENTORY_KINDS}


def record_id(name: str) -> str:
    """Return the id of the record of this name, so that it is found by one key."""
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def entry_name(key: Key) -> str:
    """Return the name of the record that tells of an object."""
    return f"{PREFIX}{key[0].kind}/{key[1]}"


def rejection_name(key: Key) -> str:
    """Return the name of the record that tells why an object is not mirrored."""
    return f"{REJECTED}{key[0].kind}/{key[1]}"


def key_of(entity: Entity) -> Key:
    """Return the key of an entity."""
    return type(entity), entity.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is known of one object beside the entity that it makes.

    Attributes:
        live: Whether it is mirrored. Of one that is gone, Craton's own part is kept.
        url: Where people find it in the CMDB.
        digest: Of what the CMDB said of it last; empty if the mirror has something else.
        own: The names of the entity's variables that are Craton's own.
        aside: Own variables that a variable of the CMDB hides, as JSON text by name.
        aside_templated: Those of them that Ansible may template.
        flags: Names of the CMDB's variables that Ansible may template, for when they come back.
        links: Own links of an object that is gone, by field.
    """

    live: bool = True
    url: str | None = None
    digest: str = ""
    own: frozenset[str] = frozenset()
    aside: Mapping[str, str] = field(default_factory=dict)
    aside_templated: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as JSON, without what is empty."""
        document: dict[str, Any] = {
            "gone": not self.live,
            "url": self.url,
            "digest": self.digest,
            "own": sorted(self.own),
            "aside": dict(self.aside),
            "aside_templated": sorted(self.aside_templated),
            "flags": sorted(self.flags),
            "links": {name: list(ids) for name, ids in self.links.items()},
        }
        return jsontext.dumps({name: value for name, value in document.items() if value})

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return what :meth:`text` wrote."""
        document: Any = jsontext.loads(text)
        return cls(
            live=not document.get("gone", False),
            url=document.get("url"),
            digest=document.get("digest", ""),
            own=frozenset(document.get("own", ())),
            aside=document.get("aside", {}),
            aside_templated=frozenset(document.get("aside_templated", ())),
            flags=frozenset(document.get("flags", ())),
            links={name: tuple(ids) for name, ids in document.get("links", {}).items()},
        )


def digest_of(present: Present) -> str:
    """Return a text that is the same only for objects of which the CMDB says the same."""
    entity = present.entity
    digest = hashlib.blake2b(digest_size=16)
    for name in _SAID[type(entity)]:
        value = getattr(entity, name)
        text = value.text if isinstance(value, Variables) else repr(value)
        digest.update(f"{len(text)}:{text}".encode())
    digest.update(repr(present.url).encode())
    return digest.hexdigest()


def to_document(entity: Entity) -> dict[str, Any]:
    """Return what the CMDB says of an entity, as JSON."""
    found: dict[str, Any] = {"kind": entity.kind}
    for name in ("id", *_SAID[type(entity)]):
        value = getattr(entity, name)
        found[name] = value.text if isinstance(value, Variables) else value
    return found


def of_document(document: Mapping[str, Any]) -> Entity:
    """Return the entity of which :func:`to_document` made a document."""
    kind = KINDS_BY_NAME[document["kind"]]
    fields: dict[str, Any] = {"id": document["id"]}
    for name in _SAID[kind]:
        value, spec = document[name], specs(kind)[name]
        if isinstance(spec, VariableMap):
            value = Variables.from_text(value)
        elif isinstance(spec, Links | VariableNames):
            value = tuple(value)
        fields[name] = value
    return kind(**fields)


#: The fields of which a CMDB may say something.
_SAID: Final = {
    kind: tuple(name for name, spec in specs(kind).items() if not spec.read_only)
    for kind in INVENTORY_KINDS
}
