"""``craton-manage copy``: an inventory moves to another store."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from oslo_config import cfg
from oslo_log import log

from craton import config, loader
from craton.capabilities import Capability
from craton.cmd.progress import Interruptible, progress
from craton.driver import InventoryDriver, InventoryReader
from craton.models import Entity
from craton.transfer import (
    Comparison,
    Copied,
    Copy,
    Difference,
    Place,
    TransferError,
    check_different,
    check_target,
    compare,
)
from craton.transfer.errors import failing_as

#: What a shell says of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130

_GO_ON: Final = "what was copied stays, and --resume goes on from there"

_COPIED: Final = ("REGION", "KIND", "CREATE", "REPLACE", "EQUAL")
_COMPARED: Final = ("REGION", "KIND", "SOURCE", "TARGET", "", "DIGEST")


def add_arguments(parser: ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    for side, what in (("from", "where the inventory is"), ("to", "where it shall be")):
        parser.add_argument(
            f"--{side}",
            dest={"from": "source", "to": "target"}[side],
            metavar="FILE",
            action="append",
            required=True,
            help=f"a configuration file that says {what}; may be repeated",
        )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--resume",
        action="store_true",
        help="go on where a copy ended: leave what is equal, replace what differs, delete nothing",
    )
    how.add_argument("--verify-only", action="store_true", help="copy nothing, compare both sides")
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing, but say what would be copied"
    )
    parser.add_argument(
        "--no-snapshot",
        action="store_true",
        help="read the source as it is, where no snapshot lasts as long as the copy; nobody may "
        "write to it meanwhile",
    )


def run(arguments: Namespace) -> int:
    """Copy, then compare; return the exit code.

    Raises:
        CratonError: It could not be done; the message names the side.
    """
    if arguments.config_file:
        arguments.parser.error("--config-file is not for copy; use --from and --to")
    if arguments.dry_run and arguments.verify_only:
        arguments.parser.error("--verify-only never writes; leave --dry-run out")
    observer = progress()
    try:
        with observer.listening():
            return _run(arguments, observer)
    except KeyboardInterrupt:
        observer.close()
        _say("interrupted" + ("" if _only_reads(arguments) else f"; {_GO_ON}"))
        return _INTERRUPTED
    finally:
        observer.close()


def _run(arguments: Namespace, observer: Interruptible) -> int:
    with ExitStack() as held:
        source, target = _load("source", arguments.source), _load("target", arguments.target)
        log.setup(target.settings, "craton", fix_eventlet=False)
        check_different(source, target)
        held.enter_context(_opened(source, "source", arguments.source))
        held.enter_context(_opened(target, "target", arguments.target))
        reader = held.enter_context(_view(source, arguments.no_snapshot))
        if not arguments.verify_only:
            check_target(reader, target, resume=arguments.resume)
            copied = _copy(arguments, reader, target, observer)
            if arguments.dry_run:
                _print_table(_COPIED, _copied_rows(copied))
                print("Nothing was written.")
                return 0
            print(_summary(copied.values()))
        compared = list(compare(reader, target, observer))
    observer.close()
    _print_table(_COMPARED, _compared_rows(compared))
    different = [found for found in compared if found.difference is not None]
    for found in different:
        _say(_described(found))
    return 1 if different else 0


def _copy(
    arguments: Namespace, source: InventoryReader, target: InventoryDriver, observer: Interruptible
) -> Mapping[tuple[Place, type[Entity]], Copied]:
    copy = Copy(source, target, observer, resume=arguments.resume, dry_run=arguments.dry_run)
    try:
        return copy.run()
    except TransferError as error:
        if not arguments.dry_run:
            error.message += f"; {_GO_ON}"
        raise


def _load(side: str, files: Sequence[str]) -> InventoryDriver:
    with failing_as(f"cannot use the {side} ({', '.join(files)})"):
        settings: cfg.ConfigOpts = config.settings([f"--config-file={file}" for file in files])
        return loader.load(settings)


@contextmanager
def _opened(driver: InventoryDriver, side: str, files: Sequence[str]) -> Iterator[None]:
    try:
        with failing_as(f"cannot open the {side} ({', '.join(files)})"):
            driver.open()
            driver.ping()
        yield
    finally:
        driver.close()


@contextmanager
def _view(source: InventoryDriver, as_it_is: bool) -> Iterator[InventoryReader]:
    """Lend one state of the source, or else the source as it is."""
    if as_it_is or Capability.SNAPSHOT not in source.capabilities:
        _say(
            "the source is read without a snapshot: nobody may write to it until this ends, and "
            "the comparison will tell"
        )
        yield source
        return
    with ExitStack() as held:
        with failing_as("cannot take a snapshot of the source"):
            reader = held.enter_context(source.snapshot())
        yield reader


def _only_reads(arguments: Namespace) -> bool:
    return bool(arguments.dry_run or arguments.verify_only)


def _copied_rows(copied: Mapping[tuple[Place, type[Entity]], Copied]) -> Iterator[tuple[Any, ...]]:
    for (place, kind), done in copied.items():
        if done != Copied():
            yield place.name, kind.collection, done.created, done.replaced, done.equal


def _compared_rows(compared: Iterable[Comparison]) -> Iterator[tuple[Any, ...]]:
    for found in compared:
        if not found.source.count and not found.target.count:
            continue
        row = found.place.name, found.kind.collection, found.source.count, found.target.count
        if found.difference is None:
            yield *row, "equal", found.source.digest
        else:
            yield *row, "DIFFERENT", f"{found.source.digest} {found.target.digest}"


def _summary(copied: Collection[Copied]) -> str:
    created, replaced, equal = (
        sum(getattr(done, name) for done in copied) for name in ("created", "replaced", "equal")
    )
    return f"Created {created}, replaced {replaced}, left alone {equal}."


def _print_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under a head, numbers to the right."""
    table = [head, *rows]
    widths = [max(len(str(row[column])) for row in table) for column in range(len(head))]
    for row in table:
        cells = (
            f"{cell:>{width}}" if isinstance(cell, int) else f"{cell:<{width}}"
            for cell, width in zip(row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def _described(found: Comparison) -> str:
    """Say in one line how two sides differ, with the first ids."""
    difference = found.difference or Difference()
    ways = (
        ("only in the source", difference.missing),
        ("only in the target", difference.extra),
        ("different", difference.different),
    )
    parts = [
        f"{ids.count} {way} ({', '.join(ids.first)}{', …' if ids.count > len(ids.first) else ''})"
        for way, ids in ways
        if ids.count
    ]
    said = ", ".join(parts) or "they changed while they were compared"
    return f"{found.kind.collection}{found.place} differ: {said}"


def _say(text: str) -> None:
    print(f"craton-manage: {text}", file=sys.stderr)
