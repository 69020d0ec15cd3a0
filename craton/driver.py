"""THE CONTRACT between Craton and a store. The clauses in docs/contract.rst are its long form.

A driver derives from :class:`InventoryDriver` and writes the hooks, whose names begin with an
underscore. What is the same everywhere (checks, paging, what the store cannot filter, capability
checks) is done here, in the public methods, and a driver leaves those alone.

A reader needs two hooks, ``_get`` and ``_select``. A driver that writes has one more, ``_write``.
All the others have a default that is right, if not fast.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import secrets
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar, Final, Self, TypeAlias

from oslo_config import cfg

from craton import deadline
from craton.capabilities import Capabilities, Capability
from craton.errors import BackendFault, CratonError, InvalidValue, NotFound, RevisionConflict
from craton.mirror import MirrorStatus, Origin, SyncReport
from craton.models import E, Entity, Tenant, parent_field
from craton.query import (
    DEFAULT_LIMIT,
    EVERYTHING,
    Order,
    Page,
    Predicate,
    Query,
    Selection,
    check,
    check_where,
    decode_page,
    encode_page,
    position,
)
from craton.validation import normalized

#: How often ``update`` starts again when somebody else writes the same entity.
UPDATE_ATTEMPTS: Final = 20

#: How long it waits before that, in seconds: a random part of the first number, which doubles each
#: time up to the second one. Those who collide at once would do so again.
_UPDATE_WAIT: Final = 0.004
_LONGEST_UPDATE_WAIT: Final = 0.25

#: How long ``sync`` waits for one that somebody else has begun, in seconds.
SYNC_PATIENCE: Final = 60.0


def new_id() -> str:
    """Return an id that nothing else has."""
    return uuid.uuid4().hex


def new_revision() -> str:
    """Return a revision that no entity ever had."""
    return secrets.token_hex(8)


def now() -> datetime:
    """Return the present in UTC, in whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Create:
    """Store an entity. Its id is Craton's, unless one is given.

    Attributes:
        entity: The entity.
        verbatim: Keep the revision and the times that it brings: it moves here from another store.
    """

    entity: Entity
    verbatim: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Replace:
    """Store another state of an entity that is there; ``created_at`` and the parent stay.

    Attributes:
        entity: The whole new state.
        if_revision: Refuse if the stored entity has another revision.
        verbatim: Keep the revision and ``updated_at`` that it brings.
    """

    entity: Entity
    if_revision: str | None = None
    verbatim: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    """Remove an entity.

    Attributes:
        kind: Its kind.
        id: Its id.
        if_revision: Refuse if the stored entity has another revision.
        cascade: Remove its children too, and theirs; otherwise children are a reason to refuse.
    """

    kind: type[Entity]
    id: str
    if_revision: str | None = None
    cascade: bool = False


Change: TypeAlias = Create | Replace | Delete


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What became of one change.

    Attributes:
        id: The id of the entity.
        revision: Its new revision; empty after a delete.
    """

    id: str
    revision: str


class InventoryReader(ABC):
    """The reading half: all that bundles and resolution need.

    Every method may raise ``Unavailable`` (the store is away, or too busy) and ``BackendFault``; a
    scan looks at :mod:`craton.deadline`, and ends in ``TooSlow`` when the time is over.
    """

    capabilities: Capabilities

    def get(self, kind: type[E], id: str) -> E:
        """Return one entity.

        Raises:
            NotFound: There is none of this kind with this id.
        """
        entity = self._get(kind, id)
        if entity is None:
            raise NotFound(kind.kind, id)
        return entity

    def find(self, kind: type[E], query: Query) -> Page[E]:
        """Return one page of the entities that match, in the query's order.

        A page is full unless it is the last one. What matches throughout a walk over all pages is
        on exactly one of them, whatever is written meanwhile (STABLE_PAGING).

        Raises:
            InvalidQuery: The query names a field that the kind has not, or a limit below 1.
            InvalidPageToken: ``query.page`` was made by another query.
            Unsupported: SORT or STABLE_PAGING is needed and not claimed.
        """
        self._check(kind, query)
        limit = query.limit or DEFAULT_LIMIT
        with closing(self._matching(kind, query, limit + 1)) as found:
            items = tuple(islice(found, limit + 1))
        if len(items) <= limit:
            return Page(items=items)
        items = items[:limit]
        return Page(items=items, next=encode_page(kind, query, position(items[-1], query.order)))

    def scan(self, kind: type[E], query: Query = Query()) -> Generator[E, None, None]:  # noqa: B008
        """Yield every entity that matches, in the query's order, in bounded memory.

        Closing the generator early frees what it holds in the store. A fault in the middle is
        raised; a scan that ends has yielded everything.

        Raises:
            InvalidQuery, InvalidPageToken, Unsupported: As for ``find``.
        """
        self._check(kind, query)
        return self._matching(kind, query, query.limit)

    def count(self, kind: type[Entity], where: Predicate = EVERYTHING) -> int:
        """Return how many entities match.

        Raises:
            InvalidQuery: The predicate names a field that the kind has not.
            Unsupported: COUNT is not claimed.
        """
        self.capabilities.require(Capability.COUNT)
        check_where(kind, where)
        return self._count(kind, where)

    def digest(self, kind: type[Entity], where: Predicate = EVERYTHING) -> str:
        """Return a text that changes whenever the set of matching entities, or one of them, does.

        Two calls return the same text only if the same entities matched, each at the same revision.

        Raises:
            InvalidQuery: The predicate names a field that the kind has not.
        """
        check_where(kind, where)
        return self._digest(kind, where)

    def _check(self, kind: type[E], query: Query) -> None:
        check(kind, query)
        if query.order != Order():
            self.capabilities.require(Capability.SORT)
        if query.page is not None:
            self.capabilities.require(Capability.STABLE_PAGING)

    def _matching(self, kind: type[E], query: Query, limit: int | None) -> Generator[E, None, None]:
        after = decode_page(kind, query)
        pushed, residue = self._pushdown(kind, query.where)
        everything = residue == EVERYTHING
        selection = Selection(
            where=pushed, order=query.order, after=after, limit=limit if everything else None
        )
        return self._stream(kind, selection, residue, limit)

    def _stream(
        self, kind: type[E], selection: Selection, residue: Predicate, limit: int | None
    ) -> Generator[E, None, None]:
        with closing(self._select(kind, selection)) as selected:
            rows = deadline.watched(selected)
            if residue == EVERYTHING:
                yield from islice(rows, limit)
            else:
                yield from islice((row for row in rows if residue.matches(row)), limit)

    # -- hooks of a reader ---------------------------------------------------------------------

    @abstractmethod
    def _get(self, kind: type[E], id: str) -> E | None:
        """Return the entity, or ``None``."""

    @abstractmethod
    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        """Yield what matches ``selection.where``, in order, behind ``selection.after``.

        Strings order by code point. A generator, so that closing it frees the cursor.
        """

    def _pushdown(self, kind: type[E], where: Predicate) -> tuple[Predicate, Predicate]:
        """Split a predicate into what ``_select`` will do and what it leaves to the base class.

        Both must hold together exactly where ``where`` holds. The default leaves everything.
        """
        return EVERYTHING, where

    def _count(self, kind: type[Entity], where: Predicate) -> int:
        """Count what matches. The default reads it."""
        return sum(1 for _ in self.scan(kind, Query(where=where)))

    def _digest(self, kind: type[Entity], where: Predicate) -> str:
        """Digest ids and revisions of what matches. The default reads it."""
        digest = hashlib.blake2b(digest_size=16)
        for entity in self.scan(kind, Query(where=where)):
            digest.update(f"{entity.id} {entity.revision}\n".encode())
        return digest.hexdigest()


class Migrations(ABC):
    """Versions of a store's schema (MIGRATIONS). Usable before the driver is open."""

    @abstractmethod
    def current(self) -> str | None:
        """Return the version that the store is at; ``None`` before the first."""

    @abstractmethod
    def latest(self) -> str:
        """Return the version that this program needs."""

    @abstractmethod
    def history(self) -> Sequence[tuple[str, str]]:
        """Return every version with one line about it, the oldest first."""

    @abstractmethod
    def upgrade(self, version: str | None = None) -> None:
        """Bring the store up to a version, by default the latest. Doing it again changes nothing.

        Raises:
            InvalidValue: There is no such version.
        """

    @abstractmethod
    def downgrade(self, version: str) -> None:
        """Bring the store down to a version; ``base`` is the empty store.

        Raises:
            InvalidValue: There is no such version.
        """


class InventoryDriver(InventoryReader):
    """A store behind the contract.

    Args:
        settings: The service's configuration, with this driver's own options registered.
    """

    #: The version of the contract that the driver is written for.
    contract: ClassVar[int] = 1

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        self.settings = settings

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        """Return the driver's own options by group; the loader registers them."""
        return {}

    def open(self) -> None:
        """Connect. May narrow ``capabilities`` after asking the server what it offers.

        Raises:
            Unavailable: The store cannot be reached.
            SchemaOutdated: The store's schema is older than ``Migrations.latest``, or newer and
                no longer for programs of this version.
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

    def ping(self) -> None:
        """Make one round trip to the store.

        Raises:
            Unavailable: It does not answer.
        """
        self._ping()

    def create(self, entity: E, *, verbatim: bool = False) -> E:
        """Store a new entity and return it as stored.

        Craton gives an id if the entity has none, the revision and both times. With ``verbatim``
        the entity brings them all, as it was read from another store.

        Raises:
            InvalidValue: A field holds what it cannot hold.
            InvalidReference: The parent does not exist, or a link names nothing in the region.
            AlreadyExists: The id, or the name where it must be unique, is taken.
            Cycle: A group would be its own ancestor.
            Indeterminate: The store was lost while it stored the entity; it is there, or not.
            Unsupported, ReadOnly: The kind cannot be written.
        """
        self._require_write(type(entity), None)
        checked = normalized(entity, verbatim=verbatim)
        stored = _stamped(checked, verbatim, now(), new_revision())
        self._write(iter((Create(entity=stored, verbatim=verbatim),)))
        return stored

    def replace(self, entity: E, *, if_revision: str | None = None, verbatim: bool = False) -> E:
        """Store another state of an entity and return it as stored.

        The id says which; ``created_at`` is kept, and the parent must be the same. With
        ``if_revision`` the comparison and the write are one step (CAS). With ``verbatim`` the
        entity brings its revision and ``updated_at``, as it was read from another store.

        Raises:
            NotFound: There is no such entity.
            RevisionConflict: The stored entity has another revision than ``if_revision``.
            InvalidValue, InvalidReference, AlreadyExists, Cycle: As for ``create``.
            Unsupported, ReadOnly: The kind cannot be written, or CAS is needed and not claimed.
        """
        self._require_write(type(entity), if_revision)
        checked = normalized(entity, verbatim=verbatim)
        before = self.get(type(entity), entity.id)
        stamped = _stamped(checked, verbatim, now(), new_revision())
        stored = dataclasses.replace(stamped, created_at=before.created_at)
        self._write(iter((Replace(entity=stored, if_revision=if_revision, verbatim=verbatim),)))
        return stored

    def delete(
        self,
        kind: type[Entity],
        id: str,
        *,
        if_revision: str | None = None,
        cascade: bool = False,
    ) -> None:
        """Remove an entity.

        The links that other entities have to it go with it, and change their revisions.

        Raises:
            NotFound: There is no such entity.
            RevisionConflict: It has another revision than ``if_revision``.
            InUse: It has children, and ``cascade`` is not set.
            Unsupported, ReadOnly: The kind cannot be written, or CAS is needed and not claimed.
        """
        self._require_write(kind, if_revision)
        change = Delete(kind=kind, id=id, if_revision=if_revision, cascade=cascade)
        self._write(iter((change,)))

    def update(self, kind: type[E], id: str, change: Callable[[E], E]) -> E:
        """Read an entity, change it, and store it unless somebody else did meanwhile; then again.

        ``change`` may be called several times, so it must do nothing but compute. When it returns
        an equal entity, nothing is written.

        Raises:
            RevisionConflict: ``UPDATE_ATTEMPTS`` times somebody else was faster.
            NotFound, InvalidValue, InvalidReference, AlreadyExists, Cycle: As for ``replace``.
            Unsupported: CAS is not claimed.
        """
        self.capabilities.require(Capability.CAS)
        for attempt in range(UPDATE_ATTEMPTS):
            if attempt:
                longest = min(_UPDATE_WAIT * 2**attempt, _LONGEST_UPDATE_WAIT)
                time.sleep(random.uniform(0, longest))
            before = self.get(kind, id)
            after = change(before)
            if after == before:
                return before
            try:
                return self.replace(after, if_revision=before.revision)
            except RevisionConflict:
                continue
        raise RevisionConflict(kind.kind, id)

    def apply(self, changes: Iterable[Change]) -> list[Stamp]:
        """Make many changes, all or none, as one step to every reader.

        They take effect in their order, except that links between entities (memberships, parents
        of groups) are looked at when all are done: a change may name a group that a later one
        creates.

        Returns:
            The id and the new revision of each, in the order of the changes.

        Raises:
            CratonError: Any error of ``create``, ``replace`` and ``delete``; ``error.change`` is
                the position of the change that caused it. Nothing was written.
            Indeterminate: All was written, or nothing.
            Unsupported: ATOMIC_BATCH is not claimed.
        """
        self.capabilities.require(Capability.ATOMIC_BATCH)
        stamps: list[Stamp] = []
        self._write(self._prepared(changes, stamps))
        return stamps

    def snapshot(self) -> AbstractContextManager[InventoryReader]:
        """Return a context whose reader sees one state, whatever is written meanwhile.

        Raises:
            Unsupported: SNAPSHOT is not claimed.
        """
        self.capabilities.require(Capability.SNAPSHOT)
        return self._snapshot()

    def migrations(self) -> Migrations:
        """Return the versions of the store's schema.

        Raises:
            Unsupported: MIGRATIONS is not claimed.
        """
        self.capabilities.require(Capability.MIGRATIONS)
        return self._migrations()

    def sync(
        self,
        *,
        everything: bool = False,
        confirm: bool = False,
        max_age: float = 0.0,
        patience: float = SYNC_PATIENCE,
    ) -> SyncReport:
        """Bring over what the system that owns the inventory has, as one step to every reader.

        Of several calls, also by other processes, one works at a time and the others wait for it;
        they do not repeat what it did for them. A sync that fails changes nothing, and neither
        does one that would drop too many hosts of a region: it is held, and its report says so.

        Args:
            everything: Read the whole, and not only what changed since it was read last.
            confirm: Let go as many hosts as the sync that is held would.
            max_age: Do nothing if the mirror is not older than this, in seconds.
            patience: How long to wait for a sync of somebody else, in seconds.

        Raises:
            OwnerUnavailable: The other system gives no answer, or not a whole one.
            Unavailable: The store is away, or the sync of somebody else takes longer.
            Unsupported: MIRROR is not claimed.
        """
        self.capabilities.require(Capability.MIRROR)
        return self._sync(everything, confirm, max_age, patience)

    def mirror_status(self, *, rejected: int = 0) -> MirrorStatus:
        """Return how the mirror does: how old it is, what went wrong, what is not in it.

        Args:
            rejected: Of how many objects that are not in it to tell; their number is told anyway.

        Raises:
            Unavailable: The store is away.
            Unsupported: MIRROR is not claimed.
        """
        self.capabilities.require(Capability.MIRROR)
        return self._mirror_status(rejected)

    def origins(self, kind: type[Entity], ids: Collection[str]) -> Mapping[str, Origin]:
        """Return who owns entities, by id; those that are Craton's own are left out.

        Raises:
            Unavailable: The store is away.
            Unsupported: MIRROR is not claimed.
        """
        self.capabilities.require(Capability.MIRROR)
        return self._origins(kind, ids)

    def _require_write(self, kind: type[Entity], if_revision: str | None) -> None:
        # What is only amendable is told apart by the driver, which knows whose an entity is.
        self.capabilities.require_amendable(kind)
        if if_revision is not None:
            self.capabilities.require(Capability.CAS)

    def _prepared(self, changes: Iterable[Change], stamps: list[Stamp]) -> Iterator[Change]:
        """Check and stamp changes one by one, so that a long list need not be held twice."""
        moment, revision = now(), new_revision()
        for index, change in enumerate(deadline.watched(changes)):
            with at(index):
                prepared = self._prepare(change, moment, revision)
            if isinstance(prepared, Delete):
                stamps.append(Stamp(id=prepared.id, revision=""))
            else:
                stamps.append(Stamp(id=prepared.entity.id, revision=prepared.entity.revision))
            yield prepared

    def _prepare(self, change: Change, moment: datetime, revision: str) -> Change:
        if isinstance(change, Delete):
            self._require_write(change.kind, change.if_revision)
            return change
        if_revision = change.if_revision if isinstance(change, Replace) else None
        self._require_write(type(change.entity), if_revision)
        checked = normalized(change.entity, verbatim=change.verbatim)
        entity = _stamped(checked, change.verbatim, moment, revision)
        return dataclasses.replace(change, entity=entity)

    # -- hooks of a driver ---------------------------------------------------------------------

    def _open(self) -> None:
        """Connect."""

    def _close(self) -> None:
        """Let go of everything; may be called twice, and without ``_open``."""

    def _ping(self) -> None:
        """Make one round trip."""
        self.find(Tenant, Query(limit=1))

    def _write(self, changes: Iterator[Change]) -> None:
        """Make the changes, all or none; without ATOMIC_BATCH there is only ever one.

        The iterator may raise: then nothing is written. Entities are checked by themselves and
        stamped already. Left to the driver is what only the store can know: that parents and links
        exist in the region, that names are free (also between the hosts and the groups of a region,
        and ``craton.rules.rivals``; see ``craton.rules.TakenNames``), that groups form no cycle
        (``craton.rules.find_cycle``), that revisions match, that a replaced entity keeps its parent
        and its ``created_at``, that a deleted one leaves neither children nor links. An error names
        its change by :meth:`at`.
        """
        raise BackendFault("the driver claims to write, and has no way to")

    def _snapshot(self) -> AbstractContextManager[InventoryReader]:
        """Return a context with a reader of one state."""
        raise BackendFault("the driver claims snapshots, and has none")

    def _migrations(self) -> Migrations:
        """Return the versions of the store's schema."""
        raise BackendFault("the driver claims migrations, and has none")

    def _sync(self, everything: bool, confirm: bool, max_age: float, patience: float) -> SyncReport:
        """Bring over what the owner has; the arguments are those of ``sync``."""
        raise BackendFault("the driver claims to be a mirror, and follows nobody")

    def _mirror_status(self, rejected: int) -> MirrorStatus:
        """Return how the mirror does, with so many of the rejected objects. It is called often."""
        raise BackendFault("the driver claims to be a mirror, and follows nobody")

    def _origins(self, kind: type[Entity], ids: Collection[str]) -> Mapping[str, Origin]:
        """Return who owns entities, by id."""
        raise BackendFault("the driver claims to be a mirror, and follows nobody")


@contextmanager
def at(index: int) -> Iterator[None]:
    """Mark errors of the block as caused by the change at this position."""
    try:
        yield
    except CratonError as error:
        if error.change is None:
            error.change = index
        raise


def parent_of(entity: Entity) -> str | None:
    """Return the id of an entity's parent, ``None`` for a root."""
    name = parent_field(type(entity))
    return getattr(entity, name) if name else None


def check_replaceable(stored: E | None, entity: E, if_revision: str | None) -> E:
    """Tell whether an entity may be replaced by another state of itself, for ``_write``.

    Returns:
        The stored entity.

    Raises:
        NotFound, RevisionConflict, InvalidValue: It may not.
    """
    if stored is None:
        raise NotFound(entity.kind, entity.id)
    if parent_of(stored) != parent_of(entity):
        raise InvalidValue(str(parent_field(type(entity))), "must stay the same; it never changes")
    if if_revision is not None and stored.revision != if_revision:
        raise RevisionConflict(entity.kind, entity.id)
    return stored


def _stamped(entity: E, verbatim: bool, moment: datetime, revision: str) -> E:
    if verbatim:
        return entity
    return dataclasses.replace(
        entity,
        id=entity.id or new_id(),
        revision=revision,
        created_at=moment,
        updated_at=moment,
    )
