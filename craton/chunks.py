"""Changes in portions, for drivers to which few large statements cost less than many small ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from craton.driver import Change, Create, Delete, Replace
from craton.models import KINDS, Entity, links

#: How many changes are made together.
SIZE: Final = 500

#: How many changes are kept in case the store wants them again.
_KEPT: Final = 1000

#: A change and its position among all.
Numbered: TypeAlias = tuple[int, Change]

#: Kinds whose deletion changes other entities.
_LINKED: Final = frozenset(spec.kind for kind in KINDS for _, spec in links(kind))


class Replay:
    """Changes that can be gone through again, as long as they are few.

    Args:
        changes: The changes; each is taken once.
    """

    def __init__(self, changes: Iterator[Change]) -> None:
        self._changes = changes
        self._seen: list[Change] = []
        self.possible = True

    def __iter__(self) -> Iterator[Change]:
        yield from tuple(self._seen)
        for change in self._changes:
            if len(self._seen) < _KEPT:
                self._seen.append(change)
            else:
                self._seen, self.possible = [], False
            yield change


def chunked(changes: Iterator[Change], size: int | None = None) -> Iterator[list[Numbered]]:
    """Yield consecutive changes that can be made together, ``SIZE`` of them unless told.

    They are of one class and of one kind, and none depends on what another one does, except by
    names that it takes or frees and ids that it creates or deletes.

    What the iterator raises is raised behind the chunk that it ends, whose own error comes first.
    """
    most = SIZE if size is None else size
    chunk: list[Numbered] = []
    replaced: set[str] = set()
    numbered = enumerate(changes)
    while True:
        try:
            index, change = next(numbered)
        except StopIteration:
            break
        except BaseException:
            if chunk:
                yield chunk
            raise
        if chunk and (len(chunk) == most or not _fit(chunk[-1][1], change, replaced)):
            yield chunk
            chunk, replaced = [], set()
        chunk.append((index, change))
        if isinstance(change, Replace):
            replaced.add(change.entity.id)
    if chunk:
        yield chunk


def kind_of(change: Change) -> type[Entity]:
    """Return the kind of entity that a change is about."""
    return change.kind if isinstance(change, Delete) else type(change.entity)


def _fit(last: Change, change: Change, replaced: set[str]) -> bool:
    if type(last) is not type(change) or kind_of(last) is not kind_of(change):
        return False
    if isinstance(change, Replace):
        return change.entity.id not in replaced
    if isinstance(change, Delete):
        # The deletion before it may give it another revision.
        return change.if_revision is None or change.kind.kind not in _LINKED
    return isinstance(change, Create)
