"""Both secret stores: what comes out is what went in, and nothing else ever comes out."""

from __future__ import annotations

import os
import random

import pytest

from craton.errors import InvalidValue, SealBroken
from craton.secrets import MAX_PAYLOAD, MAX_SEALED, SecretStore

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("openstack")]

HOST, NAME = "0123456789abcdef", "id_ed25519"

PAYLOADS = {
    "newline": b"-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n",
    "crlf": b"one\r\ntwo\r\n\r\n",
    "no newline": b"one",
    "nul": b"\0a\0\0b\0",
    "empty": b"",
    "white space": b" \t\n\n",
    "every byte": bytes(range(256)),
    "utf-8": "Zürich \N{SNOWMAN}\n".encode(),
    "not utf-8": b"\xff\xfe\x80",
    "base64": b"aGVsbG8=\n",
    "json": b'{"a": "\\u0000"}',
    "as large as may be": random.Random(1).randbytes(MAX_PAYLOAD),
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_bytes_out_equal_bytes_in(store: SecretStore, kind: str) -> None:
    payload = PAYLOADS[kind]
    sealed = store.seal(payload, HOST, NAME)
    assert store.open(sealed, HOST, NAME) == payload
    assert sealed.isascii()
    assert len(sealed) <= MAX_SEALED


def test_a_payload_that_is_too_long_is_refused(store: SecretStore) -> None:
    with pytest.raises(InvalidValue, match="1048576 bytes"):
        store.seal(bytes(MAX_PAYLOAD + 1), HOST, NAME)


def test_the_longest_names_leave_room_in_the_sealed_text(store: SecretStore) -> None:
    host, name = "\N{SNOWMAN}" * 64, "\N{SNOWMAN}" * 250
    sealed = store.seal(PAYLOADS["as large as may be"], host, name)
    assert len(sealed) <= MAX_SEALED
    assert store.open(sealed, host, name) == PAYLOADS["as large as may be"]


def test_sealing_twice_gives_two_texts(store: SecretStore) -> None:
    assert store.seal(b"same", HOST, NAME) != store.seal(b"same", HOST, NAME)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("another", NAME),
        (HOST, "another"),
        (HOST, NAME.upper()),
        (HOST + NAME[0], NAME[1:]),
        (HOST[:-1], HOST[-1] + NAME),
        (HOST, ""),
        ("", NAME),
        (NAME, HOST),
        (HOST, NAME + "\0"),
    ],
)
def test_what_was_moved_or_renamed_does_not_open(store: SecretStore, host: str, name: str) -> None:
    sealed = store.seal(b"payload", HOST, NAME)
    with pytest.raises(SealBroken) as caught:
        store.open(sealed, host, name)
    assert (caught.value.host_id, caught.value.name) == (host, name)
    assert caught.value.fields["host_id"] == host
    assert "payload" not in str(caught.value)


@pytest.mark.parametrize("bit", [1, 32, 128])
def test_every_flipped_byte_is_refused(store: SecretStore, bit: int) -> None:
    sealed = store.seal(b"payload", HOST, NAME)
    for position in range(len(sealed)):
        flipped = sealed[:position] + chr(ord(sealed[position]) ^ bit) + sealed[position + 1 :]
        with pytest.raises(SealBroken):
            store.open(flipped, HOST, NAME)
    assert store.open(sealed, HOST, NAME) == b"payload"


def test_what_was_cut_or_lengthened_is_refused(store: SecretStore) -> None:
    sealed = store.seal(b"payload", HOST, NAME)
    cut = [sealed[:length] for length in range(0, len(sealed), 5)]
    longer = [sealed + end for end in ("=", "A", "====", "\n", " ", ":")]
    for text in (*cut, *longer, " " + sealed, sealed.upper(), sealed[:-1], sealed * 2):
        with pytest.raises(SealBroken):
            store.open(text, HOST, NAME)


def test_flipped_bytes_of_a_large_payload_are_refused(fernet: SecretStore) -> None:
    sealed = fernet.seal(os.urandom(MAX_PAYLOAD), HOST, NAME)
    chance = random.Random(2)
    for position in [*(chance.randrange(len(sealed)) for _ in range(40)), len(sealed) - 1]:
        other = "A" if sealed[position] != "A" else "B"
        with pytest.raises(SealBroken):
            fernet.open(sealed[:position] + other + sealed[position + 1 :], HOST, NAME)


def test_a_text_of_another_store_is_refused_and_left_alone(
    fernet: SecretStore, castellan: SecretStore
) -> None:
    kept = castellan.seal(b"payload", HOST, NAME)
    sealed = fernet.seal(b"payload", HOST, NAME)
    for store, text in ((fernet, kept), (castellan, sealed)):
        assert not store.is_current(text)
        with pytest.raises(SealBroken, match="was not sealed by"):
            store.open(text, HOST, NAME)
        store.discard(text)
    assert castellan.open(kept, HOST, NAME) == fernet.open(sealed, HOST, NAME) == b"payload"


def test_what_was_discarded_may_be_discarded_again(store: SecretStore) -> None:
    sealed = store.seal(b"payload", HOST, NAME)
    assert store.is_current(sealed)
    store.discard(sealed)
    store.discard(sealed)
    store.discard(store.mark + ":nonsense")


def test_a_store_that_works_says_so(store: SecretStore) -> None:
    store.check()
