"""The reading half of the driver, on a connection of its own for each read or on a shared one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Select
from sqlalchemy.exc import DBAPIError

from craton.backends.sql.dialects import DatabaseDialect
from craton.backends.sql.errors import translated
from craton.backends.sql.predicates import Translator
from craton.backends.sql.rows import Row, is_bindable, reader_of
from craton.backends.sql.schema import TABLES
from craton.backends.sql.statements import Statements
from craton.capabilities import EVERY_CAPABILITY, Capabilities
from craton.driver import InventoryReader
from craton.models import KINDS, E, Entity
from craton.query import EVERYTHING, Predicate, Selection, position

#: How many rows are fetched at once, and so are in memory.
_CHUNK: Final = 500

#: The same for the short rows of a digest.
_DIGEST_CHUNK: Final = 5000

Connect = Callable[[], AbstractContextManager[Connection]]


class SqlReader(InventoryReader):
    """Reads entities.

    Args:
        connect: Lends a connection for one read, in a transaction that ends with it.
        dialect: The engine.
    """

    capabilities = Capabilities(supported=EVERY_CAPABILITY)

    def __init__(self, connect: Connect, dialect: DatabaseDialect) -> None:
        self._connect = connect
        self._dialect = dialect
        self._results: set[CursorResult[Any]] = set()

    def release(self) -> None:
        """End every stream; whoever reads on gets an error, not an end."""
        for result in tuple(self._results):
            result.close()

    def _get(self, kind: type[E], id: str) -> E | None:
        if not is_bindable(id):
            return None
        statement = _statements(kind, self._dialect).by_id
        with translated(), self._connect() as connection:
            row = connection.execute(statement, {"id": id}).first()
        return None if row is None else _reader(kind)(row)

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        entity = _reader(kind)
        windows = self._stream_of if self._dialect.streams else self._windows
        with closing(windows(kind, selection)) as chunks:
            for rows in chunks:
                for row in rows:
                    yield entity(row)

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        # Where a part is asked for, it stands inside of a conjunction.
        return Translator(TABLES[kind]).divide(where, depth=1)

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        if self._pushdown(kind, where)[1] != EVERYTHING:
            return super()._count(kind, where)
        with translated(), self._connect() as connection:
            return int(connection.scalars(_statements(kind, self._dialect).count(where)).one())

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        if self._pushdown(kind, where)[1] != EVERYTHING:
            return super()._digest(kind, where)
        digest = hashlib.blake2b(digest_size=16)
        statement = _statements(kind, self._dialect).revisions(where)
        with translated(), self._connect() as connection:
            for rows in self._fetched(connection, statement, _DIGEST_CHUNK):
                digest.update("\n".join([text for (text,) in rows]).encode())
                digest.update(b"\n")
        return digest.hexdigest()

    def _stream_of(
        self, kind: type[E], selection: Selection
    ) -> Generator[Sequence[Row], None, None]:
        statement = _statements(kind, self._dialect).page(selection)
        with translated(), self._connect() as connection:
            yield from self._fetched(connection, statement, _CHUNK)

    def _windows(self, kind: type[E], selection: Selection) -> Generator[list[Row], None, None]:
        """Read page by page, each one to its end, so that other reads can come in between."""
        left = selection.limit
        while left is None or left > 0:
            size = _CHUNK if left is None else min(left, _CHUNK)
            window = replace(selection, limit=size)
            with closing(self._stream_of(kind, window)) as chunks:
                rows = [row for chunk in chunks for row in chunk]
            yield rows
            if len(rows) < size:
                return
            left = None if left is None else left - size
            last = position(_reader(kind)(rows[-1]), selection.order)
            selection = replace(selection, after=last)

    def _fetched(
        self, connection: Connection, statement: Select[Any], size: int
    ) -> Generator[Sequence[Row], None, None]:
        """Yield the rows of a statement as the database's module gives them.

        SQLAlchemy's own rows would cost a scan much of its time. No column here has a type whose
        values need a conversion.
        """
        result = connection.execute(statement)
        cursor = result.cursor
        failures: type[Exception] = connection.dialect.loaded_dbapi.Error
        self._results.add(result)
        try:
            while rows := cursor.fetchmany(size):
                yield rows
        except failures as error:
            raise DBAPIError(None, None, error) from error
        finally:
            self._results.discard(result)
            result.close()


_READERS: Final[dict[type[Entity], Callable[[Row], Any]]] = {
    kind: reader_of(kind) for kind in KINDS
}
_STATEMENTS: Final[dict[tuple[type[Entity], DatabaseDialect], Statements]] = {}


def _reader(kind: type[E]) -> Callable[[Row], E]:
    return _READERS[kind]


def _statements(kind: type[Entity], dialect: DatabaseDialect) -> Statements:
    if (kind, dialect) not in _STATEMENTS:
        _STATEMENTS[kind, dialect] = Statements(kind, dialect)
    return _STATEMENTS[kind, dialect]
