"""Spools, and the archives that are made of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craton.bundles import buckets
from craton.bundles.buckets import Buckets, without_first_comma
from craton.bundles.files import CHUNK
from craton.bundles.member import Member
from craton.bundles.spool import Format, Spool
from craton.bundles.tgz import header
from craton.errors import BackendFault
from tests.archives import read_member

CONTENTS = {
    "a/plain.json": b'{"x":1}',
    "a/é.json": "ü".encode(),
    f"b/{'long' * 40}.json": b"long name",
    "b/😀": b"",
    "c": b"exactly a block" + bytes(512 - 15),
    "d": b"large " * (CHUNK // 2),
    "e": bytes(CHUNK),
    "f": bytes(CHUNK + 1),
}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path) as spool:
        for number, (name, content) in enumerate(CONTENTS.items()):
            if number % 2:
                with spool.writing(name) as write:
                    for start in range(0, len(content), 1000):
                        write(content[start : start + 1000])
            else:
                spool.add(name, content)
        with spool.writing("Last", last=True) as write:
            write(b"last")
        spool.finish()
        yield spool


def packed(spool: Spool, format: Format) -> bytes:
    return b"".join(spool.archive(format))


def test_members_come_back_sorted_with_size_and_digest(spool: Spool) -> None:
    found = {member.name: (member.size, member.sha256) for member in spool.members()}
    expected = CONTENTS | {"Last": b"last"}
    assert list(found) == list(expected)
    assert found == {
        name: (len(content), hashlib.sha256(content).digest()) for name, content in expected.items()
    }


def test_tgz_holds_every_member_with_fixed_owner_time_and_mode(spool: Spool) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed(spool, Format.TGZ))) as archive:
        members = archive.getmembers()
        contents = {info.name: read_member(archive, info) for info in members}
    assert contents == CONTENTS | {"Last": b"last"}
    assert {(i.uid, i.gid, i.uname, i.gname, i.mtime, i.mode, i.type) for i in members} == {
        (0, 0, "", "", 0, 0o644, tarfile.REGTYPE)
    }


def test_gzip_header_says_nothing_that_could_differ(spool: Spool) -> None:
    assert packed(spool, Format.TGZ)[:10] == bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))


@pytest.mark.parametrize("size", [0, 1, 8**11 - 1, 8**11, 2**40])
@pytest.mark.parametrize("name", ["a", "a/b", "x" * 99, "x" * 100, "x" * 101, "é", "日本" * 100])
def test_header_is_that_of_tarfile(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    assert header(Member(name, size, b"", 0)) == info.tobuf(tarfile.PAX_FORMAT)


def test_zip_holds_the_same_with_fixed_time_and_mode(spool: Spool) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(spool, Format.ZIP))) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        contents = {info.filename: archive.read(info) for info in infos}
    assert contents == CONTENTS | {"Last": b"last"}
    assert {(info.date_time, info.external_attr >> 16, info.create_system) for info in infos} == {
        ((1980, 1, 1, 0, 0, 0), stat.S_IFREG | 0o644, 3)
    }


def test_zip_of_more_members_than_its_first_format_can_count() -> None:
    names = [f"{number:06}" for number in range(2**16 + 1)]
    with Spool() as spool:
        for name in names:
            spool.add(name, b"x")
        spool.finish()
        content = packed(spool, Format.ZIP)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == names


def unpack_tgz(content: bytes) -> bytes:
    return gzip.decompress(content)


def unpack_zip(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.parametrize(("format", "unpack"), [(Format.TGZ, unpack_tgz), (Format.ZIP, unpack_zip)])
def test_archive_that_breaks_off_is_not_a_valid_shorter_one(
    spool: Spool, format: Format, unpack: Callable[[bytes], object]
) -> None:
    *pieces, last = spool.archive(format)
    unpack(b"".join((*pieces, last)))
    for content in (b"".join(pieces), b"".join((*pieces, last[:-1]))):
        with pytest.raises((EOFError, zipfile.BadZipFile)):
            unpack(content)


def test_spool_leaves_no_file_behind(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        spool.add("a", bytes(10 * CHUNK))
        spool.finish()
        assert list(Path(tmp_path).iterdir()) == []
        pieces = spool.archive(Format.ZIP)
        next(pieces)
    with pytest.raises(ValueError, match="closed"):
        list(pieces)


def test_names_must_come_in_the_order_of_code_points() -> None:
    with Spool() as spool:
        spool.add("Z", b"")
        spool.add("a", b"")
        for name in ("a", "B"):
            with pytest.raises(BackendFault):
                spool.add(name, b"")


def test_buckets_give_back_what_was_put_in_whatever_stayed_in_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(buckets, "_WAITING", 50)
    found = Buckets(tmp_path)
    for number in range(100):
        found.append(f"{number % 3}", b",%d" % number)
    assert found.keys() == {"0", "1", "2"}
    for key in "012":
        expected = b",".join(b"%d" % number for number in range(int(key), 100, 3))
        assert b"".join(without_first_comma(found.read(key))) == expected
    assert b"".join(without_first_comma(found.read("3"))) == b""
    found.close()
