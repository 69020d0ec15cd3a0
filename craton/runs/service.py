"""What a service needs for runs, put together as ``[runs]`` says."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta

from oslo_config import cfg

from craton.errors import ConfigurationError
from craton.runs.ansible import AnsibleBatchRunner
from craton.runs.attempt import Equipment
from craton.runs.batch import BatchRunner
from craton.runs.board import Board
from craton.runs.conductor import Conductor
from craton.runs.dispatch import Dispatcher
from craton.runs.embedded import EmbeddedDispatcher
from craton.runs.housekeeping import Housekeeper
from craton.runs.loading import open_store
from craton.runs.persistence import Persistence, persistence_url
from craton.runs.playbooks import Playbooks
from craton.runs.posting import BoardDispatcher
from craton.runs.private import PrivateDirectories
from craton.runs.store import RunStore
from craton.secrets import SecretStore

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Runs, as one process has them.

    Attributes:
        store: Keeps runs; open.
        dispatcher: Takes accepted runs.
        playbooks: Those that may be run.
        housekeeper: Looks after what nobody else does.
    """

    store: RunStore
    dispatcher: Dispatcher
    playbooks: Playbooks
    housekeeper: Housekeeper

    def start(self) -> None:
        """Begin to take runs. Raises ``ConfigurationError``."""
        self.playbooks.start()
        self.dispatcher.start()
        self.housekeeper.start()

    def stop(self) -> None:
        """End what this process carries out, and close the store."""
        self.housekeeper.stop()
        self.dispatcher.stop()
        self.store.close()


def open_runs(
    conf: cfg.ConfigOpts,
    secrets: SecretStore,
    *,
    carries_out: bool,
    runner: BatchRunner | None = None,
) -> Runs:
    """Put together what a process needs for runs.

    Args:
        conf: The configuration.
        secrets: The secret store, started.
        carries_out: Whether this process carries out runs itself: without Redis all of them, with
            it those that it gets from the shared board.
        runner: What carries out batches, instead of Ansible.

    Raises:
        ConfigurationError: An option cannot be used; or there is no Redis, and this process does
            not carry out runs itself, so nobody would.
    """
    options = conf.runs
    playbooks = Playbooks(options.playbook_path)
    if not carries_out and not options.redis_url:
        raise ConfigurationError("set [runs] redis_url: without it runs have nowhere to be kept")
    store = open_store(conf)
    equipment = None
    if carries_out and (options.playbook_path or not options.redis_url):
        equipment = make_equipment(conf, store, secrets, playbooks, runner)
    dispatcher = _dispatcher(conf, equipment)
    housekeeper = Housekeeper(
        store,
        dispatcher,
        None if equipment is None else equipment.directories,
        timedelta(minutes=options.silent_minutes),
    )
    return Runs(store=store, dispatcher=dispatcher, playbooks=playbooks, housekeeper=housekeeper)


def make_equipment(
    conf: cfg.ConfigOpts,
    store: RunStore,
    secrets: SecretStore,
    playbooks: Playbooks,
    runner: BatchRunner | None = None,
) -> Equipment:
    """Put together what carrying out runs takes. Raises ``ConfigurationError``."""
    options = conf.runs
    directories = PrivateDirectories()
    return Equipment(
        store=store,
        secrets=secrets,
        playbooks=playbooks,
        runner=runner or AnsibleBatchRunner(directories),
        persistence=Persistence(persistence_url(conf) if options.redis_url else "memory"),
        directories=directories,
        workers=options.workers,
        slots=threading.BoundedSemaphore(options.workers),
        max_attempts=options.max_attempts,
    )


def _dispatcher(conf: cfg.ConfigOpts, equipment: Equipment | None) -> Dispatcher:
    options = conf.runs
    if not options.redis_url:
        assert equipment is not None
        return EmbeddedDispatcher(equipment)
    board = Board(options.redis_url, options.lease_seconds)
    conductor = None if equipment is None else Conductor(board, equipment)
    return BoardDispatcher(board, conductor)
