"""The files adapter: the hook of craton.cmdb, on an export."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from craton.cmdb import CmdbAdapter, End, Item
from craton.errors import ConfigurationError
from craton_cmdb_files import directory, download, options
from craton_cmdb_files.export import Export, no_answer
from craton_cmdb_files.mapping import Mapper
from craton_cmdb_files.rows import Row, csv_rows, json_rows


@dataclass(frozen=True)
class Token:
    """What is known of the export that the last stream was made of.

    An export has no list of changes, so there are two answers: nothing has changed, or everything.
    """

    settings: str = ""
    digest: str = ""
    validators: tuple[str, str] = ("", "")

    @classmethod
    def read(cls, text: str | None) -> Token:
        """Read a token; one that this adapter has not made knows nothing."""
        try:
            settings, digest, etag, modified = json.loads(text or "")
        except (ValueError, TypeError, RecursionError):
            return cls()
        parts = (settings, digest, etag, modified)
        if not all(isinstance(part, str) and part.isprintable() for part in parts):
            return cls()
        return cls(settings, digest, (etag, modified))

    def text(self) -> str:
        """Return what :meth:`read` takes."""
        return json.dumps([self.settings, self.digest, *self.validators])


class FilesAdapter(CmdbAdapter):
    """Reads what a CMDB exports to ``[cmdb_files] path``, or offers at ``url``."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._options = settings[options.GROUP]
        options.check(self._options)
        self.owner = self._options.owner  # type: ignore[misc]

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {options.GROUP: options.OPTIONS}

    def _open(self) -> None:
        try:
            options.read_secret(self._options)
            if self._options.ca_file:
                Path(self._options.ca_file).read_bytes()
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(
                f"[{options.GROUP}] a file of ca_file or secret_file cannot be read: "
                f"{type(error).__name__}"
            ) from error

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        meaning = options.digest(self._options)
        known = Token.read(since)
        if known.settings != meaning:
            known = Token()
        with self._export(known.validators) as export:
            if export is None:
                yield End(token=known.text(), everything=False)
                return
            token = Token(meaning, export.digest, export.validators)
            if export.digest == known.digest:
                yield End(token=token.text(), everything=False)
                return
            yield from self._everything(export)
            yield End(token=token.text(), everything=True)

    def _export(self, validators: tuple[str, str]) -> AbstractContextManager[Export | None]:
        if self._options.url:
            return download.fetched(self._options, validators)
        return directory.opened(
            Path(self._options.path),
            self._options.format,
            self._options.manifest,
            self._options.max_bytes,
        )

    def _everything(self, export: Export) -> Iterator[Item]:
        mapper = Mapper(self._options)
        repeated = self._repeated(export, mapper)
        for row in self._rows(export):
            yield from mapper.items(row, _short(mapper.identity(row)) in repeated)
        export.check()

    def _repeated(self, export: Export, mapper: Mapper) -> set[bytes]:
        """Read all rows once, and return the ids that more than one has."""
        seen: set[bytes] = set()
        repeated: set[bytes] = set()
        count = 0
        for row in self._rows(export):
            count += 1
            id = _short(mapper.identity(row))
            (repeated if id in seen else seen).add(id)
        if export.count not in (None, count):
            raise no_answer(
                options.place(self._options),
                f"has {count} rows, and says that it has {export.count}",
            )
        return repeated

    def _rows(self, export: Export) -> Iterator[Row]:
        columns = list(self._options.columns.values())
        for file in export.files:
            try:
                if self._options.format == "json":
                    yield from json_rows(file)
                else:
                    yield from csv_rows(file, options.delimiter(self._options), columns)
            except OSError as error:
                raise no_answer(os.fsdecode(file.name), "cannot be read") from error


def _short(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode(errors="surrogatepass"), digest_size=16).digest()
