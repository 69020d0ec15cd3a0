"""The cmdb driver: a CMDB owns the inventory, another driver's store has the mirror of it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain, islice
from typing import Any, Final

from oslo_config import cfg

from craton import loader
from craton.backends.cmdb.amending import Amendments
from craton.backends.cmdb.books import Books, State
from craton.backends.cmdb.entries import KINDS_BY_NAME
from craton.backends.cmdb.lease import Lease
from craton.backends.cmdb.passing import written_through
from craton.backends.cmdb.reader import MirrorReader
from craton.backends.cmdb.syncing import Sync, is_fresh
from craton.capabilities import Capabilities, Capability
from craton.driver import (
    Change,
    Create,
    InventoryDriver,
    InventoryReader,
    Migrations,
    Replace,
    now,
)
from craton.errors import (
    ConfigurationError,
    Conflict,
    CratonError,
    OwnerUnavailable,
    ReadOnly,
    RevisionConflict,
    SyncHeld,
    Unavailable,
)
from craton.mirror import MirrorStatus, Origin, SyncReport
from craton.models import KINDS, ChangeRecord, Entity

#: What the store must offer to hold a mirror.
_NEEDED: Final = (Capability.WRITE, Capability.CAS, Capability.ATOMIC_BATCH)

#: How often to look whether somebody else's sync has ended, in seconds.
_LOOK: Final = 0.1

#: How long a state is taken to be the present one, in seconds.
_GLANCE: Final = 1.0

#: How long a change that was made in the CMDB may wait for a sync of somebody else's, in seconds.
_PATIENCE: Final = 8.0

#: How often a write of one change begins again because the mirror moved on.
_ATTEMPTS: Final = 10

_OPTIONS: Final[Sequence[cfg.Opt]] = (
    cfg.StrOpt("adapter", help="The adapter of the CMDB, by its entry point."),
    cfg.StrOpt(
        "overlay",
        default="sql",
        help="The driver whose store holds the mirror, with what is Craton's own.",
    ),
    cfg.FloatOpt(
        "max_age",
        default=300.0,
        min=1.0,
        help="After how many seconds the mirror is brought up to date in the background.",
    ),
    cfg.FloatOpt(
        "shrink_limit",
        default=0.1,
        min=0.0,
        max=1.0,
        help="The share of a region's hosts that one sync may drop. A sync that would drop more is "
        "held until somebody confirms it.",
    ),
    cfg.FloatOpt(
        "lease",
        default=60.0,
        min=1.0,
        help="After how many seconds without a sign of life another process may take over a sync.",
    ),
)


class CmdbDriver(MirrorReader, InventoryDriver):
    """Mirrors what a CMDB owns, beside what is Craton's own."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        InventoryDriver.__init__(self, settings)
        options = settings.cmdb
        if not options.adapter:
            raise ConfigurationError("set [cmdb] adapter to the adapter of the CMDB")
        self._adapter = loader.load_adapter(settings, options.adapter)
        self._store = loader.load(settings, options.overlay)
        MirrorReader.__init__(self, self._store, self._promised(), self._check_synced)
        self._synced = False
        self._closing = threading.Event()
        self._glanced: tuple[float, State] | None = None

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {"cmdb": _OPTIONS}

    def _promised(self) -> Capabilities:
        store, adapter = self._store.capabilities, self._adapter
        for capability in _NEEDED:
            if capability not in store:
                raise ConfigurationError(
                    f"[cmdb] overlay: the driver {self.settings.cmdb.overlay!r} cannot hold a "
                    f"mirror, because it does not offer {capability.value}"
                )
        return Capabilities(
            supported=store.supported | {Capability.MIRROR},
            writable=frozenset(KINDS) - adapter.owns,
            amendable=adapter.owns,
        )

    # -- life ----------------------------------------------------------------------------------

    def _open(self) -> None:
        self._closing.clear()
        self._store.open()
        self.capabilities = self._promised()
        self._adapter.open()

    def _close(self) -> None:
        self._closing.set()
        self._adapter.close()
        self._store.close()

    def _ping(self) -> None:
        self._store._ping()

    def _migrations(self) -> Migrations:
        return self._store._migrations()

    # -- reading and writing -------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        with self._store._snapshot() as reader:
            yield MirrorReader(reader, self.capabilities, self._check_synced)

    def _write(self, changes: Iterator[Change]) -> None:
        first = list(islice(changes, 3))
        if len(first) > 2 or sum(not _is_record(change) for change in first) > 1:
            self._amend(chain(first, changes))
            return
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._amend_or_pass_on(first)
                return
            except RevisionConflict:
                # The mirror moved on; that is no affair of a caller who set no condition.
                if attempt == _ATTEMPTS or any(map(_is_conditional, first)):
                    raise

    def _amend_or_pass_on(self, changes: Sequence[Change]) -> None:
        try:
            self._amend(iter(changes))
        except ReadOnly:
            change, *records = sorted(changes, key=_is_record)
            if not isinstance(change, Replace) or type(change.entity) not in self._adapter.writes:
                raise
            self._pass_on(change, records)

    def _pass_on(self, change: Replace, records: Sequence[Change]) -> None:
        """Make a change in the CMDB, let the mirror follow, and stamp it as the caller was told.

        Args:
            change: The change.
            records: What is to be stored of it.

        Raises:
            RevisionConflict: The entity has another revision than the change expects.
            Conflict: The CMDB made something else of the change, which is in the mirror now.
            SyncHeld: The CMDB made the change, and the mirror does not follow at present.
        """
        owner = self._adapter.owner
        written_through(self._store, self._adapter, change)
        done = self._sync(everything=False, confirm=False, max_age=0.0, patience=_PATIENCE)
        if done.held:
            raise SyncHeld(owner, (region.name for region in done.held))
        try:
            self._amend(iter((dataclasses.replace(change, if_revision=None), *records)))
        except ReadOnly as error:
            message = f"{owner} made something else of the change; read what it is now"
            raise Conflict(message, owner=owner) from error

    def _amend(self, changes: Iterator[Change]) -> None:
        adapter = self._adapter
        amendments = Amendments(self._store, adapter.owner, adapter.owns, changes)
        try:
            self._store._write(iter(amendments))
        except CratonError as error:
            placed = amendments.placed(error)
            if placed is error:
                raise
            raise placed from error

    def _check_synced(self) -> None:
        if self._synced:
            return
        state = Books(self._store).state()
        if state.synced_at is None:
            what = state.error or "the first sync is not done yet"
            raise Unavailable(
                f"nothing is known of {self._adapter.owner} so far: {what}", retry_after=5
            )
        self._synced = True

    # -- the mirror ----------------------------------------------------------------------------

    def _sync(self, everything: bool, confirm: bool, max_age: float, patience: float) -> SyncReport:
        began = now()
        wanted = began - timedelta(seconds=max_age)
        deadline = time.monotonic() + patience
        must = everything or confirm
        while True:
            state = Books(self._store).state()
            if not must and is_fresh(state, wanted):
                return SyncReport(everything=False, rejected=state.rejected)
            if not must and state.attempted_at is not None and state.attempted_at >= began:
                if state.held:
                    return SyncReport(everything=False, held=state.held)
                if state.error is not None:
                    raise OwnerUnavailable(self._adapter.owner, state.error)
            lease = Lease.acquire(self._store, self.settings.cmdb.lease)
            if lease is not None:
                break
            if time.monotonic() >= deadline:
                raise Unavailable("another sync is under way; it takes long", retry_after=5)
            self._closing.wait(_LOOK)
            self._tick()
        try:
            return self._syncing(lease).run(everything, confirm)
        finally:
            self._glanced = None

    def _syncing(self, lease: Lease) -> Sync:
        return Sync(
            adapter=self._adapter,
            name=self.settings.cmdb.adapter,
            store=self._store,
            lease=lease,
            limit=self.settings.cmdb.shrink_limit,
            tick=self._tick,
        )

    def _tick(self) -> None:
        if self._closing.is_set():
            raise Unavailable("the driver is being closed")

    def _mirror_status(self, rejected: int) -> MirrorStatus:
        state = self._state_at_a_glance()
        told = min(rejected, state.rejected)
        rejections = Books(self._store).rejections(told) if told else ()
        return MirrorStatus(
            adapter=self.settings.cmdb.adapter,
            owner=self._adapter.owner,
            max_age=self.settings.cmdb.max_age,
            synced_at=state.synced_at,
            changed_at=state.changed_at,
            attempted_at=state.attempted_at,
            error=state.error,
            held=state.held,
            rejected=tuple(rejection.told for _, rejection in rejections),
            rejected_total=state.rejected,
        )

    def _state_at_a_glance(self) -> State:
        """Return the state, perhaps as it was a moment ago: each answer tells its age."""
        if self._glanced is not None and time.monotonic() - self._glanced[0] < _GLANCE:
            return self._glanced[1]
        state = Books(self._store).state()
        self._glanced = (time.monotonic(), state)
        return state

    def _origins(self, kind: type[Entity], ids: Collection[str]) -> Mapping[str, Origin]:
        if kind not in KINDS_BY_NAME.values():
            return {}
        found = Books(self._store).entries((kind, id) for id in ids)
        entries = {id: kept.entry for (_, id), kept in found.items() if kept.entry.live}
        named: Any = {id: self._store._get(kind, id) for id in entries}
        return {
            id: Origin(
                owner=self._adapter.owner,
                url=entry.url,
                variables=frozenset(named[id].variables.members().keys() - entry.own),
            )
            for id, entry in entries.items()
            if named[id] is not None
        }


def _is_record(change: Change) -> bool:
    """Tell whether a change stores what was changed, and so is none of its own."""
    return isinstance(change, Create) and isinstance(change.entity, ChangeRecord)


def _is_conditional(change: Change) -> bool:
    return not isinstance(change, Create) and change.if_revision is not None
