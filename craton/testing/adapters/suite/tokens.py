"""Going on where a stream ended."""

from __future__ import annotations

import random

import pytest

from craton.cmdb import MAX_TOKEN, CmdbAdapter, End
from craton.testing.adapters.harness import AdapterHarness
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite, machine, names

#: What no adapter has ever made.
_UNKNOWN = {
    "empty": "",
    "words": "this is no token",
    "object": '{"no": ["token"]}',
    "array": "[[[",
    "sign": "\u2603",
    "future": "9999-12-31T23:59:59.999999Z?",
    "number": "-1e999",
    "longest": "x" * MAX_TOKEN,
}


class TokenClauses(Suite):
    """ADAPTER-5 to ADAPTER-8."""

    @clause("ADAPTER-5")
    def test_adapter_5_the_end_is_last_and_has_a_token(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        token = None
        for number in range(3):
            cmdb.put(machine(number))
            items = list(adapter.changes(token))
            ends = [item for item in items if isinstance(item, End)]
            assert ends == items[-1:]
            (end,) = ends
            assert type(end.token) is str
            assert len(end.token) <= MAX_TOKEN
            end.token.encode()
            assert end.everything or token is not None
            token = end.token

    @clause("ADAPTER-6")
    @pytest.mark.parametrize(
        "change", ["nothing", "create", "change", "delete", "many", "again", "back"]
    )
    def test_adapter_6_a_stream_has_what_changed_since(
        self, adapter: CmdbAdapter, cmdb: Cmdb, change: str
    ) -> None:
        cmdb.fill(5)
        mirror = Mirror()
        mirror.follow(adapter)
        for _ in range(2):
            _make(cmdb, change)
            mirror.follow(adapter)
            assert cmdb.is_in(mirror)
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-6")
    def test_adapter_6_a_token_may_be_used_again_and_by_another_adapter(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(5)
        first = Mirror()
        first.follow(adapter)
        second, third = first.copy(), first.copy()
        cmdb.remove("m1", "m4")
        cmdb.put(machine(2, version=1), machine(7))
        first.follow(adapter)
        second.follow(adapter)
        with harness.load() as other:
            third.follow(other)
            cmdb.put(machine(8))
            third.follow(other)
        assert sorted([*second.addresses, ("m8", machine(8).address)]) == third.addresses
        for mirror in (first, second, third):
            mirror.follow(adapter)
            assert cmdb.is_in(mirror)

    @clause("ADAPTER-6")
    def test_adapter_6_nothing_is_lost_on_a_long_walk(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        chance = random.Random(6)
        often, seldom = Mirror(), Mirror()
        for step in range(24):
            for _ in range(chance.randrange(3)):
                number = chance.randrange(8)
                if f"m{number}" in cmdb.machines and chance.random() < 0.4:
                    cmdb.remove(f"m{number}")
                else:
                    cmdb.put(machine(number, version=step))
            often.follow(adapter)
            assert cmdb.is_in(often), step
            if step % 5 == 4:
                with harness.load() as other:
                    seldom.follow(other)
                assert cmdb.is_in(seldom), step

    @clause("ADAPTER-7")
    def test_adapter_7_what_a_full_stream_lacks_is_gone(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(9)
        mirror = Mirror()
        mirror.follow(adapter)
        cmdb.remove(*names(range(0, 9, 2)))
        mirror.take(adapter.changes(None))
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-7")
    def test_adapter_7_a_stream_says_everything_only_if_it_has_everything(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(5)
        token = _anew(adapter).token
        cmdb.put(machine(1, version=1))
        items = list(adapter.changes(token))
        assert isinstance(items[-1], End)
        if items[-1].everything:
            mirror = Mirror()
            mirror.take(items)
            assert cmdb.is_in(mirror)

    @clause("ADAPTER-7")
    def test_adapter_7_a_full_stream_has_more_than_one_piece(
        self, harness: AdapterHarness, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(harness.many)
        mirror = Mirror()
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)
        assert cmdb.is_in(_anew(adapter))

    @clause("ADAPTER-7")
    def test_adapter_7_a_cmdb_without_objects_is_no_error(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        assert cmdb.is_in(_anew(adapter))
        cmdb.fill(2)
        mirror = _anew(adapter)
        cmdb.remove("m0", "m1")
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)
        mirror.take(adapter.changes(None))
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-8")
    @pytest.mark.parametrize("token", _UNKNOWN.values(), ids=_UNKNOWN.keys())
    def test_adapter_8_an_unknown_token_gives_everything(
        self, adapter: CmdbAdapter, cmdb: Cmdb, token: str
    ) -> None:
        cmdb.fill(3)
        mirror = _anew(adapter)
        cmdb.remove("m1")
        mirror.token = token
        end = mirror.follow(adapter)[-1]
        assert isinstance(end, End)
        assert end.everything
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-8")
    def test_adapter_8_a_token_that_is_too_old_gives_everything(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(4)
        mirror = _anew(adapter)
        cmdb.remove("m1")
        cmdb.put(machine(2, version=1), machine(5))
        cmdb.harness.forget()
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)
        cmdb.remove("m2")
        mirror.follow(adapter)
        assert cmdb.is_in(mirror)


def _anew(adapter: CmdbAdapter) -> Mirror:
    mirror = Mirror()
    mirror.follow(adapter)
    return mirror


def _make(cmdb: Cmdb, change: str) -> None:
    """Change a CMDB that has m1, m3 and m4 at least; it may be done twice."""
    version = 1 + int(cmdb.machines["m3"].address.split(".")[1])
    match change:
        case "create":
            cmdb.put(machine(10 + version), machine(20 + version))
        case "change":
            cmdb.put(machine(3, version))
        case "delete":
            cmdb.remove(next(name for name in cmdb.machines if name not in ("m1", "m3", "m4")))
        case "many":
            cmdb.put(*(machine(3, version + more) for more in (1, 2)), machine(1, version))
            cmdb.put(machine(3, version + 3))
        case "again":
            cmdb.remove("m1", "m4")
            cmdb.put(machine(1, version))
            cmdb.put(machine(4))
        case "back":
            before = cmdb.machines["m4"]
            cmdb.put(machine(4, version=99))
            cmdb.put(before)
