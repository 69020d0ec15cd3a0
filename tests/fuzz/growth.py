"""What grows with the number of requests: memory of the process, and objects that are kept."""

from __future__ import annotations

import functools
import gc
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psutil

from tests.fuzz.exchange import Request
from tests.fuzz.stage import Stage

#: How much a process may grow after it is warm, in bytes: what the allocator keeps in hand.
ALLOWED = 32 * 2**20

_METHODS = ("GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW")
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_.~ é\u202e%/"
_BEGINNINGS = ("/", "/v1/", "/v1/hosts/", "/v1/hosts/r/", "/v1/groups/r/web/", "/v1/tenants/",
               "/v1/inventory/", "/v1/hosts/r/h1/variables/", "/ui/",
               "/v1/secrets/h1/")  # fmt: skip


def resident() -> int:
    """Return how much memory this process has, in bytes, once what is not used is given back."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def kept(stage: Stage) -> dict[str, int]:
    """Return how much the process keeps: objects, entries of caches, lines of metrics."""
    gc.collect()
    caches = [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]
    metrics = stage.ask(Request("GET", "/metrics")).body
    return {
        "objects": len(gc.get_objects()),
        "series": len(metrics.splitlines()),
        "unbounded": sum(
            cache.cache_info().currsize for cache in caches if cache.cache_info().maxsize is None
        ),
    }


def paths(number: int) -> Iterator[Request]:
    """Yield requests to paths that nobody asked for before, without end."""
    chance = random.Random(number)
    while True:
        rest = "".join(chance.choices(_CHARACTERS, k=chance.randint(1, 60)))
        path = chance.choice(_BEGINNINGS) + quote(rest, safe="/")
        query = f"{chance.getrandbits(32)}=1" if chance.random() < 0.1 else ""
        headers = {"If-None-Match": f'"{chance.getrandbits(32)}"'} if chance.random() < 0.1 else {}
        body, method = b"", chance.choice(_METHODS)
        if method in {"POST", "PUT", "PATCH"}:
            body = json.dumps({f"x{chance.getrandbits(32)}": 1}).encode()
            headers["Content-Type"] = f"application/json; x{chance.getrandbits(16)}=1"
            if chance.random() < 0.5:
                headers["Content-Type"] = "application/json"
                headers["Idempotency-Key"] = f'"{chance.getrandbits(64)}"'
        yield Request(method, path, query, headers, body)


def visit(stage: Stage, requests: Iterator[Any], count: int, longest: float | None = None) -> None:
    """Send so many of the requests.

    Raises:
        Fault: An answer is not what all answers are.
    """
    for _ in range(count):
        stage.ask(next(requests), longest)
