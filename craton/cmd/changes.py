"""``craton-manage changes``: what an administrator does to the change log."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Final

from craton import loader
from craton.capabilities import Capability
from craton.changes import place_at
from craton.cmd import console
from craton.cmd.progress import progress
from craton.driver import Delete, InventoryDriver
from craton.errors import NotFound
from craton.models import ChangeRecord
from craton.query import Compare, Operator, Predicate, Query

#: How many records are removed in one step.
_STEP: Final = 500

#: The exit code of what was broken off, as shells have it for SIGINT.
_INTERRUPTED: Final = 130


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the subcommands."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    prune = actions.add_parser(
        "prune",
        help="remove old records of changes",
        epilog="It may be broken off at any time, and goes on when it is run again.",
    )
    prune.add_argument(
        "--before",
        metavar="TIME",
        type=_moment,
        required=True,
        help="remove what is older: a date such as 2026-01-31 (from midnight UTC on it stays), or "
        "a time such as 2026-01-31T12:00:00Z",
    )
    prune.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
    prune.set_defaults(action=_prune)


def run(arguments: Namespace) -> int:
    """Run the subcommand; return the exit code."""
    conf = console.settings(arguments)
    console.state_directory(conf)
    with loader.load(conf) as driver:
        code: int = arguments.action(driver, arguments)
        return code


def _prune(driver: InventoryDriver, arguments: Namespace) -> int:
    driver.capabilities.require_writable(ChangeRecord)
    # By the place in the log, which every store finds by an index.
    old = Compare(("name",), Operator.LT, place_at(arguments.before))
    total = driver.count(ChangeRecord, old) if Capability.COUNT in driver.capabilities else None
    if arguments.dry_run:
        print(f"{'?' if total is None else total} records would be removed")
        return 0
    observer, removed = progress(), 0
    try:
        with observer.listening():
            observer.begin("pruning", total)
            for records in _old(driver, old):
                _remove(driver, records)
                removed += len(records)
                observer.advance(len(records))
            observer.end()
    except KeyboardInterrupt:
        observer.close()
        print(f"interrupted; {removed} records are removed, run it again", file=sys.stderr)
        return _INTERRUPTED
    finally:
        observer.close()
    print(f"{removed} records removed")
    return 0


def _old(driver: InventoryDriver, old: Predicate) -> Iterator[Sequence[ChangeRecord]]:
    """Yield old records, the oldest first; whoever takes them removes them before the next."""
    while records := driver.find(ChangeRecord, Query(where=old, limit=_STEP)).items:
        yield records


def _remove(driver: InventoryDriver, records: Sequence[ChangeRecord]) -> None:
    """Remove records, of which somebody else may remove some at the same time."""
    changes = [Delete(kind=ChangeRecord, id=record.id) for record in records]
    if Capability.ATOMIC_BATCH in driver.capabilities:
        with suppress(NotFound):
            driver.apply(changes)
            return
    for change in changes:
        with suppress(NotFound):
            driver.delete(change.kind, change.id)


def _moment(text: str) -> datetime:
    """Read a date or a time; without an offset it is in UTC."""
    try:
        if len(text) == len("2026-01-31"):
            found = datetime.combine(date.fromisoformat(text), datetime.min.time())
        else:
            found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text!r} is no date and no time") from error
