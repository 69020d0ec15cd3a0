"""Referenced files on their way into bundles and effective variables.

They are fetched before a snapshot of the region is taken, because a slow server must not keep a
transaction open. In the snapshot it is made sure that the references are still the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from craton import jsontext
from craton.bundles.groups import changed_meanwhile, in_region
from craton.bundles.quoting import checked
from craton.driver import InventoryReader, parent_of
from craton.jsontext import JsonValue
from craton.models import GroupReference, RegionReference
from craton.query import Query
from craton.references import Fetched, Wanted, variables_of

#: The group whose variables a region refers to.
ALL: Final = "all"


#: Digests of files that Ansible would read, as far as they were looked at; not more than so many.
_READABLE: Final[set[str]] = set()
_REMEMBERED: Final = 10_000


class Fetch(Protocol):
    """What fetches files: :meth:`craton.references.References.fetch`."""

    def __call__(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        """Return the files in the order of what is wanted."""


@dataclass(frozen=True)
class ReferencedFile:
    """A reference and its file.

    Attributes:
        reference: The reference.
        fetched: The file.
    """

    reference: RegionReference | GroupReference
    fetched: Fetched

    @property
    def member(self) -> str:
        """The name of the file in the directory of its group's variables."""
        return f"1-{checked(self.reference.name)}.yml"

    def document(self, owner: str) -> dict[str, object]:
        """Return what the manifest says of the file.

        Args:
            owner: The group in whose directory it is.
        """
        return {
            "name": self.reference.name,
            "owner": owner,
            "url": self.reference.url,
            "commit": self.fetched.commit,
            "sha256": self.fetched.sha256,
            "stale": self.fetched.stale,
        }

    @cached_property
    def rendered(self) -> Mapping[str, str]:
        """The variables as an inventory script prints them, each as JSON text.

        They may be templates, as in the file; what the file calls unsafe is marked.
        """
        marked = variables_of(self.fetched.content, self.reference.url, marked=True)
        return {name: jsontext.dumps(value) for name, value in marked.items()}

    def check(self) -> None:
        """Make sure that Ansible would read the file; the same content is looked at once.

        Raises:
            ReferenceMalformed: It would not.
        """
        if self.fetched.sha256 not in _READABLE:
            _ = self.variables
            if len(_READABLE) >= _REMEMBERED:
                _READABLE.clear()
            _READABLE.add(self.fetched.sha256)

    @cached_property
    def variables(self) -> Mapping[str, JsonValue]:
        """What Ansible reads in the file."""
        return variables_of(self.fetched.content, self.reference.url)


class ReferencedFiles:
    """All referenced files of a region, by the id of the region or group that owns them.

    Args:
        files: The files.
    """

    def __init__(self, files: Iterable[ReferencedFile] = ()) -> None:
        self._of: dict[str, list[ReferencedFile]] = {}
        # Ansible reads the files of one directory in the order of their names.
        for file in sorted(files, key=lambda file: file.member):
            self._of.setdefault(str(parent_of(file.reference)), []).append(file)

    def __iter__(self) -> Iterator[ReferencedFile]:
        for owner in sorted(self._of):
            yield from self._of[owner]

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, owner_id: str) -> Sequence[ReferencedFile]:
        """Return the files of an owner in the order in which Ansible reads them."""
        return self._of.get(owner_id, ())

    def check_current(self, reader: InventoryReader, region_id: str) -> None:
        """Make sure that a snapshot has the references whose files these are.

        Raises:
            Unavailable: It has others, because somebody changed them meanwhile.
        """
        there = {(r.id, r.revision) for r in _references(reader, region_id)}
        if there != {(file.reference.id, file.reference.revision) for file in self}:
            raise changed_meanwhile()

    @cached_property
    def digest(self) -> str:
        """A text that is another one whenever a bundle's bytes are, because of these files."""
        digest = hashlib.blake2b(digest_size=16)
        for file in self:
            reference, fetched = file.reference, file.fetched
            parts = (
                *(reference.id, reference.revision, fetched.sha256),
                *(fetched.commit or "", str(fetched.stale)),
            )
            digest.update("\0".join((*parts, "")).encode())
        return digest.hexdigest()


#: Of a region that refers to nothing.
NO_FILES = ReferencedFiles()


def referenced_files(reader: InventoryReader, region_id: str, fetch: Fetch) -> ReferencedFiles:
    """Fetch all referenced files of a region and its groups.

    Every file is read as Ansible would read it, so that none that Ansible refuses gets any further.

    Raises:
        ReferenceUnusable: One cannot be had, or is nothing that Ansible takes.
    """
    references = _references(reader, region_id)
    if not references:
        return NO_FILES
    fetched = fetch([Wanted(url=one.url, sha256=one.sha256) for one in references])
    files = [ReferencedFile(*pair) for pair in zip(references, fetched, strict=True)]
    for file in files:
        file.check()
    return ReferencedFiles(files)


def _references(reader: InventoryReader, region_id: str) -> list[RegionReference | GroupReference]:
    query = Query(where=in_region(region_id))
    return [*reader.scan(RegionReference, query), *reader.scan(GroupReference, query)]
