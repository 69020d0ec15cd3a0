"""From ``[runs]`` to the store that keeps runs."""

from __future__ import annotations

from oslo_config import cfg

from craton.runs.memory import MemoryRunStore
from craton.runs.store import RunStore


def open_store(conf: cfg.ConfigOpts) -> RunStore:
    """Make the store that ``[runs]`` asks for, and open it.

    Raises:
        ConfigurationError: It cannot be used as it is configured.
    """
    options = conf.runs
    store = MemoryRunStore(max_events=options.max_events, keep_days=options.keep_days)
    store.open()
    return store
