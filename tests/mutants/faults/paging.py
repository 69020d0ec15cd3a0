"""Faults in orders and pages."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Generator
from typing import Any

from craton.backends.memory.driver import MemoryDriver
from craton.errors import InvalidPageToken, InvalidQuery
from craton.models import E
from craton.query import (
    DEFAULT_LIMIT,
    EVERYTHING,
    Order,
    Page,
    Position,
    Predicate,
    Query,
    Selection,
    encode_page,
    position,
)
from tests.mutants.registry import fault


class Sorting(MemoryDriver):
    """Base of the faults in the order; pages begin where that order says."""

    def key(self, place: Position) -> Any:
        return place

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order, after = selection.order, selection.after

        def key(entity: E) -> Any:
            return self.key(position(entity, order))

        found = [entity for entity in self.state.all(kind) if selection.where.matches(entity)]
        for entity in sorted(found, key=key, reverse=order.descending):
            begin = None if after is None else self.key(after)
            if begin is None or (key(entity) < begin if order.descending else key(entity) > begin):
                yield entity


@fault("Names are ordered without case.", "PAGE-1")
class OrderWithoutCase(Sorting):
    def key(self, place: Position) -> Any:
        value, id = place
        return (value.casefold() if isinstance(value, str) else value, value, id)


@fault("Names are ordered as in a dictionary: letters first, marks only among equals.", "PAGE-1")
class OrderOfALocale(Sorting):
    def key(self, place: Position) -> Any:
        value, id = place
        if not isinstance(value, str):
            return place
        return [c for c in value.casefold() if c.isalnum()], value.swapcase(), id


@fault("Names are ordered by UTF-16 code units.", "PAGE-1")
class OrderOfUtf16(Sorting):
    def key(self, place: Position) -> Any:
        value, id = place
        return (value.encode("utf-16-be") if isinstance(value, str) else value, id)


@fault("What is equal in the order keeps the order in which it was stored.", "PAGE-1")
class TiesAsStored(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order = selection.order
        found = sorted(
            (e for e in self.state.all(kind) if selection.where.matches(e)),
            key=lambda entity: getattr(entity, order.field),
            reverse=order.descending,
        )
        places = [position(entity, order) for entity in found]
        begin = places.index(selection.after) + 1 if selection.after in places else 0
        yield from found[begin:]


@fault("Pages begin behind a name, so others of the same name are skipped.", "PAGE-1")
class EqualNamesSkipped(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order, after = selection.order, selection.after
        for entity in super()._select(kind, selection):
            if after is None or position(entity, order)[0] != after[0]:
                yield entity


@fault("A descending order has its ties in ascending order of ids.", "PAGE-1")
class TiesNotTurnedAround(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order = selection.order
        found = [e for e in self.state.all(kind) if selection.where.matches(e)]
        found.sort(key=lambda entity: entity.id)
        found.sort(key=lambda entity: getattr(entity, order.field), reverse=order.descending)
        places = [position(entity, order) for entity in found]
        begin = places.index(selection.after) + 1 if selection.after in places else 0
        yield from found[begin:]


@fault("The order of the query is ignored.", "PAGE-1", "PAGE-2")
class OrderIgnored(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        order = Order(descending=selection.order.descending)
        return super()._select(kind, dataclasses.replace(selection, order=order, after=None))


@fault("An order by a field that has none is an order by name.", "PAGE-2")
class OrderWithoutMeaningTaken(MemoryDriver):
    def _check(self, kind: type[E], query: Query) -> None:
        try:
            super()._check(kind, query)
        except InvalidQuery:
            if query.limit is not None:
                raise


@fault("A limit of zero, or below, is no limit.", "PAGE-2")
class LimitOfZeroIsNone(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        limit = query.limit if query.limit is None or query.limit > 0 else None
        return super().find(kind, dataclasses.replace(query, limit=limit))


@fault("The page that ends with the last entity has a next one, which is empty.", "PAGE-3")
class LastPageHasANext(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        page = super().find(kind, query)
        if page.next is None and len(page.items) == query.limit:
            token = encode_page(kind, query, position(page.items[-1], query.order))
            return Page(items=page.items, next=token)
        return page


@fault("The page before the last one has no next.", "PAGE-3")
class LastPageIsLost(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        page = super().find(kind, query)
        if (
            page.next is None
            or len(super().find(kind, dataclasses.replace(query, page=page.next)).items) > 1
        ):
            return page
        return Page(items=page.items)


@fault("The limit is applied before the filter that the store cannot do.", "PAGE-3", "SCAN-1")
class FilteredAfterTheLimit(MemoryDriver):
    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        return EVERYTHING, where

    def _stream(
        self, kind: type[E], selection: Selection, residue: Predicate, limit: int | None
    ) -> Generator[E, None, None]:
        read = super()._stream(kind, selection, EVERYTHING, limit)
        return (entity for entity in read if residue.matches(entity))


@fault("A page has five entities at most, whatever the limit.", "PAGE-3")
class LimitCapped(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        limit = min(query.limit or DEFAULT_LIMIT, 5)
        return super().find(kind, dataclasses.replace(query, limit=limit))


@fault("Pages are found by their offset.", "PAGE-4")
class PagesByOffset(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        offsets: dict[str | None, int] = self.__dict__.setdefault("offsets", {None: 0})
        page = super().find(kind, query)
        begin = offsets.get(query.page)
        if begin is None:
            return page
        rows = list(self.scan(kind, dataclasses.replace(query, page=None, limit=None)))
        end = begin + (query.limit or DEFAULT_LIMIT)
        items = tuple(rows[begin:end])
        if len(rows) <= end:
            return Page(items=items)
        token = encode_page(kind, query, position(items[-1], query.order))
        offsets[token] = end
        return Page(items=items, next=token)


@fault(
    "When the entity at the boundary of two pages is deleted, the next one is skipped.", "PAGE-4"
)
class BoundaryLookedUp(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        after = selection.after
        gone = after is not None and self.state.get(kind, after[1]) is None
        rows = super()._select(kind, selection)
        if gone:
            next(rows, None)
        yield from rows


@fault("A page begins with the last entity of the page before.", "PAGE-1", "SCAN-1")
class PagesOverlap(MemoryDriver):
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        after = selection.after
        before = self.state.get(kind, after[1]) if after is not None else None
        if before is not None and selection.where.matches(before):
            yield before
        yield from super()._select(kind, selection)


class Lenient(MemoryDriver):
    """Base of the faults in which a token is taken that belongs to another query."""

    def accepted(self, fingerprint: object) -> bool:
        return True

    def _matching(self, kind: type[E], query: Query, limit: int | None) -> Generator[E, None, None]:
        try:
            return super()._matching(kind, query, limit)
        except InvalidPageToken:
            after = self.place(query)
            if after is None:
                raise
            selection = Selection(where=query.where, order=query.order, after=after)
            return self._stream(kind, selection, EVERYTHING, limit)

    def place(self, query: Query) -> Any:
        raise NotImplementedError


@fault("A token is good for any query.", "PAGE-5")
class TokenOfAnyQuery(Lenient):
    def place(self, query: Query) -> Any:
        token = query.page or ""
        try:
            _, value, id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (ValueError, TypeError, RecursionError):
            return None
        return (value, id) if query.order.field in ("name", "id") else None


@fault("What is no token is the first page.", "PAGE-5")
class NonsenseIsTheFirstPage(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        try:
            return super().find(kind, query)
        except InvalidPageToken:
            if "W" in (query.page or ""):
                raise
            return super().find(kind, dataclasses.replace(query, page=None))


@fault("ValueError escapes when a token cannot be read.", "PAGE-5")
class TokenErrorEscapes(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        if query.page is not None:
            base64.b64decode(
                query.page + "=" * (-len(query.page) % 4), b"-_", validate=True
            ).decode()
        return super().find(kind, query)


@fault("A token is good for the limit of its page alone.", "PAGE-5")
class TokenOfOneLimit(MemoryDriver):
    def find(self, kind: type[E], query: Query) -> Page[E]:
        limits: dict[str | None, int | None] = self.__dict__.setdefault("limits", {})
        if limits.get(query.page, query.limit) != query.limit:
            raise InvalidPageToken
        page = super().find(kind, query)
        limits[page.next] = query.limit
        limits.pop(None, None)
        return page
