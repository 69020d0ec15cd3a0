"""However many hosts there are, a move of them needs the same memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Generator, Iterator

import pytest

from craton.backends.memory.driver import MemoryDriver
from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, now
from craton.models import E, Host
from craton.query import Selection
from craton.transfer import Copy, chunks, compare
from craton.variables import Variables
from tests.fleets import fill
from tests.unit.transfer.conftest import Silent, store

HOSTS = 6_000
#: What the hosts would take if they were kept is several times as much.
MOST = 4 * 2**20

TEXT = Variables({f"variable{n}": f"some value {n}" for n in range(50)}).text
MOMENT = now()


class Endless(MemoryDriver):
    """A region whose hosts are made as they are read."""

    capabilities = Capabilities(supported=EVERY_CAPABILITY - {Capability.COUNT})

    def _select(self, kind: type[E], selection: Selection) -> Generator[E, None, None]:
        if kind is not Host:
            yield from super()._select(kind, selection)
            return
        for number in range(HOSTS):
            host = Host(
                id=f"h{number}",
                region_id="r0",
                name=f"host{number:06}.example.org",
                variables=Variables.from_text(TEXT[:1] + TEXT[1:]),
                revision="x",
                created_at=MOMENT,
                updated_at=MOMENT,
            )
            if selection.where.matches(host):
                # The kind is Host here, which a type variable cannot be told.
                yield host  # type: ignore[misc]


class Sink(MemoryDriver):
    """Forgets what it is given."""

    written = 0

    def _write(self, changes: Iterator[Change]) -> None:
        self.written += sum(1 for _ in changes)


@pytest.fixture(autouse=True)
def _usual_chunks(monkeypatch: pytest.MonkeyPatch, _small_chunks: None) -> None:
    monkeypatch.setattr(chunks, "SIZE", 500)


@pytest.fixture
def endless() -> Endless:
    source = Endless(store().settings)
    source.open()
    fill(source, regions=1, hosts=0)
    return source


@pytest.fixture
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("_traced")
def test_memory_does_not_grow_with_the_number_of_hosts(endless: Endless) -> None:
    assert len(TEXT) * HOSTS > 2 * MOST
    sink = Sink(endless.settings)
    Copy(endless, sink, Silent()).run()
    assert sink.written > HOSTS
    hosts = [one.source.count for one in compare(endless, endless, Silent()) if one.kind is Host]
    assert hosts == [HOSTS]
    _, peak = tracemalloc.get_traced_memory()
    assert peak < MOST
