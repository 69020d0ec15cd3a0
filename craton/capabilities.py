"""What a driver promises beyond reading by id and by query.

A capability that is not claimed raises ``Unsupported``; nothing is silently weaker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from craton.errors import Unsupported
from craton.models import KINDS, Entity


class Capability(Enum):
    """A promise that a driver may make. The value is its name in REST and in errors."""

    #: ``create``, ``replace`` and ``delete`` work, for the kinds in ``Capabilities.writable``.
    WRITE = "write"
    #: ``if_revision`` is honoured in one step with the write, under concurrent writers.
    CAS = "cas"
    #: ``apply`` makes all of its changes, or none, to every reader.
    ATOMIC_BATCH = "atomic_batch"
    #: ``snapshot`` gives one state to many reads, whatever is written meanwhile.
    SNAPSHOT = "snapshot"
    #: Queries may be ordered by other fields than the name, and in descending order.
    SORT = "sort"
    #: Paging neither skips nor repeats what stands throughout, under concurrent writers.
    STABLE_PAGING = "stable_paging"
    #: ``count`` counts.
    COUNT = "count"
    #: The store has a schema of versions; ``migrations`` moves between them.
    MIGRATIONS = "migrations"
    #: The inventory is another system's: ``sync`` follows it, ``origins`` tells what it owns.
    MIRROR = "mirror"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What one driver promises, perhaps narrowed by ``open`` after asking its server.

    Attributes:
        supported: The capabilities that are claimed.
        writable: The kinds that can be written, when WRITE is claimed.
        amendable: Further kinds whose entities are another system's (MIRROR). Nobody creates or
            deletes one here; to what that system has no place for, a replace may add.
    """

    supported: frozenset[Capability]
    writable: frozenset[type[Entity]] = field(default=frozenset(KINDS))
    amendable: frozenset[type[Entity]] = frozenset()

    def __contains__(self, capability: Capability) -> bool:
        return capability in self.supported

    def require(self, capability: Capability) -> None:
        """Insist on a capability.

        Raises:
            Unsupported: The driver does not claim it.
        """
        if capability not in self.supported:
            raise Unsupported(capability.value)

    def require_writable(self, kind: type[Entity]) -> None:
        """Insist that a kind can be written.

        Raises:
            Unsupported: WRITE is not claimed, or not for this kind.
        """
        self.require(Capability.WRITE)
        if kind not in self.writable:
            raise Unsupported(
                f"{Capability.WRITE.value}:{kind.kind}",
                f"the inventory driver does not write {kind.collection}",
            )

    def require_amendable(self, kind: type[Entity]) -> None:
        """Insist that entities of a kind can be changed, at least in part.

        Raises:
            Unsupported: WRITE is not claimed, or the kind is neither writable nor amendable.
        """
        if kind not in self.amendable or Capability.WRITE not in self:
            self.require_writable(kind)


#: All that a store can promise by itself, where nobody else owns what is in it.
EVERY_CAPABILITY = frozenset(Capability) - {Capability.MIRROR}
