"""Clients that write as fast as they can, and what they were told."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from tests.faults.chains import Log, Outcome, Read, Write, violations
from tests.faults.stores import Store

T = TypeVar("T")

#: Makes a way to the store for a client of this number.
Connect = Callable[[int], Store]

#: How long a client waits after an error, in seconds, before it asks again.
_PAUSE = 0.2


@dataclass
class Results:
    """What came of a load.

    Attributes:
        log: Who replaced what.
        created: The ids of acknowledged creates, by name.
        answers: How many answers there were of each kind.
        acknowledged: When writes were acknowledged.
    """

    log: Log = field(default_factory=Log)
    created: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] += 1
            if answer == Outcome.ACKNOWLEDGED.value:
                self.acknowledged.append(time.monotonic())

    @property
    def error_rate(self) -> float:
        """The part of answers that were errors; a lost race is none."""
        return self.answers["error"] / max(1, self.answers.total())

    @property
    def longest_pause(self) -> float:
        """The longest time in which nobody's write was acknowledged, in seconds."""
        times = sorted(self.acknowledged)
        return max((b - a for a, b in itertools.pairwise(times)), default=float("inf"))

    def violations(self, store: Store, first: dict[str, str]) -> list[str]:
        """Compare what clients were told with what is there."""
        last = {}
        for id in first:
            found = patiently(partial(store.read, id))
            last[id] = Read(id, found.revision, found.word, time.monotonic())
        return violations(self.log, first, last)


@contextmanager
def running(jobs: Sequence[Callable[[threading.Event], None]]) -> Iterator[None]:
    """Do jobs in a thread each, which are to end when the block does."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run(job: Callable[[threading.Event], None]) -> None:
        try:
            job(stop)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a client hangs"
    if errors:
        raise errors[0]


def replacing(
    connect: Connect, number: int, hosts: Sequence[str], results: Results
) -> Callable[[threading.Event], None]:
    """Return a client that replaces one of some hosts, again and again."""

    def job(stop: threading.Event) -> None:
        store, choice = connect(number), random.Random(number)
        for turn in itertools.count():
            if stop.is_set():
                return
            host, began = choice.choice(hosts), time.monotonic()
            found = store.read(host)
            if found is None:
                results.note("error")
                stop.wait(_PAUSE)
                continue
            results.log.add(Read(host, found.revision, found.word, began))
            word = f"{number}-{turn}"
            told = store.write(host, found.revision, word)
            ended = time.monotonic()
            results.log.add(Write(host, found.revision, word, told.outcome, told.name, ended))
            results.note("error" if told.is_error else told.outcome.value)
            if told.is_error:
                stop.wait(_PAUSE)

    return job


def creating(connect: Connect, number: int, results: Results) -> Callable[[threading.Event], None]:
    """Return a client that creates hosts, each until it is told that it is there."""

    def job(stop: threading.Event) -> None:
        store = connect(number)
        for turn in itertools.count():
            name = f"made-{number}-{turn}"
            while not stop.is_set():
                told = store.create(name)
                results.note("error" if told.is_error else told.outcome.value)
                if told.outcome is Outcome.ACKNOWLEDGED:
                    results.created[name] = told.name
                    break
                stop.wait(_PAUSE)
            if stop.is_set():
                return

    return job


def patiently(ask: Callable[[], T | None], seconds: float = 60) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, "no answer"
        time.sleep(_PAUSE)
    return answer
