"""What clients saw of some entities, and whether one history explains it.

Every write replaces one revision, its parent, by a new one, so the writes of an entity are a chain.
Each carries a word of its own, by which a reader recognises what a client wrote that never got an
answer. An acknowledged write must be in the chain, exactly one write may replace a revision, and no
reader may see less than what was acknowledged before he asked.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    """What a writer was told."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Write:
    """One attempt to replace a revision.

    Attributes:
        entity: What was to be written.
        parent: The revision that the writer had read.
        word: What he wrote, and nobody else.
        outcome: What he was told.
        revision: The new revision, of an acknowledged write.
        ended: When he was told.
    """

    entity: str
    parent: str
    word: str
    outcome: Outcome
    revision: str = ""
    ended: float = 0.0


@dataclass(frozen=True)
class Read:
    """What a reader found: the revision, and the word of the write that made it."""

    entity: str
    revision: str
    word: str
    began: float


@dataclass
class Log:
    """What all clients did; many threads may add to it."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: Write | Read) -> None:
        with self._lock:
            if isinstance(event, Write):
                self.writes.append(event)
            else:
                self.reads.append(event)


def violations(log: Log, first: dict[str, str], last: dict[str, Read]) -> list[str]:
    """Return what no single history explains, in words; nothing if one does.

    Args:
        log: What was done.
        first: The revision of each entity before.
        last: What each entity is after all.
    """
    found: list[str] = []
    for entity, root in first.items():
        writes = [write for write in log.writes if write.entity == entity]
        reads = [read for read in log.reads if read.entity == entity]
        found += _violations(writes, [*reads, last[entity]], root, last[entity])
    return found


def _violations(writes: list[Write], reads: list[Read], root: str, last: Read) -> list[str]:
    parents = _parents(writes, reads)
    chain = _chain(parents, root, last.revision)
    if chain is None:
        return [f"{last.entity}: {last.revision} is there, and no known write leads to it"]
    place = {revision: number for number, revision in enumerate(chain)}
    acknowledged = [write for write in writes if write.outcome is Outcome.ACKNOWLEDGED]
    return [
        *_forks(acknowledged),
        *(
            f"{write.entity}: the write {write.word} was acknowledged, and is lost"
            for write in acknowledged
            if write.revision not in place
        ),
        *(
            f"{write.entity}: the write {write.word} was refused, and is there"
            for write in writes
            if write.outcome is Outcome.REFUSED and write.word in _words(reads)
        ),
        *_stale(acknowledged, reads, place),
    ]


def _parents(writes: list[Write], reads: list[Read]) -> dict[str, str]:
    """Return the parent of each revision, as far as clients learnt of it."""
    by_word = {write.word: write for write in writes}
    parents = {w.revision: w.parent for w in writes if w.outcome is Outcome.ACKNOWLEDGED}
    for read in reads:
        if read.word in by_word:
            parents.setdefault(read.revision, by_word[read.word].parent)
    return parents


def _chain(parents: dict[str, str], root: str, end: str) -> list[str] | None:
    chain = [end]
    while chain[-1] != root:
        parent = parents.get(chain[-1])
        if parent is None or len(chain) > len(parents) + 1:
            return None
        chain.append(parent)
    return chain[::-1]


def _forks(acknowledged: list[Write]) -> list[str]:
    children: dict[str, list[Write]] = defaultdict(list)
    for write in acknowledged:
        children[write.parent].append(write)
    return [
        f"{same[0].entity}: {len(same)} acknowledged writes replaced {parent}"
        for parent, same in children.items()
        if len(same) > 1
    ]


def _words(reads: list[Read]) -> set[str]:
    return {read.word for read in reads}


def _stale(acknowledged: list[Write], reads: list[Read], place: dict[str, int]) -> list[str]:
    """Go through acknowledgements and reads in their time; a read may not fall behind."""
    events = sorted(
        [
            *((write.ended, 0, place.get(write.revision, 0), write.word) for write in acknowledged),
            *((read.began, 1, place.get(read.revision, -1), read.revision) for read in reads),
        ]
    )
    found, newest = [], 0
    for _, is_read, number, name in events:
        if not is_read:
            newest = max(newest, number)
        elif number < newest:
            found.append(f"{name} was read after a later write had been acknowledged")
    return found
