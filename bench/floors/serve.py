"""Run a floor under the server that Craton runs under, by the same settings.

Usage: ``python -m bench.floors.serve (bare | hello) DIRECTORY``; it prints its URL.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from craton import config
from craton.cmd import service


class Floor(service.Service):
    """Craton's own server with another application in it."""

    app: Any

    def load(self) -> Any:
        return self.app


def main(name: str, directory: str) -> None:
    """Serve until a signal ends it."""
    conf = config.settings(files=[], state_path=directory, api__port=0)
    listener = service.listen(conf)
    print(service.url_of(listener), flush=True)
    server = Floor(conf, listener, None)
    server.app = importlib.import_module(f"bench.floors.{name}").make_app(Path(directory))
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
