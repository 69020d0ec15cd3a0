"""The fuzzer of the project's own: what a schema cannot tell, from grammars for it."""

from __future__ import annotations

import base64
import json
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.exchange import Answer, Request
from tests.fuzz.requests import requests


class Asked(Protocol):
    """Whoever requests are sent to."""

    def ask(self, request: Request, longest: float | None = None) -> Answer: ...


#: Lists of which there is more than one page, so that there are tokens whose rest can be forged.
_LISTS = [
    f"/v1/{path}?limit=1&sort={sort}"
    for path in ("hosts/r", "groups/r", "regions/t")
    for sort in ("name", "-name", "created_at", "-created_at", "-updated_at")
]


def run(stage: Asked, count: int, number: int, longest: float | None = None) -> None:
    """Send so many requests.

    Args:
        stage: Whom to send them to.
        count: How many.
        number: The seed; the same one makes the same requests.
        longest: How long each may take, in seconds; ``None`` for as long as it likes.

    Raises:
        Fault: An answer is not what answers are; the request is as short as it could be made.
    """

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @seed(number)
    @given(requests(fingerprints(stage)))
    def ask(request: Request) -> None:
        stage.ask(request, longest)

    ask()


def fingerprints(stage: Asked) -> tuple[str, ...]:
    """Return what page tokens begin with, which a client can read and reuse."""
    found = []
    for target in _LISTS:
        path, _, query = target.partition("?")
        page = json.loads(stage.ask(Request("GET", path, query)).body)
        (marker,) = parse_qs(urlsplit(page["links"][0]["href"]).query)["marker"]
        found.append(json.loads(base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)))[0])
    return tuple(found)
