"""Faults in scans, counts and digests."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Generator
from itertools import islice
from typing import Any

from craton.backends.memory.driver import MemoryDriver
from craton.errors import BackendFault, Unavailable
from craton.models import E, Entity
from craton.query import DEFAULT_LIMIT, EVERYTHING, Predicate, Query, Selection
from craton.variables import Variables
from tests.mutants.registry import fault
from tests.mutants.remote import RemoteDriver


@fault("A scan reads everything before it yields the first.", "SCAN-1")
class ScanHoldsEverything(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        rows = list(super()._select(kind, selection))
        copies = [Variables.from_text(" " + row.variables.text) for row in rows]  # type: ignore[attr-defined]
        yield from rows
        copies.clear()


@fault("A scan ends after the first thousand.", "SCAN-1")
class ScanEndsAfterAThousand(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        yield from islice(super()._select(kind, selection), 1000)


@fault("A scan ignores the limit of its query.", "SCAN-1")
class ScanIgnoresTheLimit(MemoryDriver):
    def scan(self, kind: type[E], query: Query = Query()) -> Generator[E, None, None]:  # noqa: B008
        self._check(kind, query)
        return self._matching(kind, query, None)


@fault("A scan begins at the beginning, whatever the page of its query.", "SCAN-1")
class ScanIgnoresThePage(MemoryDriver):
    def scan(self, kind: type[E], query: Query = Query()) -> Generator[E, None, None]:  # noqa: B008
        super().scan(kind, query).close()
        return super().scan(kind, Query(where=query.where, order=query.order, limit=query.limit))


@fault("The cursor of a scan that is closed early stays open.", "SCAN-2")
class CursorLeaked(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        cursor = os.open(os.devnull, os.O_RDONLY)
        yield from super()._select(kind, selection)
        os.close(cursor)


@fault("A scan that is closed early keeps its lock, and nobody can write.", "SCAN-2")
class ScanKeepsItsLock(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        self.readers = getattr(self, "readers", 0) + 1
        yield from super()._select(kind, selection)
        self.readers -= 1

    def _write(self, changes: Any) -> None:
        if getattr(self, "readers", 0):
            raise Unavailable("the store is locked")
        super()._write(changes)


@fault("There is one cursor, which the next scan takes away from the one before.", "SCAN-2")
class OneCursor(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        self.cursor: Any = super()._select(kind, selection)
        while (entity := next(self.cursor, None)) is not None:
            yield entity


@fault("A scan that the store breaks off ends as if it were complete.", "SCAN-3")
class BrokenScanEnds(RemoteDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        self.reach()
        try:
            yield from super()._select(kind, selection)
        except Unavailable:
            return


@fault("What a predicate raises ends the scan without a word.", "SCAN-3")
class BrokenPredicateEnds(MemoryDriver):
    def _stream(
        self, kind: type[E], selection: Selection, residue: Predicate, limit: int | None
    ) -> Generator[E, None, None]:
        try:
            yield from super()._stream(kind, selection, residue, limit)
        except ArithmeticError:
            return


@fault("An entity that a predicate cannot judge is left out.", "SCAN-3")
class UnjudgedLeftOut(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        for entity in super()._select(
            kind, Selection(order=selection.order, after=selection.after)
        ):
            try:
                if not selection.where.matches(entity):
                    continue
            except ArithmeticError:
                continue
            yield entity


@fault("count ignores the filter.", "SCAN-4", "FILTER-1")
class CountIgnoresTheFilter(MemoryDriver):
    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return super()._count(kind, EVERYTHING)


@fault("count counts the first hundred.", "SCAN-4")
class CountOfTheFirstPage(MemoryDriver):
    def _count(self, kind: type[Entity], where: Predicate) -> int:
        return min(super()._count(kind, where), DEFAULT_LIMIT)


@fault("count does not see whether its path names a field.", "SCAN-4")
class CountOfAnUnknownPath(MemoryDriver):
    def count(self, kind: type[Entity], where: Predicate = EVERYTHING) -> int:
        known = all(path[0] != "nope" for path in where.paths())
        return super().count(kind, where) if known else 0


class Digesting(MemoryDriver):
    """Base of the faults in what a digest is made of."""

    def mark(self, entity: Entity) -> str:
        raise NotImplementedError

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        marks = [self.mark(entity) for entity in self.scan(kind, Query(where=where))]
        return hashlib.blake2b("\n".join(marks).encode()).hexdigest()


@fault("The digest does not see revisions.", "SCAN-5")
class DigestOfIds(Digesting):
    def mark(self, entity: Entity) -> str:
        return entity.id


@fault("The digest sees names alone.", "SCAN-5")
class DigestOfNames(Digesting):
    def mark(self, entity: Entity) -> str:
        name: str = entity.name  # type: ignore[attr-defined]
        return name


@fault("The digest is that of the content, which a batch may bring back.", "SCAN-5")
class DigestOfTheContent(Digesting):
    def mark(self, entity: Entity) -> str:
        return f"{entity.id} {entity.name} {entity.variables.text}"  # type: ignore[attr-defined]


@fault("The digest is the number of entities.", "SCAN-5")
class DigestOfTheCount(MemoryDriver):
    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return str(self._count(kind, where))


@fault("What was deleted stays in the digest.", "SCAN-5")
class DigestOfTheDeleted(MemoryDriver):
    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        seen: dict[str, str] = self.__dict__.setdefault("seen", {})
        found = self.scan(kind, Query(where=where))
        seen.update({entity.id: entity.revision for entity in found})
        return hashlib.blake2b(repr(sorted(seen.items())).encode()).hexdigest()


@fault("The digest is that of all, whatever the filter.", "SCAN-5", "FILTER-1")
class DigestOfAll(MemoryDriver):
    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        return super()._digest(kind, EVERYTHING)


@fault("The digest is made anew each time.", "SCAN-5", "FILTER-1")
class DigestOfTheMoment(MemoryDriver):
    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        self.asked = getattr(self, "asked", 0) + 1
        return f"{super()._digest(kind, where)} {self.asked}"


@fault("A scan can only be closed by the thread that began it.", "LIFE-5")
class ScanOfOneThread(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        mine = threading.get_ident()
        try:
            yield from super()._select(kind, selection)
        finally:
            if threading.get_ident() != mine:
                raise BackendFault("the cursor belongs to another thread")
