"""What a driver tells of an inventory that another system owns (MIRROR)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who owns an entity.

    Attributes:
        owner: What people call the system.
        url: Where people find and change the entity there; ``None`` if there is no such page.
        variables: The names of the variables that it owns. The others are Craton's own.
    """

    owner: str
    url: str | None
    variables: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """An object of the owner that is not mirrored, or no longer as it is there.

    Attributes:
        kind: The name of its kind.
        id: Its id.
        name: What people call it.
        reason: What is wrong, in one sentence.
        url: Where people find and change it.
    """

    kind: str
    id: str
    name: str
    reason: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A region that would lose too many hosts.

    Attributes:
        region: Its id.
        name: Its name.
        hosts: How many it would lose.
        of: How many it has.
    """

    region: str
    name: str
    hosts: int
    of: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MirrorStatus:
    """How a mirror does.

    Attributes:
        adapter: The name of the adapter that reads the owner.
        owner: What people call the owner.
        max_age: After how many seconds it is brought up to date.
        synced_at: What the owner had at this time is here; ``None`` before the first success.
        changed_at: When a sync last changed anything.
        attempted_at: When a sync last began.
        error: Why the last one failed; ``None`` if it did not.
        held: The regions for whose sake the last one is held.
        rejected: The first of the objects that are not mirrored as they are.
        rejected_total: How many there are.
    """

    adapter: str
    owner: str
    max_age: float
    synced_at: datetime | None = None
    changed_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str | None = None
    held: tuple[Held, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    rejected_total: int = 0

    def age(self, moment: datetime) -> float | None:
        """Return how old the mirror is in seconds, ``None`` before the first success."""
        if self.synced_at is None:
            return None
        return max((moment - self.synced_at).total_seconds(), 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncReport:
    """What one sync did. One that is held did nothing.

    Attributes:
        everything: Whether the owner was read as a whole, and not from where it was left.
        created: How many entities came, by the name of the kind.
        updated: How many changed.
        deleted: How many went.
        rejected: How many objects are not mirrored as they are.
        held: The regions that would have lost too many hosts.
    """

    everything: bool
    created: Mapping[str, int] = field(default_factory=dict)
    updated: Mapping[str, int] = field(default_factory=dict)
    deleted: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    held: tuple[Held, ...] = ()

    @property
    def changed(self) -> int:
        """How many entities came, changed or went."""
        return sum(sum(tally.values()) for tally in (self.created, self.updated, self.deleted))
