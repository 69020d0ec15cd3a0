"""THE CONTRACT between Craton and a CMDB that owns a part of the inventory.

An adapter reads a CMDB, the database in which a company keeps its machines, and says what it finds
there in Craton's words. It derives from :class:`CmdbAdapter`, is found by an entry point of the
group ``craton.cmdb.adapters``, and needs one hook, ``_changes``. All the rest is the business of
the driver ``cmdb``: a mirror in a store of Craton's, who owns what, and what happens when the CMDB
is away. docs/cmdb.rst tells it to those who run it, docs/contract.rst (ADAPTER) to those who write
an adapter.

An adapter gives every entity an id of its own choice, the same one for the same object at every
time: at most 64 characters, without a slash. Links and parents name such ids. Revisions and times
are left empty. An object that makes no valid entity is no error: it is yielded as
:class:`Unusable`, or as the entity that it makes, and the driver finds the fault.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import ClassVar, Final, Self, TypeAlias

from oslo_config import cfg

from craton.errors import BackendFault, ReadOnly, Unavailable
from craton.models import Entity, Host, Region, Tenant

#: The longest token, in characters.
MAX_TOKEN: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """An object of the CMDB, as it is now.

    Attributes:
        entity: What it is in Craton: all that the CMDB knows of it, and nothing else.
        url: Where people find and change it in the CMDB.
    """

    entity: Entity
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """An object that the CMDB no longer has; one that Craton never knew is ignored."""

    kind: type[Entity]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """An object of which the adapter cannot make an entity without guessing.

    What Craton knew of it before stays as it was.

    Attributes:
        kind: What it would be.
        id: Its id.
        name: What people call it.
        reason: What is wrong with it, and where to mend it, in one sentence.
        url: Where people find and change it in the CMDB.
    """

    kind: type[Entity]
    id: str
    name: str
    reason: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The last item of a stream. One that ends without it was cut off, and nothing of it counts.

    Attributes:
        token: What to pass as ``since`` the next time: an opaque text of at most ``MAX_TOKEN``
            characters.
        everything: Whether the stream had every object that there is, so that what it did not
            mention is gone; otherwise it had the changes since the token that was passed.
    """

    token: str
    everything: bool


Item: TypeAlias = Present | Gone | Unusable | End


class CmdbAdapter(ABC):
    """A CMDB, read in Craton's words.

    Args:
        settings: The service's configuration, with this adapter's own options registered.
    """

    #: The version of this contract that the adapter is written for.
    contract: ClassVar[int] = 1

    #: What people call the CMDB.
    owner: ClassVar[str]

    #: The kinds of which the CMDB has every one. Nobody creates or deletes such an entity through
    #: Craton. Of other kinds the adapter may yield some, which are the CMDB's, and Craton may have
    #: more of its own.
    owns: ClassVar[frozenset[type[Entity]]] = frozenset((Tenant, Region, Host))

    #: The kinds that :meth:`write` changes in the CMDB. The driver passes on what Craton is asked
    #: to change of one such entity; to create and to delete stays with the CMDB.
    writes: ClassVar[frozenset[type[Entity]]] = frozenset()

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        self.settings = settings

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        """Return the adapter's own options by group; they are registered before it is made."""
        return {}

    def open(self) -> None:
        """Get ready. The CMDB may be away: no round trip is made.

        Raises:
            ConfigurationError: An option, or a file that it names, cannot be used.
        """
        self._open()

    def close(self) -> None:
        """Let go of everything; a second call does nothing."""
        self._close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def changes(self, since: str | None) -> Generator[Item, None, None]:
        """Yield what changed since a token, in any order, and then :class:`End`.

        An object that changed several times may be yielded several times; the last one counts.
        What changes while the stream runs is in it, or in the next one. An adapter that does not
        know the token any more, or that cannot tell what changed, yields everything.

        Args:
            since: A token of an earlier ``End``; ``None`` asks for everything.

        Raises:
            Unavailable: The CMDB is away, too slow, refuses the credentials or answers with
                something that is not an answer, at any point of the stream; or the stream was cut
                off before its end.
            BackendFault: The adapter does not keep this contract.
        """
        with closing(self._changes(since)) as items:
            for item in items:
                yield item
                if isinstance(item, End):
                    _check_end(item, since, items)
                    return
        raise Unavailable(f"{self.owner} sent a part of what was asked for")

    def write(self, before: Entity | None, after: Entity | None) -> None:
        """Make a change in the CMDB, for the kinds in ``writes``.

        The driver reads what changed afterwards, so that the CMDB has the last word.

        Args:
            before: The entity as the CMDB has it; ``None`` to create one.
            after: As it is to be; ``None`` to delete it.

        Raises:
            ReadOnly: The CMDB does not let this be changed from outside.
            Conflict: The CMDB refuses the change.
            Unavailable: The CMDB is away; whether the change was made is not known.
        """
        entity = after or before
        if entity is None or type(entity) not in self.writes:
            raise ReadOnly(self.owner)
        self._write(before, after)

    # -- hooks ---------------------------------------------------------------------------------

    def _open(self) -> None:  # noqa: B027 - most have nothing to do
        """Get ready, without a round trip."""

    def _close(self) -> None:  # noqa: B027
        """Let go of everything; may be called twice, and without ``_open``."""

    @abstractmethod
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        """Yield what changed since a token, and then :class:`End`."""

    def _write(self, before: Entity | None, after: Entity | None) -> None:
        """Make a change of one of ``writes`` in the CMDB."""
        raise BackendFault(f"the adapter of {self.owner} claims to write, and has no way to")


def _check_end(end: End, since: str | None, items: Generator[Item, None, None]) -> None:
    if since is None and not end.everything:
        raise BackendFault("the adapter was asked for everything, and says that it gave a part")
    if len(end.token) > MAX_TOKEN:
        raise BackendFault(f"the adapter's token has more than {MAX_TOKEN} characters")
    if next(items, None) is not None:
        raise BackendFault("the adapter went on behind the end")
