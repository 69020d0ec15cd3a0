"""A file's name is safe wherever the directory is checked out, and tells two names apart."""

from __future__ import annotations

import pytest
from craton_driver_directory import places
from hypothesis import given
from hypothesis import strategies as st

from craton.models import INVENTORY_KINDS, Group, Host, Region, Tenant

NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=250),
    st.text(alphabet="aA./%+= ~", min_size=1, max_size=6),
    st.sampled_from([".", "..", ".git", "git~1", "nul", "con.txt", "a.", "-rf", "ß", "ẞ", "K"]),
)


@given(NAMES)
def test_a_name_stays_in_its_directory_and_is_small_ascii(name: str) -> None:
    file = places.file_name(name)
    assert 1 <= len(file) <= 240
    assert set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-+%=")
    assert file[0] not in ".-"
    assert file[-1] != "."


@given(NAMES, NAMES)
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    assert (places.file_name(one) == places.file_name(other)) == (one == other)


def test_names_that_differ_in_capitals_or_late_have_files_that_differ() -> None:
    names = ["web", "Web", "WEB", "é" * 125, "é" * 124 + "e", "a/b", "a%2fb", "e\u0301", "\u00e9"]
    assert len({places.file_name(name).casefold() for name in names}) == len(names)


@pytest.mark.parametrize("name", ["con", "nul", "aux.example.com", "lpt1"])
def test_names_of_devices_are_escaped(name: str) -> None:
    assert places.file_name(name).startswith("%")


@given(NAMES, NAMES, NAMES)
def test_a_path_tells_the_kind_and_the_parent(tenant: str, region: str, name: str) -> None:
    above = places.path_of(Tenant(name=tenant), "")
    path = places.path_of(Region(tenant_id="", name=region), above)
    assert places.kind_at(above) is Tenant
    assert places.kind_at(path) is Region
    assert places.parent_of(path) == above
    for kind in (Group, Host):
        below = places.path_of(kind(region_id="", name=name), path)
        assert places.kind_at(below) is kind
        assert places.parent_of(below) == path


def test_other_paths_are_of_no_kind() -> None:
    assert set(INVENTORY_KINDS) == {Tenant, Region, Group, Host}
    for path in ("tenants/a.yaml", "tenants/a/b.yaml", "tenants/a/regions/b.yaml", "x/tenant.yaml"):
        assert places.kind_at(path) is None
