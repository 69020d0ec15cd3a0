"""What one method of one path takes and gives, as the table of routes declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Final

from craton.api.parameters import Parameter
from craton.api.schema import Schema

JSON: Final = "application/json"


@dataclass(frozen=True, kw_only=True)
class Takes:
    """The body that a route takes.

    Attributes:
        schema: What it holds.
        limit: Its length in bytes, at most.
        media_types: What it may be called.
    """

    schema: Schema
    limit: int
    media_types: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path.

    Attributes:
        method: The method; a GET answers HEAD, too.
        path: The path, with the names of its variable parts in braces.
        summary: One line about it.
        parameters: The query parameters that it takes.
        body: The body that it takes.
        status: The status of success.
        schema: What the answer holds; ``None`` if it has no body, or one that is not JSON.
        media_types: What the answer may be.
        conditional: Whether If-Match and If-None-Match have a meaning.
        lengthy: Whether it may take as long as a bundle, and not only as long as a request.
        others: Other statuses of success, with the same answer.
    """

    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: Takes | None = None
    status: HTTPStatus = HTTPStatus.OK
    schema: Schema | None = None
    media_types: tuple[str, ...] = (JSON,)
    conditional: bool = False
    lengthy: bool = False
    others: tuple[HTTPStatus, ...] = ()

    @property
    def creates(self) -> bool:
        """Whether it creates one entity, and so takes an Idempotency-Key."""
        return self.method == "POST" and HTTPStatus.CREATED in (self.status, *self.others)

    @cached_property
    def parameters_by_name(self) -> Mapping[str, Parameter]:
        """The query parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}
