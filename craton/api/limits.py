"""How much a request may ask for, from ``[api]`` of the configuration."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from oslo_config import cfg

if TYPE_CHECKING:
    from craton.api.routes import Route


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits that clients are told of; the options' help says what each means."""

    max_limit: int
    max_body_bytes: int
    max_import_bytes: int
    max_batch_changes: int
    max_page_bytes: int
    max_concurrent_bundles: int
    request_seconds: int
    bundle_seconds: int
    require_if_match: bool
    idempotency_key_hours: int

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Self:
        """Read them from the configuration."""
        return cls(**{field.name: conf.api[field.name] for field in dataclasses.fields(cls)})

    def seconds(self, route: Route) -> int:
        """Return how long a request to a route may take."""
        return self.bundle_seconds if route.lengthy else self.request_seconds
