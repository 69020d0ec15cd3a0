"""What an import did, in numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Tally:
    """How many groups and hosts."""

    groups: int = 0
    hosts: int = 0

    @property
    def total(self) -> int:
        """Groups and hosts together."""
        return self.groups + self.hosts


@dataclass(kw_only=True, slots=True)
class ImportReport:
    """What became of the groups and hosts of the document, and of those that it lacks.

    Attributes:
        created: In the document only.
        updated: In both, and not the same.
        deleted: In the region only, when the region is to become the document.
        unchanged: In both, and not written.
    """

    created: Tally = field(default_factory=Tally)
    updated: Tally = field(default_factory=Tally)
    deleted: Tally = field(default_factory=Tally)
    unchanged: Tally = field(default_factory=Tally)

    def document(self) -> dict[str, dict[str, int]]:
        """Return the numbers as JSON, such as ``{"created": {"groups": 3, "hosts": 40}, …}``."""
        return dataclasses.asdict(self)
