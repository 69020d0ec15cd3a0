"""The files adapter keeps Craton's contract, wherever the export is and whatever it looks like."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from craton_cmdb_files.adapter import FilesAdapter
from oslo_config import cfg

from craton.testing.adapters import (
    AdapterHarness,
    AdapterSuite,
    Machine,
    NotExercised,
    Trouble,
)

if TYPE_CHECKING:  # pytest imports it under a name of its own
    from conftest import Server

COLUMNS = "id:Asset,name:Hostname,ip_address:IP,groups:Tags"
Settings = Callable[..., cfg.ConfigOpts]


class FilesHarness(AdapterHarness):
    """An export that is made anew with each change."""

    adapter = FilesAdapter
    groups = True
    many = 600
    patience = 20.0
    format = "csv"

    def __init__(self, settings: Settings) -> None:
        self.make = settings
        self.rows: list[dict[str, object]] = []
        self.made = 0

    def options(self) -> dict[str, object]:
        return {"format": self.format, "columns": COLUMNS, "tenant": "acme", "region": "north"}

    def settings(self) -> cfg.ConfigOpts:
        return self.make(**self.options())

    def reset(self) -> None:
        self.rows = []
        self.export()

    def put(self, machines: Sequence[Machine]) -> None:
        known = {row["Hostname"]: row for row in self.rows}
        for machine in machines:
            row = known.get(machine.name)
            if row is None:
                self.made += 1
                row = {"Asset": f"INV-{self.made}", "Hostname": machine.name}
                self.rows.append(row)
            groups: object = list(machine.groups)
            if self.format == "csv":
                groups = ",".join(machine.groups)
            row.update({"IP": machine.address, "Tags": groups, "rack": "07", "empty": ""})
        self.export()

    def remove(self, names: Sequence[str]) -> None:
        self.rows = [row for row in self.rows if row.get("was", row["Hostname"]) not in names]
        self.export()

    def rename(self, name: str, new: str) -> None:
        self.row(name)["Hostname"] = new
        self.export()

    def spoil(self, name: str) -> None:
        self.row(name).update({"Hostname": "", "was": name})
        self.export()

    def twin(self, name: str) -> None:
        self.rows.append(dict(self.row(name)))
        self.export()

    def row(self, name: str) -> dict[str, object]:
        return next(row for row in self.rows if row["Hostname"] == name)

    def data(self) -> bytes:
        if self.format == "json":
            return json.dumps(self.rows, ensure_ascii=False, indent=1).encode()
        text = io.StringIO()
        columns = ["Asset", "Hostname", "IP", "Tags", "rack", "empty", "was"]
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue().encode("utf-8-sig")

    def export(self) -> None:
        raise NotImplementedError


class DirectoryHarness(FilesHarness):
    """A directory with the export in two files, each of which is complete when it has its name."""

    def __init__(self, settings: Settings, path: Path) -> None:
        super().__init__(settings)
        self.path = path
        self.path.mkdir()

    def options(self) -> dict[str, object]:
        return {**super().options(), "path": self.path}

    @property
    def file(self) -> Path:
        return self.path / f"hosts.{self.format}"

    def export(self) -> None:
        new = self.path / "hosts.new"
        new.write_bytes(self.data())
        new.rename(self.file)

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[None]:
        match trouble:
            case Trouble.AWAY:
                away = self.path.rename(self.path.with_name("away"))
                yield
                away.rename(self.path)
            case Trouble.FAILING:
                # As if the disk were not mounted.
                aside = self.file.rename(self.path / "aside")
                yield
                aside.rename(self.file)
            case Trouble.CUT | Trouble.NONSENSE:
                data = self.file.read_bytes()
                cut = data[: len(data) // 2].rstrip(b"\r\n")
                self.file.write_bytes(
                    cut if trouble is Trouble.CUT else b"<html>\nSorry\n</html>\n"
                )
                yield
                self.file.write_bytes(data)
            case _:
                raise NotExercised(f"a directory is never {trouble.value}")


class JsonHarness(DirectoryHarness):
    format = "json"


class ManifestHarness(DirectoryHarness):
    """The file is written in place, and a manifest says what it must be."""

    def options(self) -> dict[str, object]:
        return {**super().options(), "manifest": "SHA256SUMS"}

    def export(self) -> None:
        data = self.data()
        self.file.unlink(missing_ok=True)
        self.file.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        (self.path / "SHA256SUMS").write_text(f"{digest}  {self.file.name}\n")


class ServerHarness(FilesHarness):
    """A server that answers in one way or another."""

    def __init__(
        self, settings: Settings, server: Server, secret_file: Path, **ways: object
    ) -> None:
        super().__init__(settings)
        self.server, self.secret_file = server, secret_file
        for name, value in ways.items():
            setattr(server, name, value)

    def options(self) -> dict[str, object]:
        return {
            **super().options(),
            "url": self.server.url,
            "ca_file": self.server.authority.certificate,
            "secret_file": self.secret_file,
            "timeout": 1.5,
            "count_header": "X-Total-Count",
        }

    def secrets(self) -> Sequence[str]:
        return [self.secret_file.read_text().strip()]

    def export(self) -> None:
        self.server.headers = {"X-Total-Count": str(len(self.rows))}
        self.server.body = self.data()

    def trouble(self, trouble: Trouble) -> AbstractContextManager[None]:
        return self.server.in_trouble(trouble)


class JsonServerHarness(ServerHarness):
    format = "json"


class TestCsvDirectory(AdapterSuite):
    @pytest.fixture
    def harness(self, settings: Settings, tmp_path: Path) -> AdapterHarness:
        return DirectoryHarness(settings, tmp_path / "export")


class TestJsonDirectory(AdapterSuite):
    @pytest.fixture
    def harness(self, settings: Settings, tmp_path: Path) -> AdapterHarness:
        return JsonHarness(settings, tmp_path / "export")


class TestManifest(AdapterSuite):
    @pytest.fixture
    def harness(self, settings: Settings, tmp_path: Path) -> AdapterHarness:
        return ManifestHarness(settings, tmp_path / "export")


class TestCsvServer(AdapterSuite):
    @pytest.fixture
    def harness(self, settings: Settings, server: Server, secret_file: Path) -> AdapterHarness:
        return ServerHarness(settings, server, secret_file)


class TestJsonServerWithoutETag(AdapterSuite):
    """In pieces, and with times alone, which are too coarse to tell changes apart."""

    @pytest.fixture
    def harness(self, settings: Settings, server: Server, secret_file: Path) -> AdapterHarness:
        ways = {"etag": False, "chunked": True}
        return JsonServerHarness(settings, server, secret_file, **ways)
