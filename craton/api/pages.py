"""One page of a list, bounded in what it holds at once."""

from __future__ import annotations

import dataclasses
from typing import Final

import orjson

from craton.api.representation import document
from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.models import Entity
from craton.query import DEFAULT_LIMIT, Query

#: How many entities are read to begin with, where nothing is known of their size.
_FIRST: Final = 20

#: By how much more at most are read then.
_GROWTH: Final = 50


def read_page(
    driver: InventoryDriver, kind: type[Entity], query: Query, variables: bool, max_bytes: int
) -> tuple[list[orjson.Fragment], str | None]:
    """Read a page, and make JSON of what is on it.

    Without variables an entity is small. With them a thousand may be more than the service can
    hold, so they are read some at a time, and a page that is full by its bytes ends early, where
    the driver can go on from there.

    Args:
        driver: Where they are.
        kind: Their kind.
        query: Which; at most ``query.limit``.
        variables: Whether variables are in the answer.
        max_bytes: About how many bytes a page with variables may have; one entity is always on it.

    Returns:
        The entities as JSON, and the token of the next page, if there is more.

    Raises:
        CratonError: As ``InventoryReader.find``.
    """
    found: list[orjson.Fragment] = []
    left, room, token = query.limit or DEFAULT_LIMIT, max_bytes, query.page
    in_parts = variables and Capability.STABLE_PAGING in driver.capabilities
    size = min(_FIRST, left) if in_parts else left
    while True:
        page = driver.find(kind, dataclasses.replace(query, limit=size, page=token))
        texts = [orjson.dumps(document(entity, variables)) for entity in page.items]
        found += map(orjson.Fragment, texts)
        length, token = sum(map(len, texts)), page.next
        left, room = left - len(texts), room - length
        if token is None or left == 0 or room <= 0:
            return found, token
        # As many as will fit if they are like those before, and not many times more than that.
        size = max(1, min(left, size * _GROWTH, room * size // max(1, length)))
