"""A token is read by the settings that it was made with, and by no others."""

from __future__ import annotations

import base64
import zlib

import pytest

from craton.backends.cmdb.nautobot.sketch import Element, Sketch
from craton.backends.cmdb.nautobot.tokens import Token
from craton.cmdb import MAX_TOKEN

MEANING = b"m" * 16
ELEMENT = Element(1, b"i" * 16, b"v" * 8)


def made(count: int = 1) -> str:
    sketch = Sketch()
    for number in range(count):
        sketch.add(Element(1, number.to_bytes(16), b"v" * 8))
    return Token(sketch, 17.5).text(MEANING)


def test_a_token_comes_back() -> None:
    sketch = Sketch()
    sketch.add(ELEMENT)
    found = Token.read(Token(sketch, 17.5).text(MEANING), MEANING)
    assert found is not None
    assert found.due == 17.5
    difference = found.sketch.difference(Sketch())
    assert difference is not None
    assert difference.before == {ELEMENT}


def test_a_token_fits_whatever_it_sums_up() -> None:
    assert len(made(20_000)) < MAX_TOKEN


def test_other_settings_do_not_know_it() -> None:
    assert Token.read(made(), b"n" * 16) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x" * MAX_TOKEN,
        "\u2603",
        base64.b64encode(b"no zlib").decode(),
        base64.b64encode(zlib.compress(b"\0" * 10**7)).decode(),
        base64.b64encode(zlib.compress(b"\0" * 100)).decode(),
    ],
)
def test_what_is_no_token_is_unknown(text: str | None) -> None:
    assert Token.read(text, MEANING) is None


def test_a_token_that_was_changed_is_unknown() -> None:
    packed = bytearray(zlib.decompress(base64.b64decode(made())))
    packed[-1] ^= 1
    assert Token.read(base64.b64encode(zlib.compress(bytes(packed))).decode(), MEANING) is None
