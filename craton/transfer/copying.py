"""The copy itself: chunk by chunk, each whole or not at all, again and again if need be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from craton.capabilities import Capability
from craton.driver import Create, InventoryDriver, InventoryReader, Replace
from craton.errors import CratonError
from craton.models import KINDS, Entity
from craton.transfer.content import content
from craton.transfer.errors import TransferError, failing_as, reading
from craton.transfer.observing import Observer
from craton.transfer.ordering import writable_chunks
from craton.transfer.places import OUTSIDE, Place, by_id, is_there, regions
from craton.validation import normalized


@dataclass
class Copied:
    """What became of the entities of one kind in one place.

    Attributes:
        created: So many were not there.
        replaced: So many were there, and differed.
        equal: So many were there as they are in the source.
    """

    created: int = 0
    replaced: int = 0
    equal: int = 0


class Copy:
    """Brings whatever a source has into a target.

    Args:
        source: Where the inventory is; a snapshot, where there are such.
        target: Where it shall be; open.
        observer: Who is told how it gets on.
        resume: Whether the target may hold entities already. One with the same id is left alone if
            it is equal in every field, and replaced if not. Nothing is ever deleted.
        dry_run: Write nothing, but do everything else.
    """

    def __init__(
        self,
        source: InventoryReader,
        target: InventoryDriver,
        observer: Observer,
        *,
        resume: bool = False,
        dry_run: bool = False,
    ) -> None:
        self._source = source
        self._target = target
        self._observer = observer
        self._resume = resume
        self._dry_run = dry_run

    def run(self) -> Mapping[tuple[Place, type[Entity]], Copied]:
        """Copy everything, and tell what was done (or would be).

        Raises:
            TransferError: One side failed. What was copied until then stays.
        """
        with failing_as("cannot read regions from the source"):
            places = [OUTSIDE, *regions(self._source)]
            wanted = {kind for kind in KINDS if is_there(self._source, kind)}
        self._observer.begin("copying", total(self._source))
        done: dict[tuple[Place, type[Entity]], Copied] = defaultdict(Copied)
        for place in places:
            for kind in filter(wanted.__contains__, place.kinds()):
                self._observer.at(kind, place)
                self._copy(kind, place, done[place, kind])
        self._observer.end()
        return done

    def _copy(self, kind: type[Entity], place: Place, done: Copied) -> None:
        what = f"{kind.collection}{place} from the source"
        with closing(writable_chunks(self._source, kind, place)) as chunks:
            for chunk in reading(chunks, what):
                changes = list(self._changes(kind, place, chunk))
                created = sum(isinstance(change, Create) for change in changes)
                if self._dry_run:
                    _check_storable(chunk)
                elif changes:
                    self._write(changes)
                done.created += created
                done.replaced += len(changes) - created
                done.equal += len(chunk) - len(changes)
                self._observer.advance(len(chunk))

    def _changes(
        self, kind: type[Entity], place: Place, chunk: Sequence[Entity]
    ) -> Iterator[Create | Replace]:
        there: Mapping[str, Entity] = {}
        if self._resume:
            with failing_as(f"cannot read {kind.collection}{place} from the target"):
                there = by_id(self._target, kind, tuple(entity.id for entity in chunk))
        for entity in chunk:
            found = there.get(entity.id)
            if found is None:
                yield Create(entity=entity, verbatim=True)
            elif content(found) != content(entity):
                yield Replace(entity=entity, verbatim=True)

    def _write(self, changes: Sequence[Create | Replace]) -> None:
        """Make the changes as one step, or, in their order, one by one where there is no such."""
        steps = [changes]
        if Capability.ATOMIC_BATCH not in self._target.capabilities:
            steps = [[change] for change in changes]
        for step in steps:
            try:
                self._make(step)
            except CratonError as error:
                what = f"cannot write {_named(step[error.change or 0].entity)} to the target"
                raise TransferError(what, error) from error

    def _make(self, step: Sequence[Create | Replace]) -> None:
        if Capability.ATOMIC_BATCH in self._target.capabilities:
            self._target.apply(step)
            return
        (change,) = step
        if isinstance(change, Create):
            self._target.create(change.entity, verbatim=True)
        else:
            self._target.replace(change.entity, verbatim=True)


def _check_storable(chunk: Sequence[Entity]) -> None:
    """Check entities as a write would, so that a dry run does not promise too much."""
    for entity in chunk:
        with failing_as(f"the source has a {_named(entity)} that cannot be stored"):
            normalized(entity, verbatim=True)


def total(*readers: InventoryReader) -> int | None:
    """Return how many entities some stores have together; ``None`` if one of them cannot count."""
    found = 0
    for reader in readers:
        if Capability.COUNT not in reader.capabilities:
            return None
        with failing_as("cannot count what is there"):
            found += sum(reader.count(kind) for kind in KINDS)
    return found


def _named(entity: Entity) -> str:
    name = getattr(entity, "name", "")
    return f"{entity.kind} {entity.id!r} ({name})" if name else f"{entity.kind} {entity.id!r}"
