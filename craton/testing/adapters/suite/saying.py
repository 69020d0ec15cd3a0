"""Objects of which no entity can be made."""

from __future__ import annotations

import pytest

from craton.cmdb import CmdbAdapter, Unusable
from craton.errors import InvalidValue
from craton.models import Host
from craton.testing.adapters.mirror import Mirror
from craton.testing.adapters.promises import clause
from craton.testing.adapters.suite.base import Cmdb, Suite
from craton.validation import normalized


class SayingClauses(Suite):
    """ADAPTER-12."""

    @clause("ADAPTER-12")
    @pytest.mark.parametrize("full", [True, False], ids=["full", "since"])
    def test_adapter_12_what_makes_no_entity_is_said(
        self, adapter: CmdbAdapter, cmdb: Cmdb, full: bool
    ) -> None:
        cmdb.fill(4)
        mirror = Mirror()
        mirror.follow(adapter)
        spoiled = mirror.host("m1")
        cmdb.harness.spoil("m1")
        mirror.take(adapter.changes(None if full else mirror.token))
        assert (Host, spoiled.id) in mirror.known, "it is not mentioned, as if it were gone"
        assert not _usable(mirror, spoiled.id), "something was guessed"
        del cmdb.machines["m1"]
        others = [found for found in mirror.addresses if found[0] in cmdb.machines]
        assert others == cmdb.addresses
        cmdb.harness.remove(["m1"])
        mirror.follow(adapter)
        assert (Host, spoiled.id) not in mirror.known
        assert cmdb.is_in(mirror)

    @clause("ADAPTER-12")
    def test_adapter_12_neither_of_two_that_cannot_be_told_apart_is_left_out(
        self, adapter: CmdbAdapter, cmdb: Cmdb
    ) -> None:
        cmdb.fill(3)
        mirror = Mirror()
        mirror.follow(adapter)
        first = mirror.host("m1").id
        cmdb.harness.twin("m1")
        for stream in (adapter.changes(mirror.token), adapter.changes(None)):
            mirror.take(stream)
            said = {id for (_, id), found in mirror.unusable.items() if _sound(found)}
            same = {id for id, host in mirror.hosts.items() if host.name == "m1"} | said
            assert first in same, "the one that was there is not mentioned"
            assert first in said or len(same) > 1, "one of the two is left out"


def _usable(mirror: Mirror, id: str) -> bool:
    found = mirror.unusable.get((Host, id))
    if found is not None:
        return not _sound(found)
    try:
        normalized(mirror.present[Host, id].entity)
    except InvalidValue:
        return False
    return True


def _sound(found: Unusable) -> bool:
    assert found.kind is Host
    assert found.reason.strip(), "nobody can mend what has no reason"
    return True
