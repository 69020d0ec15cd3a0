"""A payload's frame: canonical, and for one host and one name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from craton.secrets.binding import bind, unbind

TEXTS = st.text(max_size=20)
TRIPLES = st.tuples(st.binary(max_size=40), TEXTS, TEXTS)


@given(TRIPLES)
def test_what_was_bound_comes_back(triple: tuple[bytes, str, str]) -> None:
    payload, host_id, name = triple
    assert unbind(bind(payload, host_id, name), host_id, name) == payload


@given(TRIPLES, TRIPLES)
def test_two_triples_never_share_a_frame(
    one: tuple[bytes, str, str], two: tuple[bytes, str, str]
) -> None:
    assert (bind(*one) == bind(*two)) == (one == two)


@given(TRIPLES, TEXTS, TEXTS)
def test_a_frame_is_for_its_host_and_name_alone(
    triple: tuple[bytes, str, str], host_id: str, name: str
) -> None:
    payload, *place = triple
    expected = payload if [host_id, name] == place else None
    assert unbind(bind(payload, *place), host_id, name) == expected


def test_a_frame_that_is_cut_short_gives_nothing() -> None:
    frame = bind(b"", "host", "name")
    for length in range(len(frame)):
        assert unbind(frame[:length], "host", "name") is None
