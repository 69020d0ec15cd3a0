"""Watchers by themselves: what becomes of clients that stall, of events that are gone, of time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from craton.api import event_stream, follower, watching
from craton.api.run_errors import TooManyWatchers
from craton.api.watching import Watchers
from craton.errors import Unavailable
from craton.runs.memory import MemoryRunStore
from craton.runs.models import Event, EventType, Progress, Report, Run, RunHost, RunState
from craton.runs.store import utcnow
from tests.functional.runs.api.following import Message, parsed
from tests.waiting import PATIENCE, until

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Store(MemoryRunStore):
    """A store that can be away, and can have lost what it told before."""

    def __init__(self) -> None:
        super().__init__(max_events=1000, keep_days=1)
        self.is_away = False
        self.was_missed = threading.Event()
        self.may_tell = threading.Event()
        self.may_tell.set()

    def _wait(self, after: Mapping[str, int], timeout: float) -> dict[str, Sequence[Event]]:
        self._look()
        assert self.may_tell.wait(PATIENCE)
        return dict(super()._wait(after, timeout))

    def _events(self, run_id: str, after: int, limit: int) -> Sequence[Event]:
        self._look()
        return super()._events(run_id, after, limit)

    def forget(self, run_id: str, last: int) -> None:
        """Be as before the events after a number."""
        kept = self._runs[run_id]
        for number in range(last + 1, kept.last_event + 1):
            del kept.events[number]
        kept.last_event = last

    def _look(self) -> None:
        if self.is_away:
            self.was_missed.set()
            raise Unavailable("away")


@pytest.fixture
def store() -> Store:
    store = Store()
    store.open()
    return store


@pytest.fixture
def watchers(store: Store) -> Iterator[Watchers]:
    watchers = Watchers(store, 3)
    yield watchers
    watchers.stop()


@pytest.fixture
def run(store: Store) -> Run:
    """A run that was taken up: it has two events."""
    run = Run(
        id="run",
        region_id="r",
        tenant_id="t",
        playbook="site.yml",
        batch_size=1,
        forks=1,
        requested_by="somebody",
        created_at=utcnow(),
        progress=Progress(total=1),
    )
    store.create(run, [RunHost(host_id="h1", host="web1", batch=0)])
    store.claim(run.id)
    return store.get(run.id)


@pytest.fixture
def tell(store: Store, run: Run) -> Callable[..., None]:
    told = 0

    def tell(count: int, message: str = "", state: RunState | None = None) -> None:
        nonlocal told
        report = Report(
            type=EventType.HOST_OK, time=utcnow(), host_id="h1", host="web1", message=message
        )
        reports = [report] * count
        if state is not None:
            data = {"state": state.value}
            reports.append(
                Report(type=EventType.RUN_STATE, time=utcnow(), data=data, run_state=state)
            )
        store.report(run.id, store.fence(run.id), told + 1, reports)
        told += len(reports)

    return tell


class Client:
    """A client whose socket the server gave away."""

    def __init__(self, watchers: Watchers, run: Run, after: int = 0, buffer: int = 0) -> None:
        self.socket, served = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        if buffer:
            served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        served.setblocking(False)
        self._rest = b""
        watchers.serve(served, HEAD, watchers.subscribe(run, after))
        assert self.socket.recv(len(HEAD), socket.MSG_WAITALL) == HEAD

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the stream until its end."""
        while True:
            while b"\n\n" not in self._rest:
                piece = self.socket.recv(2**16)
                if not piece:
                    return
                self._rest += piece
            block, _, self._rest = self._rest.partition(b"\n\n")
            yield block.decode()

    def messages(self) -> Iterator[Message]:
        return (found for block in self.blocks() if (found := parsed(block)) is not None)

    def take(self, count: int) -> list[int | None]:
        """Return the ids of the next messages."""
        found = self.messages()
        return [next(found).id for _ in range(count)]


@pytest.fixture
def join(watchers: Watchers, store: Store, run: Run) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def join(after: int = 0, buffer: int = 0) -> Client:
        clients.append(Client(watchers, store.get(run.id), after, buffer))
        return clients[-1]

    yield join
    for client in clients:
        client.socket.close()


Join = Callable[..., Client]
Tell = Callable[..., None]


def free(watchers: Watchers) -> bool:
    return watchers._present == 0


def test_old_and_new_events_make_one_sequence(join: Join, tell: Tell) -> None:
    tell(450)
    client = join()
    assert client.take(452) == list(range(1, 453))
    for number in range(453, 460):
        tell(1)
        assert client.take(1) == [number]
    late = join(after=455)
    tell(10, state=RunState.FAILED)
    expected = [*range(456, 471), None]
    assert [message.id for message in late.messages()] == expected
    assert [message.id for message in client.messages()] == [*range(460, 471), None]


def test_the_bytes_of_an_event_are_made_once_for_all(
    join: Join, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [join(after=2) for _ in range(3)]
    for client in clients:
        next(client.blocks())
    tell(1)
    for client in clients:
        assert client.take(1) == [3]
    encoded: list[int] = []
    make = event_stream.frames

    def counting(events: Sequence[Event]) -> list[event_stream.Frame]:
        events = list(events)
        encoded.extend(event.id for event in events)
        return make(events)

    monkeypatch.setattr(event_stream, "frames", counting)
    tell(5)
    for client in clients:
        assert client.take(5) == [4, 5, 6, 7, 8]
    assert encoded == [4, 5, 6, 7, 8]


def test_events_that_are_gone_are_said_to_be(join: Join, tell: Tell) -> None:
    for _ in range(3):
        tell(900)
    found = join(after=5).messages()
    first, second = next(found), next(found)
    assert (first.name, first.id, first.data) == (
        "events.missing",
        None,
        {"after": 5, "next": 1703},
    )
    assert second.id == 1703


def test_what_a_store_lost_is_said_and_goes_on_from_there(
    store: Store, join: Join, tell: Tell
) -> None:
    client = join()
    tell(10)
    assert client.take(12) == list(range(1, 13))
    store.is_away = True
    assert store.was_missed.wait(PATIENCE)
    store.forget("run", 9)
    store.is_away = False
    message = next(client.messages())
    assert (message.name, message.data) == ("events.missing", {"after": 12, "next": 10})
    tell(1)
    assert client.take(1) == [10]


def test_who_comes_while_the_store_is_away_waits(store: Store, join: Join, tell: Tell) -> None:
    store.is_away = True
    client = join()
    assert store.was_missed.wait(PATIENCE)
    tell(1)
    store.is_away = False
    assert client.take(3) == [1, 2, 3]


def test_who_read_ahead_of_the_others_gets_nothing_twice(
    store: Store, join: Join, tell: Tell
) -> None:
    first = join()
    assert first.take(2) == [1, 2]
    store.may_tell.clear()
    tell(5)
    second = join()
    assert second.take(7) == list(range(1, 8))
    store.may_tell.set()
    assert first.take(5) == [3, 4, 5, 6, 7]
    tell(1)
    assert first.take(1) == second.take(1) == [8]


def test_who_cannot_keep_up_gets_everything_later(
    watchers: Watchers, join: Join, tell: Tell
) -> None:
    client = join(buffer=4096)
    assert client.take(2) == [1, 2]
    assert watchers._feed is not None
    (behind,) = watchers._feed._followers
    until(lambda: behind.joined)
    for _ in range(9):
        tell(100, "x" * 4000)
    until(lambda: not behind.joined)
    tell(0, state=RunState.FAILED)
    assert [message.id for message in client.messages()] == [*range(3, 904), None]


def test_who_takes_nothing_at_all_is_cut_off(
    watchers: Watchers, join: Join, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_STALLED", 0.5)
    join(buffer=4096)
    tell(900, "x" * 4000)
    until(lambda: free(watchers))


def test_nobody_follows_for_ever(
    watchers: Watchers, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LIFETIME", (0.2, 0.3))
    assert [message.id for message in join().messages()] == [1, 2]
    until(lambda: free(watchers))


def test_silence_is_broken(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "SILENCE", 0.2)
    blocks = join(after=2).blocks()
    assert next(blocks).startswith("retry: ")
    assert [next(blocks), next(blocks)] == [":", ":"]


def test_a_run_that_is_dropped_has_no_stream(store: Store, join: Join, tell: Tell) -> None:
    client = join()
    assert client.take(2) == [1, 2]
    store.is_away = True
    assert store.was_missed.wait(PATIENCE)
    del store._runs["run"]
    store.is_away = False
    assert list(client.messages()) == []


def test_there_are_so_many_places_and_each_is_free_again(
    watchers: Watchers, run: Run, join: Join
) -> None:
    clients = [join() for _ in range(3)]
    with pytest.raises(TooManyWatchers):
        watchers.subscribe(run, 0)
    for client in clients:
        client.socket.close()
    until(lambda: free(watchers))
    subscription = watchers.subscribe(run, 0)
    for _ in range(2):
        subscription.close()
    assert free(watchers)


def test_a_server_that_ends_lets_everybody_go(watchers: Watchers, run: Run, join: Join) -> None:
    clients = [join(after=2) for _ in range(3)]
    watchers.is_stopping = lambda: True
    for client in clients:
        assert list(client.messages()) == []
    until(lambda: free(watchers))
    with pytest.raises(TooManyWatchers):
        watchers.subscribe(run, 0)


def test_stopping_ends_every_stream(watchers: Watchers, run: Run, join: Join) -> None:
    clients = [join(after=2) for _ in range(3)]
    for client in clients:
        next(client.blocks())
    watchers.stop()
    for client in clients:
        assert list(client.messages()) == []


def test_without_a_socket_the_same_is_yielded(
    watchers: Watchers, store: Store, run: Run, tell: Tell
) -> None:
    pieces = iter(watchers.subscribe(run, 0))
    assert next(pieces).startswith(b"retry: ")
    assert next(pieces) == b""
    tell(3, state=RunState.SUCCEEDED)
    blocks = b"".join(pieces).decode().split("\n\n")
    found = [message for block in blocks if (message := parsed(block)) is not None]
    assert [message.id for message in found] == [1, 2, 3, 4, 5, 6, None]
    assert found[-1].name == "end"
