"""A directory: what counts as complete, and what happens while somebody writes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest
from craton_cmdb_files.adapter import FilesAdapter

from craton.cmdb import End, Item, Present, Unusable
from craton.errors import Unavailable
from craton.models import Host

HEADER = "id,name\n"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    directory = tmp_path / "export"
    directory.mkdir()
    return directory


def names(items: Iterable[Item]) -> list[str]:
    found = (item.entity for item in items if isinstance(item, Present))
    return [entity.name for entity in found if isinstance(entity, Host)]


def rows(start: int, stop: int) -> str:
    return "".join(f"{number},h{number}\n" for number in range(start, stop))


def manifest(export: Path, *files: str) -> None:
    lines = [f"{hashlib.sha256((export / f).read_bytes()).hexdigest()}  {f}\n" for f in files]
    (export / "SUMS").write_text("".join(lines))


def test_all_files_of_the_format_are_one_export_and_nothing_else_is(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    (export / "b.csv").write_text(HEADER + "1,one\n")
    (export / "a.csv").write_text("name,id\ntwo,2\n")
    for other in ("c.csv.new", ".d.csv", "e.txt", "f.json"):
        (export / other).write_text("what\never")
    *items, end = make(path=export).changes(None)
    assert names(items) == ["two", "one"]
    assert end.everything


def test_an_id_in_two_files_is_in_both_of_them_unusable(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    (export / "a.csv").write_text(HEADER + "1,a\n")
    (export / "b.csv").write_text(HEADER + "1,b\n")
    items = list(make(path=export).changes(None))
    found = [item.reason.split(":")[0] for item in items if isinstance(item, Unusable)]
    assert found == ["line 2 of a.csv", "line 2 of b.csv"]


def test_the_same_bytes_are_no_change_and_other_settings_are(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    file = export / "a.csv"
    file.write_text(HEADER + "1,a\n")
    token = list(make(path=export).changes(None))[-1].token
    file.write_text(HEADER + "1,a\n")
    assert list(make(path=export).changes(token)) == [End(token=token, everything=False)]
    items = list(make(path=export, region="south").changes(token))
    assert names(items) == ["a"]
    assert items[-1].everything
    file.rename(export / "b.csv")
    assert list(make(path=export).changes(token))[-1].everything


def test_a_directory_without_a_file_is_no_empty_cmdb(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    with pytest.raises(Unavailable, match=r"has no file whose name ends with \.csv"):
        list(make(path=export).changes(None))
    (export / "a.csv").write_text(HEADER)
    assert names(make(path=export).changes(None)) == []


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    (export / "a.csv").write_text(HEADER + rows(0, 3000))
    stream = make(path=export).changes(None)
    begin = list(islice(stream, 3))
    (export / "new").write_text(HEADER + rows(0, 5))
    (export / "new").rename(export / "a.csv")
    *items, end = [*begin, *stream]
    assert len(names(items)) == 3000
    assert len(names(make(path=export).changes(end.token))) == 5


@pytest.mark.parametrize("mode", ["a", "w", "r+"])
def test_a_file_that_is_written_to_while_it_is_read_is_no_export(
    make: Callable[..., FilesAdapter], export: Path, mode: str
) -> None:
    (export / "a.csv").write_text(HEADER + rows(0, 3000))
    stream = make(path=export).changes(None)
    next(stream)
    with (export / "a.csv").open(mode) as file:
        file.write(HEADER + rows(9000, 9001))
    with pytest.raises(Unavailable):
        list(stream)


def test_what_is_no_file_is_not_waited_for(make: Callable[..., FilesAdapter], export: Path) -> None:
    os.mkfifo(export / "a.csv")
    with pytest.raises(Unavailable, match="no regular file"):
        list(make(path=export).changes(None))


def test_a_directory_may_be_too_large(make: Callable[..., FilesAdapter], export: Path) -> None:
    (export / "a.csv").write_text(HEADER + rows(0, 3))
    (export / "b.csv").write_text(HEADER + rows(3, 6))
    assert len(names(make(path=export, max_bytes=100).changes(None))) == 6
    with pytest.raises(Unavailable, match="more than 40 bytes"):
        list(make(path=export, max_bytes=40).changes(None))


def test_a_manifest_says_what_the_export_is(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    (export / "a.csv").write_text(HEADER + "1,a\n")
    (export / "b.csv").write_text(HEADER + "2,b\n")
    manifest(export, "a.csv")
    adapter = make(path=export, manifest="SUMS")
    assert names(adapter.changes(None)) == ["a"]
    manifest(export, "a.csv", "b.csv")
    assert names(adapter.changes(None)) == ["a", "b"]


def test_a_file_that_does_not_fit_its_manifest_is_no_export(
    make: Callable[..., FilesAdapter], export: Path
) -> None:
    (export / "a.csv").write_text(HEADER + rows(0, 9))
    manifest(export, "a.csv")
    adapter = make(path=export, manifest="SUMS")
    # Written in place, up to the end of a line: nothing else could tell.
    (export / "a.csv").write_text(HEADER + rows(0, 5))
    with pytest.raises(Unavailable, match="does not fit its manifest"):
        list(adapter.changes(None))
    (export / "a.csv").unlink()
    with pytest.raises(Unavailable, match="does not fit its manifest"):
        list(adapter.changes(None))


@pytest.mark.parametrize("text", ["a.csv\n", f"{'0' * 64}  ../a.csv\n", "", None])
def test_a_manifest_that_is_none_is_no_export(
    make: Callable[..., FilesAdapter], export: Path, text: str | None
) -> None:
    (export / "a.csv").write_text(HEADER)
    if text is not None:
        (export / "SUMS").write_text(text)
    with pytest.raises(Unavailable):
        list(make(path=export, manifest="SUMS").changes(None))
