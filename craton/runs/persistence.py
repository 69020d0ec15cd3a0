"""How far flows are, as TaskFlow keeps it: in a database that conductors share, or in memory.

What is kept are names and states of tasks, nothing that a bundle or a playbook holds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from oslo_config import cfg
from taskflow import exceptions
from taskflow.persistence import backends
from taskflow.persistence.models import FlowDetail, LogBook

from craton.errors import ConfigurationError, CratonError, Unavailable

LOG = logging.getLogger(__name__)

_BOOKS: Final = UUID("6f8cf8c8-1d3f-5a69-9f0c-6b1a3e0f7d11")
_FLOWS: Final = UUID("0d6b8b0e-8f0a-5a0b-8a53-39b4f1e1c9a2")

_GIVEN_BACK: Final = "given_back"

#: How long a statement waits for another process at the same SQLite file, in seconds.
_SQLITE_PATIENCE: Final = 30


class Persistence:
    """Keeps the details of the flows of runs, one for each.

    Args:
        url: The SQLAlchemy URL of a database, or ``memory``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._backend: Any = None

    def open(self, lock: AbstractContextManager[Any] | None = None) -> None:
        """Get ready, and bring the schema to where it should be.

        Args:
            lock: Held while the schema is changed: two at once would break it.

        Raises:
            ConfigurationError: The database cannot be used.
            Unavailable: The lock is not to be had.
        """
        try:
            self._backend = backends.fetch({"connection": self._url})
            with lock or nullcontext(), closing(self._backend.get_connection()) as connection:
                connection.upgrade()
        except CratonError:
            raise
        except Exception as error:
            # TaskFlow lets through whatever the library behind it raises.
            LOG.debug("[runs] persistence cannot be used", exc_info=True)
            raise ConfigurationError(
                f"[runs] persistence cannot be used ({type(error).__name__}): it takes the "
                "SQLAlchemy URL of a database that can be reached and changed"
            ) from error

    def close(self) -> None:
        """Let go of the database."""
        if self._backend is not None:
            self._backend.close()

    @property
    def backend(self) -> Any:
        """What an engine of TaskFlow takes."""
        return self._backend

    def detail(self, run_id: str) -> tuple[LogBook, FlowDetail]:
        """Return the book and the flow detail of a run, made if there is none.

        Raises:
            Unavailable: The database is away.
        """
        with self._connection() as connection:
            try:
                book = connection.get_logbook(str(uuid5(_BOOKS, run_id)))
            except exceptions.NotFound:
                book = LogBook(run_id, uuid=str(uuid5(_BOOKS, run_id)))
                book.add(FlowDetail(run_id, uuid=str(uuid5(_FLOWS, run_id))))
                connection.save_logbook(book)
            return book, book.find(str(uuid5(_FLOWS, run_id)))

    def given_back(self, detail: FlowDetail) -> int:
        """Return how often a run was given back in order."""
        count: int = (detail.meta or {}).get(_GIVEN_BACK, 0)
        return count

    def give_back(self, run_id: str) -> None:
        """Count that a run was given back in order, by a conductor that was told to end.

        Raises:
            Unavailable: The database is away.
        """
        _, detail = self.detail(run_id)
        detail.meta = {**(detail.meta or {}), _GIVEN_BACK: self.given_back(detail) + 1}
        with self._connection() as connection:
            connection.update_flow_details(detail)

    def forget(self, run_id: str) -> None:
        """Drop what is kept of a run; if nothing is, that is fine.

        Raises:
            Unavailable: The database is away.
        """
        with self._connection() as connection:
            try:
                connection.destroy_logbook(str(uuid5(_BOOKS, run_id)))
            except exceptions.NotFound:
                LOG.debug("Nothing is kept of the flow of the run %s", run_id)
            self._forget_parts(str(uuid5(_FLOWS, run_id)))

    def _forget_parts(self, flow_id: str) -> None:
        """Drop what SQLite keeps of a book that is gone: it does not cascade unless told to."""
        engine = getattr(self._backend, "engine", None)
        if engine is None or engine.dialect.name != "sqlite":
            return
        with engine.begin() as connection:
            for table, column in (("atomdetails", "parent_uuid"), ("flowdetails", "uuid")):
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE {column} = ?", (flow_id,))

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        try:
            with closing(self._backend.get_connection()) as connection:
                yield connection
        except CratonError:
            raise
        except Exception as error:
            # TaskFlow lets through whatever the library behind it raises, when it connects.
            LOG.warning("The database of [runs] persistence: %s", type(error).__name__)
            raise Unavailable("the database of [runs] persistence is away") from error


def persistence_url(conf: cfg.ConfigOpts) -> str:
    """Return the URL that ``[runs] persistence`` names, by default of a file in ``state_path``."""
    if conf.runs.persistence:
        url: str = conf.runs.persistence
        return url
    path = Path(conf.state_path).absolute() / "runs.sqlite"
    return f"sqlite:///{path}?timeout={_SQLITE_PATIENCE}"
