"""``If-Match`` and ``If-None-Match`` (RFC 9110, section 13), on revisions as entity tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from craton.api.errors import MalformedRequest, PreconditionFailed, PreconditionRequired
from craton.api.request import Request

#: What ``*`` stands for: any revision at all.
_ANY: Final = None

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*\Z")
_ONE = re.compile(r'(W/)?"([^"]*)"')


@dataclass(frozen=True)
class Tags:
    """The entity tags that a header field names.

    Attributes:
        strong: Those that may vouch for a write; ``None`` is any.
        every: Those, and the weak ones; ``None`` is any.
    """

    strong: frozenset[str] | None
    every: frozenset[str] | None

    @classmethod
    def parse(cls, text: str, header: str) -> Self:
        """Read a header field.

        Raises:
            MalformedRequest: It is neither a list of entity tags nor ``*``.
        """
        if text.strip() == "*":
            return cls(_ANY, _ANY)
        if not _LIST.match(text):
            raise MalformedRequest(
                f'{header} must be a list of entity tags in quotes, or "*"', header=header
            )
        tags = _ONE.findall(text)
        return cls(
            frozenset(tag for weak, tag in tags if not weak), frozenset(tag for _, tag in tags)
        )


@dataclass(frozen=True)
class Conditions:
    """What must hold of an entity for the request to be done."""

    if_match: Tags | None
    if_none_match: Tags | None

    @classmethod
    def of(cls, request: Request, required: bool = False) -> Self:
        """Read the conditions of a request.

        Raises:
            MalformedRequest: One cannot be read.
            PreconditionRequired: There is no If-Match, and ``required`` is set.
        """
        if_match = request.environ.get("HTTP_IF_MATCH")
        if_none_match = request.environ.get("HTTP_IF_NONE_MATCH")
        if required and if_match is None:
            raise PreconditionRequired
        return cls(
            None if if_match is None else Tags.parse(if_match, "If-Match"),
            None if if_none_match is None else Tags.parse(if_none_match, "If-None-Match"),
        )

    def for_write(self, revision: str) -> str | None:
        """Check the conditions of a write.

        Returns:
            The revision to insist on while writing; ``None`` if any will do.

        Raises:
            PreconditionFailed: The entity at this revision is not what the client wants to write.
        """
        self._check_if_match(revision)
        if self._is_among(revision, self.if_none_match):
            raise PreconditionFailed("the entity is in the state that If-None-Match excludes")
        return None if self.writes_any else revision

    def for_read(self, revision: str) -> bool:
        """Tell whether a reader needs the entity at this revision, or has it already.

        Raises:
            PreconditionFailed: It is not one that the client wants to read.
        """
        self._check_if_match(revision)
        return not self._is_among(revision, self.if_none_match)

    @property
    def writes_any(self) -> bool:
        """Whether a write is welcome at whichever revision."""
        return self.if_match is None or self.if_match.strong is _ANY

    def _check_if_match(self, revision: str) -> None:
        if self.writes_any:
            return
        assert self.if_match is not None
        assert self.if_match.strong is not None
        if revision not in self.if_match.strong:
            raise PreconditionFailed(
                "the entity was changed since it was read; read it again", revision=revision
            )

    @staticmethod
    def _is_among(revision: str, tags: Tags | None) -> bool:
        return tags is not None and (tags.every is _ANY or revision in tags.every)
