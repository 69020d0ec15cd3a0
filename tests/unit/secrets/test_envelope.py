"""Envelopes: they give back what was put in, to whom it was put in for, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest

from craton.errors import SealBroken
from craton.secrets import envelope
from craton.secrets.fernet import FernetStore

MIB = 2**20


def enclosed(store: FernetStore, contents: bytes) -> bytes:
    return b"".join(envelope.enclose(store, [contents], "owner", "name"))


def disclosed(store: FernetStore, sealed: bytes) -> bytes:
    return b"".join(envelope.disclose(store, sealed, "owner", "name"))


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 17])
def test_contents_of_any_size_come_back(store: FernetStore, size: int) -> None:
    contents = bytes(i % 251 for i in range(997)) * (size // 997 + 1)
    assert disclosed(store, enclosed(store, contents[:size])) == contents[:size]


def test_how_the_contents_were_divided_does_not_matter(store: FernetStore) -> None:
    parts = [b"", b"ab", b"c" * MIB, b"", b"d" * (3 * MIB)]
    sealed = b"".join(envelope.enclose(store, iter(parts), "owner", "name"))
    assert disclosed(store, sealed) == b"".join(parts)


def test_nothing_of_the_contents_can_be_read_in_an_envelope(store: FernetStore) -> None:
    contents = b"hunter2-" * 20
    first, second = enclosed(store, contents), enclosed(store, contents)
    assert b"hunter2" not in first
    assert first[-100:] != second[-100:]


def test_an_envelope_opens_for_its_owner_and_name_alone(store: FernetStore) -> None:
    sealed = enclosed(store, b"contents")
    for owner, name in (("other", "name"), ("owner", "other")):
        with pytest.raises(SealBroken, match="another host or another name"):
            list(envelope.disclose(store, sealed, owner, name))


def test_a_changed_byte_anywhere_is_noticed(store: FernetStore) -> None:
    sealed = enclosed(store, b"some contents")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            disclosed(store, changed)


def test_a_cut_envelope_is_noticed_wherever_it_was_cut(store: FernetStore) -> None:
    sealed = enclosed(store, bytes(2 * MIB + 5))
    end = len(sealed)
    # The last piece has 5 bytes, so the others end before that and its tag.
    last = end - 5 - 16
    for length in (0, 10, 20, 60, last - MIB - 16, last - 1, last, last + 1, end - 1):
        with pytest.raises(SealBroken):
            disclosed(store, sealed[:length])


def test_pieces_keep_their_order(store: FernetStore) -> None:
    sealed = enclosed(store, bytes(3 * MIB))
    size = MIB + 16
    head, pieces = sealed[: -3 * size], sealed[-3 * size :]
    one, two, three = (pieces[start:end] for start, end in pairwise(range(0, 3 * size + 1, size)))
    assert head + one + two + three == sealed
    for wrong in (two + one + three, one + three, two + three, one + two + three + three):
        with pytest.raises(SealBroken):
            disclosed(store, head + wrong)


def test_letting_go_is_passed_to_the_store(
    store: FernetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go: list[str] = []
    monkeypatch.setattr(store, "_discard", let_go.append)
    envelope.discard(store, enclosed(store, b"contents"))
    envelope.discard(store, b"no envelope")
    assert len(let_go) == 1
    assert store.open(f"{store.mark}:{let_go[0]}", "owner", "name")
