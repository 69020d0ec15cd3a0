"""``craton-manage``: what an administrator does to the store, beside the service."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from craton import loader
from craton.capabilities import Capability
from craton.cmd import changes, cmdb, console, copy, secret_keys
from craton.driver import InventoryDriver, Migrations
from craton.errors import Unsupported

PROGRAM = "craton-manage"

#: What ``current`` prints before the first version.
_NOTHING = "base"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit code."""
    return console.run(PROGRAM, _command, argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = console.parser(PROGRAM, "Look after Craton's store.")
    areas = parser.add_subparsers(required=True, metavar="AREA")
    _add_db(areas)
    moving = areas.add_parser("copy", help="copy the whole inventory to another store")
    copy.add_arguments(moving)
    moving.set_defaults(command=copy.run, parser=moving)
    keys = areas.add_parser("secret-keys", help="the keys that secrets are sealed with")
    secret_keys.add_arguments(keys)
    keys.set_defaults(command=secret_keys.run)
    mirror = areas.add_parser("cmdb", help="the mirror of a CMDB")
    cmdb.add_arguments(mirror)
    mirror.set_defaults(command=cmdb.run)
    log = areas.add_parser("changes", help="the log of changes")
    changes.add_arguments(log)
    log.set_defaults(command=changes.run)
    arguments = parser.parse_args(argv)
    return int(arguments.command(arguments))


def _add_db(areas: Any) -> None:
    db = areas.add_parser("db", help="the versions of the store's schema")
    db.set_defaults(command=_db)
    actions = db.add_subparsers(required=True, metavar="ACTION")
    upgrade = actions.add_parser("upgrade", help="bring the schema up to a version")
    upgrade.add_argument("version", nargs="?", help="the version; by default the newest")
    upgrade.set_defaults(action=_upgrade)
    downgrade = actions.add_parser("downgrade", help="bring the schema down to a version")
    downgrade.add_argument("version", help=f"the version; {_NOTHING} removes everything")
    downgrade.set_defaults(action=_downgrade)
    current = actions.add_parser("current", help="print the version that the store is at")
    current.set_defaults(action=_current)
    history = actions.add_parser("history", help="print every version, the oldest first")
    history.set_defaults(action=_history)


def _db(arguments: Namespace) -> int:
    conf = console.settings(arguments)
    console.state_directory(conf)
    with closing(loader.load(conf)) as driver:
        arguments.action(_migrations(driver), arguments)
    return 0


def _migrations(driver: InventoryDriver) -> Migrations:
    if Capability.MIGRATIONS not in driver.capabilities:
        name = driver.settings.inventory.driver
        raise Unsupported(
            Capability.MIGRATIONS.value,
            f"the inventory driver {name!r} has no schema to look after; there is nothing to do",
        )
    return driver.migrations()


def _upgrade(migrations: Migrations, arguments: Namespace) -> None:
    migrations.upgrade(arguments.version)
    _current(migrations, arguments)


def _downgrade(migrations: Migrations, arguments: Namespace) -> None:
    migrations.downgrade(arguments.version)
    _current(migrations, arguments)


def _current(migrations: Migrations, arguments: Namespace) -> None:
    version, latest = migrations.current() or _NOTHING, migrations.latest()
    print(version)
    if version != latest:
        print(f"{PROGRAM}: the newest version is {latest}", file=sys.stderr)


def _history(migrations: Migrations, arguments: Namespace) -> None:
    for version, summary in migrations.history():
        print(f"{version}  {summary}")
