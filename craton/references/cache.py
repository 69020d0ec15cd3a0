"""Fetched files on disk, for all threads and processes of a service.

::

    objects/<SHA-256 of the content>       the files
    urls/<SHA-256 of the URL>.json         what is known of each URL
    locks/<SHA-256 of the URL>             who is asking for it just now

Files are written beside their place and moved there, and content is checked by its digest when it
is read, so whatever else goes wrong, what is read is what was fetched, or nothing. Nothing here is
code: a pickling cache would run what somebody wrote into its directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

LOG = logging.getLogger(__name__)

#: How much room is made at once, as a part of the whole, so that it need not be made every time.
_SLACK = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is known of a URL.

    Attributes:
        url: The URL.
        sha256: The digest of the content, in hexadecimal.
        commit: The commit in which it was found.
        validators: What the fetcher needs to ask whether it changed.
        confirmed_at: When its server was asked that last said that this is the newest, in seconds
            since 1970.
    """

    url: str
    sha256: str
    commit: str | None
    validators: Mapping[str, str]
    confirmed_at: float

    @property
    def time(self) -> datetime:
        """When its server last said that this is the newest."""
        return datetime.fromtimestamp(self.confirmed_at, UTC)


class Cache:
    """A directory of fetched files.

    Args:
        directory: Made when something is to be written.
        limit: How many bytes of files to keep, about.
    """

    def __init__(self, directory: Path, limit: int) -> None:
        self._objects = directory / "objects"
        self._urls = directory / "urls"
        self._locks = directory / "locks"
        self._limit = limit

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Let one thread of all processes at a time ask for a URL."""
        with ExitStack() as stack:
            with _tolerated():
                self._make_directories()
                # One that somebody clears away lets two ask at once, which does no harm.
                lock = stack.enter_context((self._locks / _digest(url.encode())).open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self, url: str) -> tuple[Entry, bytes] | None:
        """Return what is kept of a URL; ``None`` when that is nothing, or damaged."""
        path = self._path(url)
        try:
            entry = Entry(**orjson.loads(path.read_bytes()))
            content = (self._objects / entry.sha256).read_bytes()
        except (OSError, ValueError, TypeError):
            return None
        if entry.url != url or _digest(content) != entry.sha256:
            return None
        # What is used stays longest.
        with suppress(FileNotFoundError):
            os.utime(path)
            os.utime(self._objects / entry.sha256)
        return entry, content

    def write(self, entry: Entry, content: bytes) -> None:
        """Keep what was fetched, and let go of what was not used for the longest time."""
        with _tolerated():
            self._make_directories()
            # Also over what is there, which may be damaged.
            _write(self._objects / entry.sha256, content)
            self._make_room()
        self.confirm(entry)

    def confirm(self, entry: Entry) -> None:
        """Keep what is known of a URL of which the content is there."""
        with _tolerated():
            _write(self._path(entry.url), orjson.dumps(asdict(entry)))

    def _path(self, url: str) -> Path:
        return self._urls / f"{_digest(url.encode())}.json"

    def _make_directories(self) -> None:
        self._objects.parent.parent.mkdir(parents=True, exist_ok=True)
        for directory in (self._objects.parent, self._objects, self._urls, self._locks):
            directory.mkdir(mode=0o700, exist_ok=True)

    def _make_room(self) -> None:
        files = sorted(_files(self._objects), key=lambda file: file[1].st_mtime)
        total = sum(status.st_size for _, status in files)
        if total <= self._limit:
            return
        for path, status in files:
            path.unlink(missing_ok=True)
            total -= status.st_size
            if total <= self._limit * (1 - _SLACK):
                break
        self._forget_orphans()

    def _forget_orphans(self) -> None:
        """Remove what is known of URLs of which the content is gone."""
        for path, _ in _files(self._urls):
            try:
                entry = Entry(**orjson.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError):
                continue
            if not (self._objects / entry.sha256).exists():
                path.unlink(missing_ok=True)
                (self._locks / path.stem).unlink(missing_ok=True)


@contextmanager
def _tolerated() -> Iterator[None]:
    """Go on without the cache when its disk is full or cannot be written."""
    try:
        yield
    except OSError as error:
        LOG.warning("the cache of references cannot be used: %s", error)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _files(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for entry in os.scandir(directory):
        with suppress(FileNotFoundError):
            yield Path(entry.path), entry.stat()


def _write(target: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        try:
            file.write(content)
            file.close()
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
