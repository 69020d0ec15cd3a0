"""The way to a Redis: with bounded patience, and without a word of the library's outside.

Every call is made anew while the server is away for a moment, as when it is restarted; so what is
called must be safe to repeat. Whoever waits has an error within ten seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

import redis
from oslo_log import log
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from craton.errors import BackendFault, ConfigurationError, CratonError, Unavailable

LOG = log.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds until a connection must stand, and until an answer must come.
_CONNECT_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 3.0

#: Seconds after which the server is away for longer than a restart takes: then whoever asks is told
#: so by one try, and a server's threads are free for what needs no Redis.
_PATIENCE_SECONDS: Final = 4.0

#: What is not for the URL to choose.
_OURS: Final[Mapping[str, Any]] = {
    "protocol": 2,
    "decode_responses": False,
    "encoding": "utf-8",
    "encoding_errors": "replace",
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": _ANSWER_SECONDS,
    "socket_connect_timeout": _CONNECT_SECONDS,
    # One for each thread that asks something: no limit of its own is needed.
    "max_connections": 10_000,
}

#: What names a file in a URL.
_FILES: Final = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}

#: The oldest Redis that has what is asked of it.
_OLDEST: Final = (6, 0)

#: What a server says that may do what it is asked later, though not within moments.
_LATER: Final = ("OOM", "MISCONF", "NOREPLICAS", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN")


class Connection:
    """Calls a Redis.

    Args:
        url: As of ``[runs] redis_url``.

    Attributes:
        place: The server without what could be a credential, for people.

    Raises:
        ConfigurationError: The URL is none of a Redis.
    """

    def __init__(self, url: str) -> None:
        self.place = _place(url)
        self._away_since: float | None = None
        # What the library says of its types holds for no one version of the protocol.
        self.client: Any = _client(url)

    def call(self, action: Callable[P, T], *words: P.args, **options: P.kwargs) -> T:
        """Do something with :attr:`client`, again while the server is away for a moment.

        Raises:
            Unavailable: The server is away, or cannot do it now.
            BackendFault: The server refuses what it should do.
        """
        patient = Retrying(
            stop=self._is_enough,
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            retry=retry_if_exception(_is_passing),
            reraise=True,
        )
        try:
            answer = patient(action, *words, **options)
        except redis.RedisError as error:
            raise self._translated(error) from error
        self._away_since = None
        return answer

    def _is_enough(self, state: RetryCallState) -> bool:
        """Return whether the server has been away for too long, whoever noticed it first."""
        since = self._away_since
        if since is None:
            since = self._away_since = state.start_time
        return time.monotonic() - since >= _PATIENCE_SECONDS

    def once(self, action: Callable[P, T], *words: P.args, **options: P.kwargs) -> T:
        """Do something with :attr:`client`, without patience.

        Raises:
            Unavailable, BackendFault: As for :meth:`call`.
        """
        try:
            return action(*words, **options)
        except redis.RedisError as error:
            raise self._translated(error) from error

    def look(self) -> None:
        """Ask the server what it is, and warn of settings under which runs may be lost.

        Raises:
            ConfigurationError: It is too old, or does not let Craton in.
        """
        try:
            self._check_version()
            self._warn_of_settings()
        except redis.AuthenticationError as error:
            raise ConfigurationError(
                f"the Redis at {self.place} does not accept the user or the password of "
                "[runs] redis_url"
            ) from error
        except redis.RedisError as error:
            LOG.warning(
                "the Redis at %s gives no answer (%s); there are no runs until it does",
                self.place,
                type(error.__cause__ or error.__context__ or error).__name__,
            )

    def close(self) -> None:
        """Let go of all connections that nobody uses just now."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    def _check_version(self) -> None:
        try:
            version = str(self.client.info("server")["redis_version"])
        except redis.ResponseError as error:
            self._unasked("INFO", error)
            return
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            raise ConfigurationError(
                f"the Redis at {self.place} is {version}; Craton needs "
                f"{'.'.join(map(str, _OLDEST))} or later"
            )

    def _warn_of_settings(self) -> None:
        try:
            settings = {
                name: self._setting(name)
                for name in ("appendonly", "save", "maxmemory", "maxmemory-policy")
            }
        except redis.ResponseError as error:
            self._unasked("CONFIG GET", error)
            return
        if settings["appendonly"] == "no":
            kept = "only now and then" if settings["save"] else "nothing"
            LOG.warning(
                "the Redis at %s keeps %s on disk, so runs are lost when it is restarted; "
                "set appendonly yes",
                self.place,
                kept,
            )
        if settings["maxmemory"] not in {"", "0"} and settings["maxmemory-policy"] != "noeviction":
            LOG.warning(
                "the Redis at %s drops keys when its memory is full (maxmemory-policy %s), runs "
                "among them; set noeviction",
                self.place,
                settings["maxmemory-policy"],
            )

    def _setting(self, name: str) -> str:
        found: dict[str, str] = self.client.config_get(name)
        return found.get(name, "")

    def _unasked(self, command: str, error: redis.ResponseError) -> None:
        LOG.warning(
            "the Redis at %s does not let Craton use %s (%s), so whether it keeps runs on disk and "
            "in memory is not known; it should have appendonly yes and maxmemory-policy noeviction",
            self.place,
            command,
            type(error).__name__,
        )

    def _translated(self, error: redis.RedisError) -> CratonError:
        """Say what went wrong, without the library's text, which may hold what was sent."""
        what = f"the Redis of runs at {self.place}"
        if isinstance(error, redis.AuthenticationError):
            return Unavailable(f"{what} does not accept the user or the password", retry_after=30)
        if isinstance(error, redis.ConnectionError | redis.TimeoutError):
            return Unavailable(f"{what} gives no answer")
        word = str(error).partition(" ")[0]
        if isinstance(error, redis.OutOfMemoryError) or word == "OOM":
            return Unavailable(f"{what} has no memory left", retry_after=30)
        if isinstance(error, redis.ReadOnlyError) or word in _LATER:
            return Unavailable(f"{what} takes nothing now")
        if isinstance(error, redis.exceptions.NoPermissionError):
            return BackendFault(f"{what} does not allow a command that runs need")
        return BackendFault(f"{what} does not understand what it was asked")


def _is_passing(error: BaseException) -> bool:
    """Return whether another try within moments makes sense."""
    away = redis.ConnectionError | redis.TimeoutError | redis.ReadOnlyError
    return isinstance(error, away) and not isinstance(error, redis.AuthenticationError)


def _client(url: str) -> redis.Redis:
    # What the library says of a malformed URL may hold the password, so it is not kept as a cause.
    malformed = ConfigurationError(
        "[runs] redis_url must be a URL such as redis://127.0.0.1:6379/0, "
        "rediss://user:password@host:6379/0 or unix:///run/redis.sock"
    )
    try:
        chosen = parse_url(url).keys() & _OURS.keys()  # type: ignore[no-untyped-call]
        if chosen:
            raise ConfigurationError(
                f"[runs] redis_url must not choose {', '.join(sorted(chosen))}"
            )
        pool = redis.ConnectionPool.from_url(url, **_OURS)
        for name in _FILES & pool.connection_kwargs.keys():
            if not Path(pool.connection_kwargs[name]).is_file():
                raise ConfigurationError(f"[runs] redis_url: {name} is no file")
        # An option that there is not is found only when a connection is made.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, AttributeError, redis.RedisError):
        raise malformed from None
    return redis.Redis(connection_pool=pool)


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unknown place"
    return f"{host}{port}{parts.path}"
