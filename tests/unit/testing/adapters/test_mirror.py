"""The mirror that the kit compares with reads streams as the contract means them."""

from __future__ import annotations

from craton.cmdb import End, Gone, Present, Unusable
from craton.models import Group, Host, Region, Tenant
from craton.testing.adapters.mirror import Mirror

PLACES = (
    Present(entity=Tenant(id="t", name="acme")),
    Present(entity=Region(id="r", tenant_id="t", name="north")),
)


def host(id: str, name: str, **fields: object) -> Present:
    return Present(entity=Host(id=id, region_id="r", name=name, **fields))  # type: ignore[arg-type]


def mirror() -> Mirror:
    found = Mirror()
    found.take([*PLACES, host("1", "a"), host("2", "b"), End(token="x", everything=True)])
    return found


def test_a_full_stream_takes_away_what_it_does_not_mention() -> None:
    found = mirror()
    found.take([*PLACES, host("2", "b"), End(token="y", everything=True)])
    assert found.addresses == [("b", None)]
    assert found.token == "y"


def test_a_part_takes_away_what_is_gone_alone() -> None:
    found = mirror()
    found.take([Gone(kind=Host, id="1"), Gone(kind=Host, id="9"), End(token="y", everything=False)])
    assert found.addresses == [("b", None)]


def test_the_last_word_on_an_object_counts() -> None:
    found = mirror()
    found.take(
        [host("1", "c"), Gone(kind=Host, id="1"), host("1", "d"), End(token="", everything=False)]
    )
    assert [name for name, _ in found.addresses] == ["b", "d"]
    found.take([*PLACES, host("1", "d"), Gone(kind=Host, id="1"), End(token="", everything=True)])
    assert found.addresses == []


def test_what_is_unusable_is_known_and_keeps_what_was_known_before() -> None:
    found = mirror()
    bad = Unusable(kind=Host, id="1", name="a", reason="has no name")
    found.take([bad, End(token="", everything=False)])
    assert found.addresses == [("b", None)]
    assert (Host, "1") in found.present
    found.take([host("1", "a"), End(token="", everything=False)])
    assert [name for name, _ in found.addresses] == ["a", "b"]


def test_a_parent_or_a_link_to_nothing_is_told() -> None:
    found = mirror()
    found.take([host("1", "a", groups=("g",)), End(token="", everything=False)])
    assert len(found.dangling()) == 1
    group = Present(entity=Group(id="g", region_id="r", name="web"))
    found.take([group, End(token="", everything=False)])
    assert found.dangling() == []
    assert found.groups_of("a") == ["web"]
    found.take([Gone(kind=Region, id="r"), End(token="", everything=False)])
    assert len(found.dangling()) == 3
