"""A CMDB for tests: objects in a file, which several processes see, and faults on demand."""

from __future__ import annotations

import dataclasses
import os
import pickle
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg

from craton.cmdb import CmdbAdapter, End, Gone, Item, Present, Unusable
from craton.errors import ReadOnly, Unavailable
from craton.models import NEVER, Entity, Host

OWNER = "Testbed"

#: The name of the entry point.
ADAPTER = "testbed"
#: That of the adapter that writes.
WRITING = "testbed-writing"

Key = tuple[type[Entity], str]


@dataclass
class Faults:
    """What goes wrong with each stream, at the item of this number (from 0)."""

    fail_at: int | None = None
    crash_at: int | None = None
    cut_at: int | None = None
    hang_at: int | None = None
    slow: float = 0.0
    message: str = "the CMDB does not answer"


@dataclass
class Contents:
    """All that the CMDB holds, and when each object was last touched."""

    version: int = 0
    epoch: int = 0
    objects: dict[Key, tuple[int, Item]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    streams: int = 0


def url_of(kind: type[Entity], id: str) -> str:
    return f"https://cmdb.example/{kind.collection}/{id}"


class Cmdb:
    """The CMDB from the side of those who work in it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Contents:
        try:
            found = pickle.loads(self.file.read_bytes())
        except FileNotFoundError:
            return Contents()
        assert isinstance(found, Contents)
        return found

    def write(self, contents: Contents) -> None:
        new = self.file.with_suffix(f".{os.getpid()}")
        new.write_bytes(pickle.dumps(contents))
        new.replace(self.file)

    @contextmanager
    def changing(self) -> Iterator[Contents]:
        contents = self.read()
        contents.version += 1
        yield contents
        self.write(contents)

    def reset(self) -> None:
        self.file.unlink(missing_ok=True)

    def put(self, *entities: Any) -> None:
        """Make or change objects."""
        with self.changing() as contents:
            for entity in entities:
                item = Present(entity=entity, url=url_of(type(entity), entity.id))
                contents.objects[type(entity), entity.id] = (contents.version, item)

    def spoil(self, kind: type[Entity], id: str, reason: str) -> None:
        """Make an object unusable."""
        with self.changing() as contents:
            item = Unusable(kind=kind, id=id, name=id, reason=reason, url=url_of(kind, id))
            contents.objects[kind, id] = (contents.version, item)

    def remove(self, *entities: Any) -> None:
        with self.changing() as contents:
            for entity in entities:
                contents.objects[type(entity), entity.id] = (
                    contents.version,
                    Gone(kind=type(entity), id=entity.id),
                )

    def forget_tokens(self) -> None:
        with self.changing() as contents:
            contents.epoch += 1

    def suffer(self, **faults: Any) -> None:
        """Let each stream from now on have these faults, and no others."""
        with self.changing() as contents:
            contents.faults = Faults(**faults)

    def streams(self) -> int:
        """Return how many streams began."""
        return self.read().streams


class TestbedAdapter(CmdbAdapter):
    """Reads the CMDB."""

    __test__ = False

    owner = OWNER

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {"testbed": [cfg.StrOpt("file", help="Where the CMDB is.")]}

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        cmdb = Cmdb(Path(self.settings.testbed.file))
        contents = cmdb.read()
        contents.streams += 1
        cmdb.write(contents)
        faults = contents.faults
        everything = since is None or not since.startswith(f"{contents.epoch}:")
        after = 0 if everything else int(str(since).partition(":")[2])
        items = [
            item
            for version, item in contents.objects.values()
            if version > after and not (everything and isinstance(item, Gone))
        ]
        items.append(End(token=f"{contents.epoch}:{contents.version}", everything=everything))
        for number, item in enumerate(items):
            time.sleep(faults.slow)
            if number == faults.fail_at:
                raise Unavailable(faults.message, retry_after=7)
            if number == faults.crash_at:
                raise KeyError("password=hunter2")
            if number == faults.cut_at:
                return
            if number == faults.hang_at:
                time.sleep(1000)
            yield item


class WritingAdapter(TestbedAdapter):
    """Lets Craton change hosts, but for their names. It keeps addresses in its own way."""

    writes = frozenset((Host,))

    def _write(self, before: Entity | None, after: Entity | None) -> None:
        assert isinstance(before, Host)
        assert isinstance(after, Host)
        if after.name != before.name:
            raise ReadOnly(self.owner)
        cmdb = Cmdb(Path(self.settings.testbed.file))
        _, item = cmdb.read().objects[Host, after.id]
        assert isinstance(item, Present)
        assert item.entity == dataclasses.replace(before, **_NO_STAMPS)
        if after.asset_id == "rewritten":
            after = dataclasses.replace(after, asset_id="as the CMDB likes it")
        cmdb.put(dataclasses.replace(after, **_NO_STAMPS))


_NO_STAMPS: dict[str, Any] = {"revision": "", "created_at": NEVER, "updated_at": NEVER}


def install(directory: Path) -> Path:
    """Write what a package installer would, so that the adapter has an entry point.

    Returns:
        The directory for ``sys.path``.
    """
    metadata = directory / "testbed-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: testbed\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[craton.cmdb.adapters]\n{ADAPTER} = {__name__}:{TestbedAdapter.__name__}\n"
        f"{WRITING} = {__name__}:{WritingAdapter.__name__}\n"
    )
    return directory


def changed(entity: Any, **fields: Any) -> Any:
    return dataclasses.replace(entity, **fields)
