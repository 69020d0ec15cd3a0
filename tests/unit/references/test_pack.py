"""Packs that mean no good, and packs that are only odd."""

from __future__ import annotations

import hashlib
import time
import tracemalloc
import zlib

import pytest

from craton.references.allowance import Allowance, FetchFailed
from craton.references.pack import BLOB, TREE, Pack


def number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def entry(kind: int, content: bytes, *, size: int | None = None, base: bytes = b"") -> bytes:
    """An object in a pack; it may lie about its size."""
    size = len(content) if size is None else size
    header, rest = kind << 4 | size & 15, size >> 4
    start = bytes([header | 0x80]) + number(rest) if rest else bytes([header])
    return start + base + zlib.compress(content)


def pack(*entries: bytes, count: int | None = None) -> bytes:
    body = b"PACK" + (2).to_bytes(4, "big")
    body += (len(entries) if count is None else count).to_bytes(4, "big") + b"".join(entries)
    return body + hashlib.sha1(body).digest()


def id_of(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def delta(base: int, size: int, instructions: bytes) -> bytes:
    return number(base) + number(size) + instructions


def read(data: bytes, limit: int = 10_000) -> Pack:
    return Pack(data, limit, lambda: None)


def test_objects_are_found_by_id_and_type() -> None:
    found = read(pack(entry(3, b"one"), entry(3, b"")))
    assert found.find(id_of(b"one"), BLOB) == b"one"
    assert found.find(id_of(b""), BLOB) == b""
    assert found.find(id_of(b"one"), TREE) is None
    assert found.find(id_of(b"other"), BLOB) is None


def test_a_delta_is_made_from_what_stands_before_or_behind_it() -> None:
    base, made = b"0123456789", b"345-0123"
    change = delta(10, 8, b"\x91\x03\x03" + b"\x01-" + b"\x90\x04")
    id = bytes.fromhex(id_of(base))
    before = entry(3, base)
    for data in (
        pack(before, entry(7, change, base=id)),
        pack(entry(7, change, base=id), before),
        pack(before, entry(6, change, base=bytes([len(before)]))),
    ):
        assert read(data).find(id_of(made), BLOB) == made


def test_a_delta_of_a_delta_is_made() -> None:
    first, second = b"aaaa", b"aaaab"
    id = bytes.fromhex(id_of(second))
    change = delta(4, 5, b"\x90\x04\x01b")
    again = delta(5, 6, b"\x90\x05\x01c")
    entries = [
        entry(7, again, base=id),
        entry(7, change, base=bytes.fromhex(id_of(first))),
        entry(3, first),
    ]
    assert read(pack(*entries)).find(id_of(b"aaaabc"), BLOB) == b"aaaabc"


ID = bytes.fromhex(id_of(b"base"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PACK\0\0\0\2", id="half-a-header"),
        pytest.param(b"KCAP" + pack(entry(3, b"x"))[4:], id="another-format"),
        pytest.param(pack(entry(3, b"x")).replace(b"\0\0\0\2", b"\0\0\0\x09", 1), id="version"),
        pytest.param(pack(entry(3, b"x"), count=2), id="too-few"),
        pytest.param(pack(entry(3, b"x" * 99))[:30], id="cut-off"),
        pytest.param(pack(entry(3, b"xx", size=1)), id="more-than-announced"),
        pytest.param(pack(entry(3, b"x" * 9000, size=10)), id="much-more-than-announced"),
        pytest.param(pack(entry(3, b"x", size=2)), id="less-than-announced"),
        pytest.param(pack(entry(5, b"x")), id="unknown-type"),
        pytest.param(pack(entry(0, b"x")), id="no-type"),
        pytest.param(pack(b"\xb0" + b"\xff" * 20), id="endless-size"),
        pytest.param(pack(b"\x61" + b"\xff" * 20), id="endless-offset"),
        pytest.param(pack(b"\x31garbage"), id="not-compressed"),
        pytest.param(pack(entry(7, delta(4, 1, b"\x01x"), base=ID)), id="no-base"),
        pytest.param(pack(entry(6, b"x", base=b"\x05")), id="no-base-at-the-offset"),
        pytest.param(pack(entry(6, b"x", base=b"\0")), id="its-own-base"),
        *(
            pytest.param(pack(entry(3, b"base"), entry(7, change, base=ID)), id=name)
            for name, change in {
                "other-base-size": delta(5, 1, b"\x01x"),
                "more-than-promised": delta(4, 1, b"\x02xy"),
                "less-than-promised": delta(4, 3, b"\x02xy"),
                "beyond-the-base": delta(4, 5, b"\x90\x05"),
                "start-beyond-the-base": delta(4, 1, b"\x91\x09\x01"),
                "cut-off-instruction": delta(4, 3, b"\x03x"),
                "cut-off-copy": delta(4, 3, b"\xff"),
                "reserved-instruction": delta(4, 1, b"\0\x01x"),
                "no-sizes": b"",
                "endless-number": b"\xff" * 20,
            }.items()
        ),
    ],
)
def test_a_damaged_pack_is_an_error(data: bytes) -> None:
    with pytest.raises(FetchFailed, match="damaged"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pack(entry(3, b"\0" * 20_000)), id="object"),
        pytest.param(pack(*(entry(3, b"%d" % n + b"\0" * 2000) for n in range(6))), id="objects"),
        pytest.param(
            pack(
                entry(3, b"base" * 1000),
                entry(
                    7,
                    delta(4000, 400_000, b"\xb0\xa0\x0f" * 100),
                    base=bytes.fromhex(id_of(b"base" * 1000)),
                ),
            ),
            id="delta",
        ),
    ],
)
def test_what_unpacks_to_more_than_the_limit_is_refused(data: bytes) -> None:
    assert len(data) < 2000
    with pytest.raises(FetchFailed, match="more than 10000 bytes"):
        read(data)


def test_a_delta_that_makes_more_than_it_promises_is_stopped_on_the_way() -> None:
    base = b"base" * 1000
    change = delta(4000, 10, b"\xb0\xa0\x0f" * 20_000)
    data = pack(entry(3, base), entry(7, change, base=bytes.fromhex(id_of(base))))
    tracemalloc.start()
    try:
        with pytest.raises(FetchFailed, match="damaged"):
            read(data, 100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_size_that_is_announced_is_not_believed_before_it_is_counted() -> None:
    with pytest.raises(FetchFailed, match="more than 10000 bytes"):
        read(pack(entry(3, b"x", size=2**40)))


def test_a_pack_that_takes_long_to_unpack_meets_the_time_limit() -> None:
    allowance = Allowance(seconds=0.01, received=1, size=1)
    time.sleep(0.02)
    with pytest.raises(FetchFailed, match="took longer"):
        Pack(pack(entry(3, b"x")), 100, allowance.remaining)
