"""Counts and durations of requests for Prometheus, by route and never by path.

A path is the client's choice, and so would be the memory that a series for each of them takes.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any, Final

import pecan.hooks
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from craton.api.request import Request

#: What a request is called that no route of the API was found for.
_ELSEWHERE: Final = "other"

#: Methods that are called by their name.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: Where the workers of one server share their numbers; a convention of prometheus_client.
_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics(pecan.hooks.PecanHook):
    """Measures every request until its answer begins."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "craton_http_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._durations = Histogram(
            "craton_http_request_duration_seconds",
            "Time until the answer began, by route and method.",
            ("route", "method"),
            registry=self._registry,
        )

        self._watchers = Gauge(
            "craton_watchers",
            "Clients that follow the events of a run.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def watched(self, change: int) -> None:
        """Take note that a client who follows events came or went."""
        self._watchers.inc(change)

    def after(self, state: Any) -> None:
        """Count the answer; Pecan calls this after errors, too."""
        request: Request = state.request
        route = request.path_pattern or _ELSEWHERE
        method = request.method if request.method in _METHODS else _ELSEWHERE
        self._requests.labels(route, method, str(state.response.status_int)).inc()
        self._durations.labels(route, method).observe(perf_counter() - request.began)

    def exposition(self) -> bytes:
        """Return all numbers in the format that Prometheus reads."""
        if _SHARED not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        multiprocess.MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
