"""The floor of the stack: Pecan and WSME, one controller, one small typed object, no store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pecan
from pecan import rest
from wsme import types
from wsmeext.pecan import wsexpose


class Greeting(types.Base):
    """A small typed object."""

    id = types.text
    name = types.text
    active = types.wsattr(bool)


class Hello(rest.RestController):
    """One controller with one method."""

    @wsexpose(Greeting, types.text)
    def get_one(self, id: str) -> Greeting:
        return Greeting(id=id, name="hello", active=True)


class Root:
    """Where Pecan begins."""

    hello = Hello()


def make_app(directory: Path) -> Any:
    """Make the application; it has no state."""
    return pecan.make_app(Root(), debug=False)
