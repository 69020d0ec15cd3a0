"""The manifest: what a bundle was made from, and what it holds. It is the last member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from craton import jsontext
from craton.bundles.spool import Spool

#: The version of everything that a bundle's bytes depend on, besides the inventory.
FORMAT: Final = 1

NAME: Final = "manifest.json"


def write_manifest(
    spool: Spool,
    *,
    tenant: str,
    region: str,
    target: str,
    filters: Mapping[str, Sequence[str]],
    snapshot: bool,
    references: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write the manifest behind all other members.

    Args:
        spool: Holds the members.
        tenant: The name of the tenant.
        region: The name of the region.
        target: For whom the bundle is.
        filters: The filters as they were given.
        snapshot: Whether the members are of one state of the region.
        references: What is told of each referenced file among them.
    """
    head = {
        "format": FORMAT,
        "tenant": tenant,
        "region": region,
        "target": target,
        "filters": filters,
        "snapshot": snapshot,
    }
    spool.finish()
    with spool.writing(NAME, last=True) as write:
        write(jsontext.dumps(head)[:-1].encode() + b',"members":[')
        separator = b""
        for member in spool.members():
            name = jsontext.dumps(member.name).encode()
            digest = member.sha256.hex().encode()
            write(b'%b{"name":%b,"size":%d,"sha256":"%b"}' % (separator, name, member.size, digest))
            separator = b","
        write(b'],"references":%b}' % jsontext.dumps(list(references)).encode())
