"""``craton-manage cmdb``: what an administrator does to a mirror."""

from __future__ import annotations

import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from craton import loader
from craton.cmd import console
from craton.driver import InventoryDriver, now
from craton.mirror import Held, Rejected, SyncReport

#: The exit code of a sync that is held.
HELD: Final = 3

#: The exit code of one that was broken off, as shells have it for SIGINT.
_INTERRUPTED: Final = 130

#: Of how many objects that are not mirrored ``status`` tells.
_TOLD: Final = 1000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the subcommands."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    sync = actions.add_parser(
        "sync",
        help="bring the mirror up to date",
        epilog=f"Exit codes: 0 it is done; 1 it failed; {HELD} it is held until it is confirmed.",
    )
    sync.add_argument("--full", action="store_true", help="read everything anew")
    sync.add_argument(
        "--confirm",
        action="store_true",
        help="let go the hosts for whose sake the last sync is held",
    )
    sync.set_defaults(action=_sync)
    status = actions.add_parser("status", help="tell how the mirror does")
    status.set_defaults(action=_status)


def run(arguments: Namespace) -> int:
    """Run the subcommand; return the exit code."""
    conf = console.settings(arguments)
    console.state_directory(conf)
    with loader.load(conf) as driver:
        code: int = arguments.action(driver, arguments)
        return code


def _sync(driver: InventoryDriver, arguments: Namespace) -> int:
    try:
        with _patience_shown():
            report = driver.sync(
                everything=arguments.full, confirm=arguments.confirm, patience=float("inf")
            )
    except KeyboardInterrupt:
        print("interrupted; the mirror is as it was", file=sys.stderr)
        return _INTERRUPTED
    if report.held:
        print("\n".join(_held_lines(report.held)))
        print("nothing was changed; if that is meant: craton-manage cmdb sync --confirm")
        return HELD
    print(_summary(report))
    return 0


def _status(driver: InventoryDriver, arguments: Namespace) -> int:
    status = driver.mirror_status(rejected=_TOLD)
    age = status.age(now())
    print(f"owner      {status.owner} (adapter {status.adapter})")
    print(f"age        {'never synced' if age is None else f'{age:.0f} s'}")
    print(f"interval   {status.max_age:.0f} s")
    if status.error is not None:
        print(f"error      {status.error}")
    print("\n".join(_held_lines(status.held)), end="\n" if status.held else "")
    print(f"rejected   {status.rejected_total}")
    for rejected in status.rejected:
        print(f"  {_rejected_line(rejected)}")
    if age is None or status.error is not None:
        return 1
    return HELD if status.held else 0


def _summary(report: SyncReport) -> str:
    parts = []
    for word, tally in (
        ("created", report.created),
        ("updated", report.updated),
        ("deleted", report.deleted),
    ):
        parts += [f"{count} {kind}s {word}" for kind, count in sorted(tally.items())]
    if report.rejected:
        parts.append(f"{report.rejected} objects rejected (craton-manage cmdb status)")
    return ", ".join(parts) or "nothing has changed"


def _held_lines(held: Iterable[Held]) -> list[str]:
    return [
        f"held       {region.name} would lose {region.hosts} of {region.of} hosts"
        for region in held
    ]


def _rejected_line(rejected: Rejected) -> str:
    where = f" ({rejected.url})" if rejected.url else ""
    return f"{rejected.kind} {rejected.name or rejected.id}{where}: {rejected.reason}"


@contextmanager
def _patience_shown() -> Iterator[None]:
    """Show on a terminal that the work goes on."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def show() -> None:
        seconds = 0
        while not done.wait(1):
            seconds += 1
            print(f"\rreading, {seconds} s", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print("\r\033[K", end="", file=sys.stderr, flush=True)
