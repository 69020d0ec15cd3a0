"""TEXT: what is stored comes back as it was."""

from __future__ import annotations

import pytest

from craton.models import Host, Region, Tenant
from craton.query import Compare, Operator, Query
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet
from craton.testing.suite.values import NASTY, NUMBERS
from craton.variables import Variables


def _nested(levels: int) -> object:
    value: object = "deep"
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


#: Every type, and what becomes another one on the way.
_VALUES: dict[str, object] = {
    **{f"n{number}": value for number, value in enumerate(NUMBERS)},
    "list": list(NUMBERS),
    "flags": [True, False, None],
    "empty": [{}, [], ""],
    "ordered": {"b": 1, "a": 2, "": 3, "a.b": 4, "$x": 5, "10": 6, "9": 7},
    "nested": _nested(64),
}


class TextClauses(Suite):
    """Strings, numbers, times."""

    @clause("TEXT-1")
    @pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
    def test_text_1_strings_come_back_as_stored(self, fleet: Fleet, text: str) -> None:
        values = {"v": text, "k": {text: [text]}}
        host = fleet.given(fleet.host("h", variables=Variables(values)))
        found = fleet.driver.get(Host, host.id)
        assert found.variables.decode() == dict(sorted(values.items()))
        tenant = fleet.given(Tenant(name="t", description=text[:4096]))
        assert fleet.driver.get(Tenant, tenant.id).description == text[:4096]
        assert next(fleet.driver.scan(Host)).variables == host.variables

    @clause("TEXT-1")
    def test_text_1_names_come_back_as_stored(self, fleet: Fleet) -> None:
        for name in ("é", "e\u0301", " x ", "İ", "ß", "'\"`;%_", "\U0001f600", "null", "1.0"):
            tenant = fleet.given(Tenant(name=name, customer=name))
            region = fleet.given(Region(tenant_id=tenant.id, name=name))
            assert fleet.driver.get(Tenant, tenant.id).name == name
            assert fleet.driver.get(Tenant, tenant.id).customer == name
            assert fleet.driver.get(Region, region.id).name == name

    @clause("TEXT-2")
    def test_text_2_values_come_back_with_their_types(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h", variables=Variables(_VALUES)))
        for found in (fleet.driver.get(Host, host.id), next(fleet.driver.scan(Host))):
            # The text of a value tells 1 from 1.0, 0.0 from -0.0, and the order of keys.
            assert repr(found.variables.decode()) == repr(dict(sorted(_VALUES.items())))

    @clause("TEXT-3")
    def test_text_3_times_keep_their_milliseconds(self, fleet: Fleet) -> None:
        hosts = fleet.given_all(fleet.host(f"h{number}") for number in range(3))
        hosts += [fleet.given(fleet.host(f"i{number}")) for number in range(3)]
        for host in hosts:
            for found in (
                fleet.driver.get(Host, host.id),
                next(fleet.driver.scan(Host, Query(where=_named(host.name)))),
            ):
                assert (found.created_at, found.updated_at) == (host.created_at, host.updated_at)
                assert found.created_at.microsecond % 1000 == 0
                assert found.created_at.utcoffset() is not None

    @clause("TEXT-3", writes=(Host,))
    def test_text_3_what_create_said_is_what_was_stored(self, fleet: Fleet) -> None:
        # One of several, so that a clock that shows a whole second proves nothing.
        for number in range(5):
            host = fleet.driver.create(fleet.host(f"h{number}"))
            assert fleet.driver.get(Host, host.id).created_at == host.created_at
            after = fleet.driver.replace(host)
            assert fleet.driver.get(Host, host.id).updated_at == after.updated_at
            same = Compare(("updated_at",), Operator.EQ, after.updated_at)
            assert host.name in fleet.names(same)

    @clause("TEXT-4")
    def test_text_4_the_text_of_variables_is_the_same_everywhere(self, fleet: Fleet) -> None:
        values = Variables({**_VALUES, **{f"s{n}": text for n, text in enumerate(NASTY)}})
        host = fleet.given(fleet.host("h", variables=values))
        assert fleet.driver.get(Host, host.id).variables.text == values.text
        assert next(fleet.driver.scan(Host)).variables.text == values.text
        assert fleet.driver.find(Host, Query()).items[0].variables.members() == values.members()


def _named(name: str) -> Compare:
    return Compare(("name",), Operator.EQ, name)
