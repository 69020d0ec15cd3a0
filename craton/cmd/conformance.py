"""``craton-conformance``: holds a driver to the contract, and writes a report.

Exit codes: 0 the driver passes; 1 a clause is broken, or a waiver is no longer needed; 2 the run
could not begin, and the message says why; 3 it was interrupted.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from craton import __version__
from craton.errors import CratonError

PROGRAM: Final = "craton-conformance"

#: What pytest's exit codes become; whatever else it says is an interruption.
_EXIT: Final = {0: 0, 1: 1, 4: 2, 5: 2}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the kit, or write a new driver; return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return _command(arguments)
    except (CratonError, ImportError) as error:
        print(f"{PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _command(arguments: Namespace) -> int:
    if arguments.new:
        from craton.testing.skeleton import write_skeleton

        name, directory = arguments.new
        for path in write_skeleton(name, Path(directory)):
            print(path)
        return 0
    return _conformance(arguments)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog=PROGRAM,
        description="Hold an inventory driver to Craton's contract, clause by clause.",
        epilog="Exit codes: 0 the driver passes; 1 a clause is broken, or a waiver is no longer "
        "needed; 2 the run could not begin; 3 it was interrupted.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--driver", metavar="NAME", help="the driver, by its entry point")
    what.add_argument(
        "--new",
        nargs=2,
        metavar=("NAME", "DIR"),
        help="write a package with a new driver into a directory that does not exist yet",
    )
    parser.add_argument(
        "--config",
        "--config-file",
        metavar="FILE",
        action="append",
        default=[],
        help="a configuration file of the driver; may be repeated",
    )
    parser.add_argument("--waivers", metavar="FILE", help="clauses that it does not keep, with why")
    parser.add_argument("--report", metavar="DIR", help="where to write the report")
    parser.add_argument(
        "--wipe", action="store_true", help="delete what the store holds before the run"
    )
    parser.add_argument(
        "--clauses", metavar="NAMES", help="only these, or families of them, such as PAGE-4,SCAN"
    )
    return parser


def _conformance(arguments: Namespace) -> int:
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise ImportError(f"{PROGRAM} needs pytest; run: pip install 'craton[testing]'") from error
    options = [f"--craton-driver={arguments.driver}", "-c", os.devnull, "-p", "no:cacheprovider"]
    options += [f"--rootdir={Path.cwd()}", "-q", "--tb=short", "--show-capture=no"]
    options += [f"--craton-config={file}" for file in arguments.config]
    for name in ("waivers", "report", "clauses"):
        if getattr(arguments, name):
            options.append(f"--craton-{name}={getattr(arguments, name)}")
    if arguments.wipe:
        options.append("--craton-wipe")
    return _EXIT.get(int(pytest.main(options)), 3)


if __name__ == "__main__":
    sys.exit(main())
