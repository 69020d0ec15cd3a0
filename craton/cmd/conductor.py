"""``craton-conductor``: carries out the runs that servers put on the shared board."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from oslo_config import cfg

from craton.cmd import console
from craton.errors import ConfigurationError
from craton.runs.board import Board
from craton.runs.conductor import Conductor
from craton.runs.housekeeping import Housekeeper
from craton.runs.loading import open_store
from craton.runs.playbooks import Playbooks
from craton.runs.posting import BoardDispatcher
from craton.runs.service import make_equipment
from craton.secrets import load_secret_store

PROGRAM = "craton-conductor"

LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out runs until a signal ends it; return the exit code."""
    return console.run(PROGRAM, _command, argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = console.parser(PROGRAM, "Carry out runs from the board that [runs] redis_url names.")
    parser.add_argument(
        "--finish",
        action="store_true",
        help="on SIGTERM, finish the runs that were begun; a second SIGTERM gives them back, as "
        "the first one does without this option",
    )
    arguments = parser.parse_args(argv)
    conf = console.settings(arguments)
    _check(conf)
    console.state_directory(conf)
    return _serve(conf, finish=arguments.finish)


def _check(conf: cfg.ConfigOpts) -> None:
    if not conf.runs.redis_url:
        raise ConfigurationError(
            "set [runs] redis_url to the Redis of the servers: a conductor takes its work there"
        )
    if not conf.runs.playbook_path:
        raise ConfigurationError(
            "set [runs] playbook_path to the directory of the playbooks, the same as on the servers"
        )


def _serve(conf: cfg.ConfigOpts, *, finish: bool) -> int:
    options = conf.runs
    playbooks = Playbooks(options.playbook_path)
    playbooks.start()
    secrets = load_secret_store(conf)
    secrets.start()
    store = open_store(conf)
    equipment = make_equipment(conf, store, secrets, playbooks)
    board = Board(options.redis_url, options.lease_seconds)
    conductor = Conductor(board, equipment, finish_on_stop=finish)
    dispatcher = BoardDispatcher(board)
    silent = timedelta(minutes=options.silent_minutes)
    housekeeper = Housekeeper(store, dispatcher, equipment.directories, silent)
    ending = _ending(conductor)
    conductor.start()
    housekeeper.start()
    LOG.info(
        "%s carries out runs: %s playbooks below %s, %s batches at once, the board is at %s, "
        "private directories are in %s",
        PROGRAM,
        len(playbooks.list()),
        options.playbook_path,
        options.workers,
        _without_password(options.redis_url),
        equipment.directories.base,
    )
    ending.wait()
    conductor.join()
    housekeeper.stop()
    dispatcher.stop()
    store.close()
    LOG.info("%s has ended", PROGRAM)
    return 0


def _ending(conductor: Conductor) -> threading.Event:
    """Stop the conductor on SIGTERM and SIGINT; return what tells that it happened."""
    ending = threading.Event()

    def stop(number: int, frame: object) -> None:
        LOG.info("%s ends by %s", PROGRAM, signal.Signals(number).name)
        conductor.stop()
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return ending


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
