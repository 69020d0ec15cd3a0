"""``craton-api``: the REST API for production, on a store that others look after."""

from __future__ import annotations

from collections.abc import Sequence

from craton import loader
from craton.cmd import console, service

PROGRAM = "craton-api"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it; return the exit code."""
    return console.run(PROGRAM, _command, argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = console.parser(PROGRAM, "Serve Craton's REST API.")
    conf = console.settings(parser.parse_args(argv))
    # What is wrong with the configuration or the schema is said here, once, by one process.
    with loader.load(conf):
        pass
    return service.serve(conf, service.listen(conf))
