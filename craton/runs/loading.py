"""From ``[runs]`` to the store that keeps runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oslo_config import cfg

from craton.errors import ConfigurationError
from craton.runs.memory import MemoryRunStore
from craton.runs.store import RunStore

if TYPE_CHECKING:
    from craton.runs.redis import RedisRunStore


def open_store(conf: cfg.ConfigOpts) -> RunStore:
    """Make the store that ``[runs]`` asks for, and open it.

    That is the Redis of ``redis_url``, which need not answer yet; without one, the memory of this
    process.

    Raises:
        ConfigurationError: It cannot be used as it is configured.
    """
    options = conf.runs
    store: RunStore
    if options.redis_url:
        store = _redis_store()(
            options.redis_url, max_events=options.max_events, keep_days=options.keep_days
        )
    else:
        store = MemoryRunStore(max_events=options.max_events, keep_days=options.keep_days)
    store.open()
    return store


def _redis_store() -> type[RedisRunStore]:
    try:
        # Its library is there only where somebody asked for it.
        from craton.runs.redis import RedisRunStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "redis":
            raise
        raise ConfigurationError(
            "[runs] redis_url needs a library that is not installed: pip install 'craton[runs]'"
        ) from error
    return RedisRunStore
