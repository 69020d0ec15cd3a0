"""What a bundle will hold, known before anything of it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from zlib_ng import zlib_ng

from craton import jsontext
from craton.bundles.groups import GroupGraph, in_region
from craton.bundles.inventories import write_ansible, write_taskflow
from craton.bundles.manifest import FORMAT, write_manifest
from craton.bundles.precedence import Precedence
from craton.bundles.references import ALL, NO_FILES, ReferencedFiles
from craton.bundles.script import write_script
from craton.bundles.secrets import (
    HostsWithSecrets,
    Placing,
    any_in,
    of_hosts,
    sealed_payloads,
)
from craton.bundles.spool import Spool
from craton.driver import InventoryReader
from craton.errors import Unavailable
from craton.models import Group, Host, Region, Secret, Tenant
from craton.query import Predicate, Query
from craton.secrets import SecretStore

if TYPE_CHECKING:
    from craton.filters import HostFilters  # which needs the precedence, and so this package


class Target(Enum):
    """For whom a bundle is; the value is its name in REST.

    Attributes:
        TASKFLOW: One inventory for each host.
        ANSIBLE: One inventory, for ``/etc/ansible``.
        SCRIPT: The document of an inventory script, which is no archive.
    """

    TASKFLOW = "taskflow"
    ANSIBLE = "ansible"
    SCRIPT = "script"


_WRITERS: Final = {
    Target.TASKFLOW: write_taskflow,
    Target.ANSIBLE: write_ansible,
    Target.SCRIPT: write_script,
}


@dataclass(frozen=True, kw_only=True)
class BundleRequest:
    """What somebody wants.

    Attributes:
        region_id: The region.
        target: For whom.
        filters: Which hosts; without a word on it, inactive ones are left out.
        files: The files that the region and its groups refer to, fetched before.
        secrets: What opens secrets; ``None`` leaves them out.
    """

    region_id: str
    target: Target
    filters: HostFilters
    files: ReferencedFiles = NO_FILES
    secrets: SecretStore | None = None


@dataclass(frozen=True, kw_only=True)
class BundlePlan:
    """A bundle that can be made, as long as its reader reads.

    Attributes:
        request: What is wanted.
        etag: Opaque, without quotes; another one whenever the bytes would be others, and the same
            while nothing changes in the region's groups, the chosen hosts and their secrets, the
            region, the tenant and the referenced files. Of the same plan, a ``.tgz`` and a ``.zip``
            have the same.
        snapshot: Whether the reader sees one state.
    """

    request: BundleRequest
    etag: str
    snapshot: bool
    _reader: InventoryReader
    _tenant: Tenant
    _region: Region
    _where: Predicate

    def collect(self, directory: Path | None = None) -> Spool:
        """Read everything into a spool, which the caller closes; the reader is not needed then.

        Args:
            directory: Where the spool lives; by default where the system keeps temporary files.

        Raises:
            Unavailable: The region changed while it was read (without a snapshot), or there is no
                room for the spool.
            BackendFault: The store holds a name that cannot be written, or does not order names.
        """
        with _disk_errors():
            spool = Spool(directory, self._unseal)
        try:
            with _disk_errors():
                self._write(spool)
            spool.etag = self.etag if self.snapshot or self._is_current() else None
        except BaseException:
            spool.close()
            raise
        return spool

    def _is_current(self) -> bool:
        return plan(self._reader, self.request, snapshot=False).etag == self.etag

    def _write(self, spool: Spool) -> None:
        graph = GroupGraph.load(self._reader, self._region.id)
        precedence = Precedence(self._tenant, self._region, graph, self.request.files)
        with closing(self._reader.scan(Host, Query(where=self._where))) as hosts:
            write = _WRITERS[self.request.target]
            placing = Placing(self._with_secrets(hosts))
            groups = write(spool, precedence, placing, whole_region=not self.request.filters)
        if self.request.target is not Target.SCRIPT:
            for placed, sealed in sealed_payloads(self._reader, placing.placed()):
                spool.add_sealed(placed.path, _frame(placed.secret, sealed))
            write_manifest(
                spool,
                tenant=self._tenant.name,
                region=self._region.name,
                target=self.request.target.value,
                filters=self.request.filters.document(),
                snapshot=self.snapshot,
                references=self._references(groups),
            )
        spool.finish()

    def _references(self, groups: Iterable[Group]) -> list[dict[str, object]]:
        """Return what the manifest says of the files of the region and of these groups."""
        owners = {self._region.id: ALL, **{group.id: group.name for group in groups}}
        return [
            file.document(owner)
            for id, owner in owners.items()
            for file in self.request.files.of(id)
        ]

    def _with_secrets(self, hosts: Iterable[Host]) -> HostsWithSecrets:
        if self.request.secrets is None or not any_in(self._reader, in_region(self._region.id)):
            return zip(hosts, repeat(()))
        return of_hosts(self._reader, hosts)

    def _unseal(self, frame: bytes) -> bytes:
        assert self.request.secrets is not None
        host_id, name, sealed = orjson.loads(frame)
        return self.request.secrets.open(sealed, host_id, name)


def plan(reader: InventoryReader, request: BundleRequest, *, snapshot: bool) -> BundlePlan:
    """Find out what a bundle will hold, by revisions alone.

    Args:
        reader: Reads the region, here and in :meth:`BundlePlan.collect`.
        request: What is wanted.
        snapshot: Whether the reader sees one state throughout; the manifest says so.

    Raises:
        NotFound: There is no such region.
        InvalidQuery: A filter names a group that does not exist.
    """
    region = reader.get(Region, request.region_id)
    request.files.check_current(reader, region.id)
    tenant = reader.get(Tenant, region.tenant_id)
    where = request.filters.only_active().predicate(reader, region, request.files)
    parts = (
        str(FORMAT),
        # Another version of the library may compress to other bytes.
        str(zlib_ng.ZLIBNG_VERSION),
        request.target.value,
        str(snapshot),
        jsontext.dumps(request.filters.document()),
        *(tenant.id, tenant.revision, region.id, region.revision),
        reader.digest(Group, in_region(region.id)),
        reader.digest(Host, where),
        request.files.digest,
        "" if request.secrets is None else _digest_of_secrets(reader, request, where),
    )
    return BundlePlan(
        request=request,
        etag=hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest(),
        snapshot=snapshot,
        _reader=reader,
        _tenant=tenant,
        _region=region,
        _where=where,
    )


def holds_secrets(reader: InventoryReader, request: BundleRequest) -> bool:
    """Tell whether a bundle would hold the content of a secret, if they are wanted.

    Raises:
        NotFound: There is no such region.
        InvalidQuery: A filter names a group that does not exist.
    """
    if request.target is Target.SCRIPT or not any_in(reader, in_region(request.region_id)):
        return False
    region = reader.get(Region, request.region_id)
    where = request.filters.only_active().predicate(reader, region, request.files)
    with closing(reader.scan(Host, Query(where=where))) as hosts:
        found = of_hosts(reader, hosts)
        return any(secret.size is not None for _, secrets in found for secret in secrets)


def _digest_of_secrets(reader: InventoryReader, request: BundleRequest, where: Predicate) -> str:
    if not request.filters:
        return reader.digest(Secret, in_region(request.region_id))
    hosts = reader.scan(Host, Query(where=where))
    ids = (secret.revision for _, secrets in of_hosts(reader, hosts) for secret in secrets)
    return " ".join(ids)


def _frame(secret: Secret, sealed: str) -> bytes:
    """Return what :meth:`BundlePlan._unseal` needs."""
    return orjson.dumps([secret.host_id, secret.name, sealed])


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable("there is no room to make the bundle; try again later") from error
