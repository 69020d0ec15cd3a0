"""The database engines that the driver knows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import URL

from craton.backends.sql.dialects import DatabaseDialect, SQLiteDialect
from craton.backends.sql.mysql import MySQLDialect
from craton.errors import ConfigurationError

_DIALECTS: Final[dict[str, DatabaseDialect]] = {
    "sqlite": SQLiteDialect(),
    "mysql": MySQLDialect(),
    "mariadb": MySQLDialect(),
}


def dialect_of(url: URL) -> DatabaseDialect:
    """Return what there is to know of the engine behind a URL.

    Raises:
        ConfigurationError: The driver does not know the engine.
    """
    engine = url.get_backend_name()
    if engine not in _DIALECTS:
        raise ConfigurationError(
            f"[database] connection names the engine {engine!r}; the sql driver knows "
            f"{', '.join(sorted(_DIALECTS))}"
        )
    return _DIALECTS[engine]
