"""``craton-manage secret-keys``: the keys that secrets are sealed with."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Final

from oslo_config import cfg

from craton import loader
from craton.cmd import console
from craton.errors import Unsupported
from craton.secrets import load_secret_store
from craton.secrets.fernet import FernetStore
from craton.secrets.resealing import reseal
from craton.secrets.store import SecretStore

_PROGRAM: Final = "craton-manage"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the subcommands of ``secret-keys``."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make the keys that are missing")
    create.set_defaults(action=_create)
    rotate = actions.add_parser("rotate", help="seal with the staged key, and stage a new one")
    rotate.set_defaults(action=_rotate)
    again = actions.add_parser(
        "reseal", help="seal all secrets anew with the primary key, and remove old keys"
    )
    again.add_argument(
        "--from",
        dest="former",
        metavar="STORE",
        action="append",
        default=[],
        help="take over what this secret store sealed; may be repeated",
    )
    again.set_defaults(action=_reseal)


def run(arguments: Namespace) -> int:
    """Run a subcommand; return the exit code."""
    conf = console.settings(arguments)
    console.state_directory(conf)
    return int(arguments.action(conf, load_secret_store(conf), arguments))


def _create(conf: cfg.ConfigOpts, store: SecretStore, arguments: Namespace) -> int:
    repository = _with_keys(conf, store).repository
    for number in repository.create():
        print(repository.directory / str(number))
    return 0


def _rotate(conf: cfg.ConfigOpts, store: SecretStore, arguments: Namespace) -> int:
    repository = _with_keys(conf, store).repository
    print(repository.directory / str(repository.rotate()))
    return 0


def _reseal(conf: cfg.ConfigOpts, store: SecretStore, arguments: Namespace) -> int:
    former = [load_secret_store(conf, name) for name in arguments.former]
    for one in (store, *former):
        one.start()
    seen = changed = broken = 0
    needed = set()
    with loader.load(conf) as driver:
        for result in reseal(driver, store, former):
            seen += 1
            changed += result.changed
            if isinstance(store, FernetStore):
                needed.add(store.key_id(result.sealed) or "")
            if result.error is not None:
                broken += 1
                print(f"{_PROGRAM}: {result.error}", file=sys.stderr)
    print(f"secrets: {seen}, sealed anew: {changed}, broken: {broken}")
    if isinstance(store, FernetStore):
        for number in store.repository.prune(conf.secrets.max_active_keys, needed):
            print(f"removed the key {store.repository.directory / str(number)}")
    return 1 if broken else 0


def _with_keys(conf: cfg.ConfigOpts, store: SecretStore) -> FernetStore:
    if not isinstance(store, FernetStore):
        raise Unsupported(
            "KEYS", f"the secret store {conf.secrets.store!r} has no keys here; nothing to do"
        )
    return store
