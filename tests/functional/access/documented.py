"""What docs/access.rst promises: the tables there, and what their last columns mean.

Nothing here is taken from the code, so that the two can be compared.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

from craton.caller import Caller

PAGE = Path(__file__).parents[3] / "docs/access.rst"

#: What a caller with a role in Keystone has besides: an admin is a member, a member is a reader.
ROLES = {
    "reader": frozenset({"reader"}),
    "member": frozenset({"reader", "member"}),
    "admin": frozenset({"reader", "member", "admin"}),
}


class Line(NamedTuple):
    """What is needed for one method of one route."""

    rule: str
    needed: str


def routes() -> dict[tuple[str, str], Line]:
    """Return what is needed for each route, by method and path."""
    return {
        (method, _plain(path)): Line(_plain(rule), needed)
        for method, path, rule, needed in _table("Rules of routes")
    }


def content() -> dict[str, str]:
    """Return what is needed for what a request holds, by the name of the rule."""
    return {_plain(rule): needed for rule, needed, _ in _table("Rules of content")}


def passes(caller: Caller | None, needed: str) -> bool:
    """Tell whether a caller has what is needed; ``None`` has no credentials."""
    if needed == "anybody":
        return True
    if caller is None:
        return False
    *system, role = needed.split(" ")
    return role in caller.roles and (caller.is_system or not system)


def _table(title: str) -> list[list[str]]:
    text = PAGE.read_text()
    start = text.index(f".. csv-table:: {title}\n")
    _, _, rest = text[start:].partition("\n\n")
    body = re.match(r"(?:   .+\n)+", rest)
    assert body is not None
    lines = [line.strip() for line in body[0].splitlines()]
    return [[cell.strip() for cell in row] for row in csv.reader(lines, skipinitialspace=True)]


def _plain(literal: str) -> str:
    return literal.strip("`")
