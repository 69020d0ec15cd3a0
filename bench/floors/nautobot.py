"""The least that reading a Nautobot costs: its devices by GraphQL, and nothing done with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

from craton.backends.cmdb.nautobot.mapping import SELECTIONS

#: Devices that one request asks for: what was the fastest.
_PAGE = 1000


def read(url: str, token: str) -> int:
    """Read every device with all that Craton asks of it, and return how many there are."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Token {token}"
        ids = [row["id"] for row in _asked(session, url, "{ devices { id } }")]
        return sum(1 for _ in _devices(session, url, ids))


def _devices(session: requests.Session, url: str, ids: list[str]) -> Iterator[dict[str, Any]]:
    query = f"query ($ids: [String]) {{ devices(id: $ids) {{ {SELECTIONS['devices']} }} }}"
    for start in range(0, len(ids), _PAGE):
        yield from _asked(session, url, query, ids=ids[start : start + _PAGE])


def _asked(
    session: requests.Session, url: str, query: str, **variables: object
) -> list[dict[str, Any]]:
    question = {"query": query, "variables": variables}
    answer = session.post(f"{url}/api/graphql/", json=question, timeout=600)
    answer.raise_for_status()
    devices: list[dict[str, Any]] = answer.json()["data"]["devices"]
    return devices
