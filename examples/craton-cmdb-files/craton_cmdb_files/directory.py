"""An export in a directory.

Whoever writes a file there writes it under another name and renames it, so that a name stands for a
whole file; or writes a manifest last. All files are opened before the first is read, and it is made
sure that all of them had their names at one moment. What replaces one later is for the next time.
A file that is written to while it is open is no export.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path

from craton_cmdb_files.export import Export, File, no_answer

#: How often to look again when a file is replaced between two looks.
_LOOKS = 5

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)\Z")


@contextmanager
def opened(path: Path, suffix: str, manifest: str | None, max_bytes: int) -> Iterator[Export]:
    """Open what a directory holds now.

    Raises:
        Unavailable: It is not there, holds no export, or one that is being written.
    """
    for _ in range(_LOOKS):
        with ExitStack() as stack:
            export = _look(path, suffix, manifest, max_bytes, stack)
            if export is not None:
                yield export
                return
    raise no_answer(str(path), "is being written, or does not fit its manifest")


def _look(
    path: Path, suffix: str, manifest: str | None, max_bytes: int, stack: ExitStack
) -> Export | None:
    try:
        wanted = _manifest(path / manifest) if manifest else _names(path, suffix)
        files = {name: stack.enter_context(_open(path / name)) for name in sorted(wanted)}
        if not files:
            # An empty directory is what an export looks like whose disk is not mounted.
            raise no_answer(str(path), f"has no file whose name ends with .{suffix}")
        before = {name: _state(os.fstat(data.fileno())) for name, data in files.items()}
        if sum(size for _, size, _ in before.values()) > max_bytes:
            raise no_answer(str(path), f"has more than {max_bytes} bytes")
        if {name: _state((path / name).stat()) for name in files} != before:
            return None
        if (_manifest(path / manifest) if manifest else _names(path, suffix)) != wanted:
            return None
        found = [File(name, data, _digest(data)) for name, data in files.items()]
    except FileNotFoundError as error:
        if path.is_dir():
            return None
        raise no_answer(str(path), "is not there") from error
    except OSError as error:
        raise no_answer(str(path), "cannot be read") from error
    if any(wanted[file.name] not in ("", file.digest) for file in found):
        return None

    def check() -> None:
        if {name: _state(os.fstat(data.fileno())) for name, data in files.items()} != before:
            raise no_answer(str(path), "was written to while it was read")

    return Export(found, check)


def _names(path: Path, suffix: str) -> Mapping[str, str]:
    return {
        entry.name: ""
        for entry in path.iterdir()
        if entry.name.endswith(f".{suffix}") and not entry.name.startswith(".")
    }


def _manifest(path: Path) -> Mapping[str, str]:
    """Return the digests by name, as sha256sum prints them."""
    found = {}
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        match = _LINE.match(line)
        if match is None or "/" in match[2]:
            raise no_answer(str(path), "is no list of files as sha256sum prints it")
        found[match[2]] = match[1]
    return found


def _open(path: Path) -> BufferedReader:
    # A pipe of that name would keep us waiting.
    if not stat.S_ISREG(path.stat().st_mode):
        raise no_answer(str(path), "is no regular file")
    return path.open("rb")


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _digest(data: BufferedReader) -> str:
    return hashlib.file_digest(data, "sha256").hexdigest()
