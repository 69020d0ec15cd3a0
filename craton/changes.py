"""What a change log says of a change, and how it says that without values.

A digest stands for one state of an entity: two are the same only if the states are, revisions
included. As a revision is nothing that anybody could guess, no value can be found by trying.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final, Self

import orjson

from craton.fields import VariableMap
from craton.models import (
    KINDS,
    ChangeRecord,
    Entity,
    Payload,
    Record,
    Region,
    Tenant,
    parent_field,
    specs,
)
from craton.variables import Variables

#: What Craton itself remembers, the log, and what is only a part of a secret.
UNLOGGED: Final = frozenset({Record, ChangeRecord, Payload})

#: How the log calls a change of the content of a secret.
PAYLOAD_FIELD: Final = Payload.kind

#: A field of variables of which more than so many change is named as a whole.
_MOST_NAMED: Final = 1000

#: What a driver stamps: the digest has the revision, and times add nothing to it.
_TIMES: Final = frozenset({"created_at", "updated_at"})

_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class _Outline:
    """How entities of one kind are looked at.

    Attributes:
        state: Reads what a digest is made of.
        plain: The fields that are compared as a whole, with their defaults.
        maps: The fields of variables.
    """

    state: Callable[[Any], tuple[Any, ...]]
    plain: tuple[tuple[str, object], ...]
    maps: tuple[str, ...]

    @classmethod
    def of(cls, kind: type[Entity]) -> Self:
        """Make the outline of a kind."""
        own = [f for f in dataclasses.fields(kind) if f.name not in {"id", "revision", *_TIMES}]
        maps = [f.name for f in own if isinstance(specs(kind)[f.name], VariableMap)]
        # Where it is, the record says by itself; and that never changes.
        left_out = {parent_field(kind), "region_id", *maps}
        plain = [(f.name, f.default) for f in own if f.name not in left_out]
        return cls(
            state=attrgetter("kind", *(name for name in specs(kind) if name not in _TIMES)),
            plain=tuple(plain),
            maps=tuple(maps),
        )


_OUTLINES: Final = {kind: _Outline.of(kind) for kind in KINDS}


def state_digest(entity: Entity) -> str:
    """Return the digest of a state, a SHA-256 in hexadecimal digits; times do not count."""
    state = _OUTLINES[type(entity)].state(entity)
    return hashlib.sha256(orjson.dumps(state, default=_text)).hexdigest()


def changed_fields(before: Entity | None, after: Entity) -> tuple[str, ...]:
    """Return the names of the fields that differ, sorted.

    Args:
        before: The state before; of a new entity, ``None``: then it is what differs from defaults.
        after: The state after.
    """
    outline = _OUTLINES[type(after)]
    found = [
        name
        for name, default in outline.plain
        if getattr(after, name) != (default if before is None else getattr(before, name))
    ]
    for name in outline.maps:
        old = _NONE if before is None else getattr(before, name).members()
        new = getattr(after, name).members()
        changed = [key for key, text in new.items() if old.get(key) != text]
        changed += [key for key in old if key not in new]
        if len(changed) > _MOST_NAMED:
            found.append(name)
        else:
            found += [f"{name}.{key}" for key in changed]
    return tuple(sorted(found))


def log_of(entity: Entity) -> tuple[str, str | None]:
    """Return the id under which the log has the changes of an entity, and that of the tenant.

    The second is known of tenants and regions alone, which nobody finds by a region.
    """
    if isinstance(entity, Tenant):
        return entity.id, entity.id
    if isinstance(entity, Region):
        return entity.id, entity.tenant_id
    return entity.region_id, None  # type: ignore[attr-defined]


def place_at(moment: datetime) -> str:
    """Return what names of change records begin with from a time on.

    Names of records from then on are not less than it, and those before it are.
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class Clock:
    """Gives times that are never the same and never go back, as far as this process can tell."""

    def __init__(self) -> None:
        self._last = datetime.fromtimestamp(0, UTC)
        self._reading = threading.Lock()

    def moment(self) -> datetime:
        """Return the present in UTC, in microseconds."""
        with self._reading:
            self._last = max(datetime.now(UTC), self._last + _TICK)
            return self._last


_NONE: Final[dict[str, str]] = {}


def _text(value: object) -> str:
    assert isinstance(value, Variables)
    return value.text
