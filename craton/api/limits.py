"""How much a request may ask for, from ``[api]`` of the configuration."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

from oslo_config import cfg


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits that clients are told of; the options' help says what each means."""

    max_limit: int
    max_body_bytes: int
    max_import_bytes: int
    max_batch_changes: int
    require_if_match: bool
    idempotency_key_hours: int

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Self:
        """Read them from the configuration."""
        return cls(**{field.name: conf.api[field.name] for field in dataclasses.fields(cls)})
