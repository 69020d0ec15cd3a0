"""The connection to the servers, and the options that say where they are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

from oslo_config import cfg
from pymongo import MongoClient, ReadPreference
from pymongo.database import Database
from pymongo.errors import ConfigurationError as MongoConfigurationError
from pymongo.errors import InvalidName, InvalidURI
from pymongo.read_concern import ReadConcern

from craton.backends.mongo.transactions import MAJORITY
from craton.errors import ConfigurationError

OPTIONS: Final[Sequence[cfg.Opt]] = (
    cfg.StrOpt(
        "uri",
        default="mongodb://127.0.0.1:27017",
        secret=True,
        help="Where MongoDB is, with user, password and TLS: "
        "mongodb://user:password@a.example.com,b.example.com/?replicaSet=rs0&tls=true. Read and "
        "write concern, retries and time-outs in it are not heeded.",
    ),
    cfg.StrOpt("database", default="craton", help="The database that Craton has for itself."),
    cfg.IntOpt(
        "timeout",
        default=5,
        min=1,
        max=60,
        help="Seconds that one round trip to MongoDB may take, finding a primary included. Beyond "
        "5, a client may wait longer than the ten seconds within which Craton promises an answer.",
    ),
    cfg.IntOpt(
        "max_pool_size",
        default=100,
        min=1,
        help="The most connections of one process to one server.",
    ),
)


def connect(settings: cfg.ConfigOpts) -> MongoClient[dict[str, Any]]:
    """Make a client; it connects when it is used.

    Raises:
        ConfigurationError: ``[mongo] uri`` is none, or has an option that MongoDB does not know.
    """
    options = settings.mongo
    milliseconds = options.timeout * 1000
    try:
        with warnings.catch_warnings():
            # That is how pymongo tells of an option that it ignores.
            warnings.simplefilter("error", UserWarning)
            return MongoClient(
                options.uri,
                connect=False,
                appname="craton",
                retryReads=True,
                retryWrites=True,
                timeoutMS=milliseconds,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
                waitQueueTimeoutMS=milliseconds,
                maxPoolSize=options.max_pool_size,
                # Without a connection that waits for news, and that close would not end at once.
                serverMonitoringMode="poll",
            )
    except (InvalidURI, MongoConfigurationError, ValueError, UserWarning):
        # Not ``from`` it: its words may be a part of the password.
        raise ConfigurationError(
            "[mongo] uri is not a MongoDB connection string, or an option in it is unknown; "
            "special characters in user and password must be percent-encoded"
        ) from None


def database_of(
    client: MongoClient[dict[str, Any]], settings: cfg.ConfigOpts, *, is_replicated: bool
) -> Database[dict[str, Any]]:
    """Return Craton's database, with all that was promised to a reader and to a writer.

    Raises:
        ConfigurationError: ``[mongo] database`` is no name of a database.
    """
    try:
        return client.get_database(
            settings.mongo.database,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority" if is_replicated else "local"),
            write_concern=MAJORITY,
        )
    except InvalidName as error:
        raise ConfigurationError("[mongo] database cannot be the name of a database") from error
