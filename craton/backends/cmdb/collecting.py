"""Reads a stream of the CMDB to its end, and finds what is wrong with each object by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from craton.backends.cmdb.books import Rejection
from craton.backends.cmdb.entries import KINDS_BY_NAME, Key
from craton.cmdb import CmdbAdapter, End, Gone, Item, Present, Unusable
from craton.errors import BackendFault, CratonError, InvalidValue, OwnerUnavailable, Unavailable
from craton.fields import ID
from craton.mirror import Rejected
from craton.models import Entity
from craton.validation import normalized
from craton.variables import Variables

#: After how many seconds to ask again where waiting may not help.
_LONG: Final = 30

#: Called again and again while a stream is read; it may raise to end the work.
Tick = Callable[[], None]


@dataclass(kw_only=True)
class Found:
    """What the CMDB said in one stream.

    Attributes:
        end: How it ended.
        present: The objects that make an entity, each with sets in their one order.
        gone: Those that it no longer has.
        unusable: Those that make none.
    """

    end: End
    present: dict[Key, Present] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    unusable: dict[Key, Rejection] = field(default_factory=dict)


def collect(adapter: CmdbAdapter, since: str | None, tick: Tick) -> Found:
    """Read what changed since a token, to the end.

    Args:
        adapter: Reads the CMDB.
        since: The token; ``None`` for everything.
        tick: Called at each object.

    Raises:
        OwnerUnavailable: The CMDB gave no answer, or not a whole one; nothing of it counts.
    """
    found = Found(end=End(token="", everything=False))
    with closing(_said(adapter, since)) as items:
        for item in items:
            with _as_failure_of(adapter):
                _take(found, item)
            tick()
    return found


def _said(adapter: CmdbAdapter, since: str | None) -> Generator[Item, None, None]:
    with _as_failure_of(adapter):
        yield from adapter.changes(since)


@contextmanager
def _as_failure_of(adapter: CmdbAdapter) -> Iterator[None]:
    """Turn what goes wrong in an adapter into the one error that names the CMDB."""
    owner = adapter.owner
    try:
        yield
    except CratonError as error:
        message = str(error) if owner in str(error) else f"{owner}: {error}"
        retry_after = error.retry_after if isinstance(error, Unavailable) else _LONG
        raise OwnerUnavailable(owner, message, retry_after) from error
    except Exception as error:
        # Its words may be a vendor's, and hold a secret.
        message = f"the adapter of {owner} ended in {type(error).__name__}"
        raise OwnerUnavailable(owner, message, _LONG) from error


def _take(found: Found, item: object) -> None:
    match item:
        case Present():
            key = _key(type(item.entity), item.entity.id)
            _forget(found, key)
            try:
                found.present[key] = _checked(item)
            except InvalidValue as error:
                found.unusable[key] = Rejection(told=_told(item, str(error)))
        case Gone():
            key = _key(item.kind, item.id)
            _forget(found, key)
            found.gone.add(key)
        case Unusable():
            key = _key(item.kind, item.id)
            _forget(found, key)
            told = Rejected(
                kind=item.kind.kind, id=item.id, name=item.name, reason=item.reason, url=item.url
            )
            found.unusable[key] = Rejection(told=told)
        case End():
            found.end = item
        case _:
            raise BackendFault(f"the adapter gave a {type(item).__name__}")


def _key(kind: type[Entity], id: str) -> Key:
    if kind not in KINDS_BY_NAME.values():
        raise BackendFault(f"the adapter gave a {kind.__name__}, which no CMDB has")
    try:
        ID.check(id, "id")
    except InvalidValue as error:
        raise BackendFault(
            f"the adapter gave a {kind.kind} that has no right id: {error}"
        ) from error
    return kind, id


def _forget(found: Found, key: Key) -> None:
    """Drop what the stream said of an object before: the last word counts."""
    found.present.pop(key, None)
    found.gone.discard(key)
    found.unusable.pop(key, None)


def _checked(item: Present) -> Present:
    if item.entity.templated:  # type: ignore[attr-defined]
        raise InvalidValue("templated", "is for Craton to say, not for a CMDB: its data is no code")
    entity = normalized(item.entity)
    variables: Variables = entity.variables  # type: ignore[attr-defined]
    # As one text: a large CMDB is held in memory for the time of a sync.
    compact = Variables.from_text(variables.text)
    return Present(entity=dataclasses.replace(entity, variables=compact), url=item.url)  # type: ignore[call-arg]


def _told(item: Present, reason: str) -> Rejected:
    entity = item.entity
    name = entity.name  # type: ignore[attr-defined]
    return Rejected(
        kind=entity.kind,
        id=entity.id,
        name=name if isinstance(name, str) else "",
        reason=reason,
        url=item.url,
    )
