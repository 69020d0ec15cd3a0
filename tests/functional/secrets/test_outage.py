"""Barbican or Keystone away, full, or unwilling: an error that says so, and no wrong answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from craton.errors import CratonError, InvalidValue, SealBroken, Unavailable
from craton.secrets import SecretStore
from tests.functional.secrets.conftest import castellan_store
from tests.services import barbican as barbican_service
from tests.services.barbican import Barbican
from tests.services.keystone import Keystone
from tests.services.process import Process
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("openstack")]


@contextmanager
def paused(process: Process) -> Iterator[None]:
    process.pause()
    try:
        yield
    finally:
        process.resume()


def calls(store: SecretStore, sealed: str) -> dict[str, Callable[[], object]]:
    return {
        "seal": lambda: store.seal(b"payload", "host", "name"),
        "open": lambda: store.open(sealed, "host", "name"),
        "discard": lambda: store.discard(sealed),
        "check": store.check,
    }


def outcome(call: Callable[[], object]) -> tuple[type[CratonError], str]:
    """Return the error of a call, and what it says."""
    with pytest.raises(CratonError) as caught:
        call()
    return type(caught.value), str(caught.value)


def test_a_server_that_hangs_is_given_up_in_time(
    castellan: SecretStore, keystone: Keystone, barbican: Barbican
) -> None:
    sealed = castellan.seal(b"payload", "host", "name")
    # What a client gave up may be done yet, when the server goes on.
    lost = castellan.seal(b"payload", "host", "name")
    new = castellan_store(keystone)
    new.start()
    # Several at once, with and without a token.
    todo = [*calls(castellan, lost).values(), *calls(new, lost).values()] * 2
    with ThreadPoolExecutor(len(todo)) as pool:
        with paused(barbican.process), paused(keystone.process):
            results = [pool.submit(outcome, call) for call in todo]
            done, waiting = wait(results, PATIENCE)
        assert not waiting
        assert {result.result()[0] for result in done} == {Unavailable}
    for store in (castellan, new):
        assert store.open(sealed, "host", "name") == b"payload"


def test_a_call_ends_when_its_patience_does(
    castellan: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = castellan.seal(b"payload", "host", "name")
    monkeypatch.setattr("craton.secrets.barbican._PATIENCE", 0.0)
    for call in calls(castellan, sealed).values():
        assert outcome(call)[0] is Unavailable
    monkeypatch.undo()
    assert castellan.open(sealed, "host", "name") == b"payload"


def test_a_server_that_is_gone_is_an_outage_until_it_is_back(
    castellan: SecretStore, barbican: Barbican
) -> None:
    sealed = castellan.seal(b"payload", "host", "name")
    barbican.process.kill()
    try:
        for call in calls(castellan, sealed).values():
            assert outcome(call)[0] is Unavailable
    finally:
        barbican.process.start()
    assert castellan.open(sealed, "host", "name") == b"payload"


@pytest.mark.parametrize("who", ["wrong password", "no role", "another project"])
def test_credentials_that_do_not_fit_are_an_outage_and_change_nothing(
    castellan: SecretStore, keystone: Keystone, who: str
) -> None:
    sealed = castellan.seal(b"payload", "host", "name")
    keystone.create_user("onlooker", "craton-secrets", "reader")
    keystone.create_user("neighbour", "elsewhere", "member")
    changes = {
        "wrong password": {"password": "guess"},
        "no role": {"username": "onlooker"},
        "another project": {"username": "neighbour", "project_name": "elsewhere"},
    }
    store = castellan_store(keystone, **changes[who])
    store.start()
    todo = calls(store, sealed)
    for name in ("open", "discard"):
        kind, text = outcome(todo[name])
        assert kind is Unavailable
        assert "guess" not in text
    assert castellan.open(sealed, "host", "name") == b"payload"


def test_more_than_barbican_takes_is_the_callers_error(
    keystone: Keystone, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "barbican"
    with barbican_service.started(directory, keystone, max_secret=20_000, offered=False) as small:
        store = castellan_store(keystone)
        store.settings.set_override("barbican_endpoint", small.url, "barbican")
        store.start()
        assert store.open(store.seal(bytes(9000), "h", "n"), "h", "n") == bytes(9000)
        for size in (20_000, 200_000):
            with caplog.at_level(logging.DEBUG), pytest.raises(InvalidValue, match="max_allowed"):
                store.seal(b"hunter2" * (size // 7), "h", "n")
    assert "hunter" not in caplog.text


def test_another_object_in_its_place_does_not_open(castellan: SecretStore) -> None:
    one = castellan.seal(b"one", "host", "name")
    two = castellan.seal(b"two", "host", "name")
    swapped = one.rpartition(":")[0] + ":" + two.rpartition(":")[2]
    with pytest.raises(SealBroken, match="not the one that was put there"):
        castellan.open(swapped, "host", "name")


def test_what_was_deleted_in_barbican_does_not_open(castellan: SecretStore) -> None:
    sealed = castellan.seal(b"payload", "host", "name")
    castellan.discard(sealed)
    with pytest.raises(SealBroken, match="no such object"):
        castellan.open(sealed, "host", "name")
