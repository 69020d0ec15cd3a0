"""Runs in a serving process: opened with it, and ended with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from oslo_config import cfg

from craton.api.runs import Runs, in_memory
from craton.errors import ConfigurationError
from craton.runs.housekeeping import Housekeeper
from craton.secrets import SecretStore, load_secret_store

LOG = logging.getLogger(__name__)


class Work(Protocol):
    """What a process does for runs beside answering."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Running:
    """What a process has for runs.

    Attributes:
        offered: What the API works with.
        work: What keeps them, carries them out, and looks after them.
    """

    offered: Runs
    work: Work

    def start(self) -> None:
        """Begin to carry out runs, or to hand them over. Raises ``ConfigurationError``."""
        self.work.start()

    def stop(self) -> None:
        """Let clients go that follow events, and end what this process carries out."""
        self.offered.watchers.stop()
        self.work.stop()


def running(conf: cfg.ConfigOpts, *, carries_out: bool) -> Running | None:
    """Open what ``[runs]`` asks for.

    Args:
        conf: The configuration.
        carries_out: Whether this process carries out runs itself.

    Returns:
        Without Redis and without carrying out anything only runs that somebody's own
        ``ansible-playbook`` reports; ``None`` if not even these can be kept.

    Raises:
        ConfigurationError: It cannot be had as it is configured.
    """
    options = conf.runs
    if not options.redis_url:
        if options.playbook_path and not carries_out:
            raise ConfigurationError(
                "[runs] playbook_path without redis_url: nobody would carry out runs; set "
                "redis_url and start craton-conductor, or serve by craton-server"
            )
        if not carries_out:
            return _reported(conf)
    try:
        from craton.runs.service import open_runs
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("craton"):
            raise
        if not options.redis_url and not options.playbook_path:
            return _reported(conf)
        raise ConfigurationError(
            f"runs need {error.name}, which is not installed: pip install 'craton[runs]'"
        ) from error
    kept = open_runs(conf, _secrets(conf), carries_out=carries_out)
    offered = Runs.of(conf, kept.store, kept.dispatcher, kept.playbooks)
    return Running(offered, kept)


def _reported(conf: cfg.ConfigOpts) -> Running | None:
    offered = in_memory(conf)
    if offered is None:
        return None
    silent = timedelta(minutes=conf.runs.silent_minutes)
    return Running(offered, Housekeeper(offered.store, None, None, silent))


def _secrets(conf: cfg.ConfigOpts) -> SecretStore:
    """Return the secret store; the API tells whoever needs it when it cannot be used."""
    secrets = load_secret_store(conf)
    try:
        secrets.start()
    except ConfigurationError as error:
        LOG.warning("Runs cannot be started: %s", error)
    return secrets
