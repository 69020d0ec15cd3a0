"""Rows of a file, one at a time, and only if the file is what it should be."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from craton_cmdb_files.export import File, no_answer

#: Characters that are read at once. An object of JSON that is longer is read again and again,
#: each time with twice as much.
_PIECE = 2**14

#: The longest object of JSON, in characters.
_LONGEST = 2**24

_WHITE = " \t\r\n"


@dataclass(frozen=True)
class Row:
    """What an export says of one machine.

    Attributes:
        place: Where it says so, for people.
        cells: Values by column: strings in CSV, anything in JSON.
    """

    place: str
    cells: Mapping[str, Any]


def csv_rows(file: File, delimiter: str, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of CSV (RFC 4180), in UTF-8 with or without a byte-order mark.

    Raises:
        Unavailable: It is no CSV, lacks one of the columns, or was cut off.
    """
    _check_last_line(file)
    with _text(file) as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
            _check_header(file, header, columns)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise no_answer(
                        f"line {reader.line_num} of {file.name}",
                        f"has {len(cells)} cells, the header has {len(header)}",
                    )
                yield Row(
                    f"line {reader.line_num} of {file.name}",
                    dict(zip(header, cells, strict=True)),
                )
        except (csv.Error, UnicodeDecodeError) as error:
            raise no_answer(
                f"line {reader.line_num} of {file.name}", "is no CSV in UTF-8"
            ) from error


def json_rows(file: File) -> Iterator[Row]:
    """Yield the objects of an array, without having more than one of them in memory.

    Raises:
        Unavailable: It is no array of objects, or was cut off.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse)
    with _text(file) as text:
        reader = _Reader(text)
        try:
            reader.take("[")
            if reader.next() == "]":
                reader.take("]")
            else:
                number = 0
                while True:
                    number += 1
                    found = reader.value(decoder)
                    if not isinstance(found, dict):
                        raise ValueError("no object")
                    yield Row(f"object {number} of {file.name}", found)
                    if reader.next() == "]":
                        break
                    reader.take(",")
                reader.take("]")
            if reader.next():
                raise ValueError("something behind the array")
        except (ValueError, RecursionError) as error:
            raise no_answer(file.name, "is no JSON array of objects, or not a whole one") from error


class _Reader:
    """A text of which a part is in memory."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._have, self._at = text, "", 0

    def next(self) -> str:
        """Return the next character that is not white space, and stay there; empty at the end."""
        while True:
            while self._at < len(self._have):
                if self._have[self._at] not in _WHITE:
                    return self._have[self._at]
                self._at += 1
            if not self._more(_PIECE):
                return ""

    def take(self, character: str) -> None:
        if self.next() != character:
            raise ValueError(f"no {character}")
        self._at += 1

    def value(self, decoder: json.JSONDecoder) -> Any:
        if self.next() != "{":
            raise ValueError("no object")
        piece = _PIECE
        while True:
            try:
                value, self._at = decoder.raw_decode(self._have, self._at)
            except json.JSONDecodeError:
                if len(self._have) - self._at > _LONGEST or not self._more(piece):
                    raise
                piece *= 2
            else:
                return value

    def _more(self, size: int) -> bool:
        piece = self._text.read(size)
        self._have, self._at = self._have[self._at :] + piece, 0
        return bool(piece)


class _text:  # noqa: N801 - a context, used like a function
    """The text of a file from its beginning; the file stays open."""

    def __init__(self, file: File) -> None:
        self._file = file

    def __enter__(self) -> io.TextIOWrapper:
        self._file.data.seek(0)
        self._wrapper = io.TextIOWrapper(self._file.data, encoding="utf-8-sig", newline="")
        return self._wrapper

    def __exit__(self, *exc_info: object) -> None:
        self._wrapper.detach()


def _check_last_line(file: File) -> None:
    """Check that the last line has an end; one without may be a part of one."""
    size = file.data.seek(0, io.SEEK_END)
    file.data.seek(max(0, size - 1))
    if file.data.read(1) not in (b"\n", b"\r"):
        raise no_answer(file.name, "does not end with the end of a line, so it may be cut off")


def _check_header(file: File, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        raise no_answer(file.name, f"has no column {missing[0]!r}")
    if len(set(header)) != len(header):
        raise no_answer(file.name, "has two columns of one name")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse(word: str) -> None:
    raise ValueError(word)
