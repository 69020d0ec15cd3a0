"""The floors of bundles: the same content, read, spliced, packed and compressed in memory."""

from __future__ import annotations

import hashlib
import sqlite3
import tarfile
from collections.abc import Callable, Iterable

import orjson
from zlib_ng import zlib_ng

from bench.floors.region import (
    RawGroup,
    RawRegion,
    read_hosts,
    read_hosts_with_groups,
    read_members,
    read_region,
)
from craton.bundles.tgz import LEVEL

_GZIP = 31
_BLOCK = 512
_PIECE = 2**18
#: Stands for the host's name in what hosts with the same groups have in common.
_NAME = "\0"


def ansible(database: sqlite3.Connection, region_id: str) -> bytes:
    """Make what ``.tgz?target=ansible`` holds."""
    region = read_region(database, region_id)
    members = read_members(database, region_id, """'"' || h.name || '":null'""")
    return packed(region, members, read_hosts(database, region_id))


def packed(region: RawRegion, members: dict[str, str], hosts: Iterable[tuple[str, str]]) -> bytes:
    """Make it of what was read.

    Args:
        region: The groups of the region.
        members: For each group by its id, its hosts as members of a JSON object.
        hosts: Name and variables, as JSON, of each host.
    """
    all_hosts = ",".join([f'"{name}":{text}' for name, text in hosts])
    tree = _tree(region, region.groups, members)
    archive = _Archive()
    archive.add("hosts", f'{{"all":{{"hosts":{{{all_hosts}}},"children":{tree}}}}}'.encode())
    _add_variables(archive, region, "")
    return archive.finish("ansible")


def taskflow(database: sqlite3.Connection, region_id: str) -> bytes:
    """Make what ``.tgz?target=taskflow`` holds."""
    region = read_region(database, region_id)
    trees: dict[str, str] = {}
    archive = _Archive()
    for name, text, ids in read_hosts_with_groups(database, region_id):
        tree = trees.get(ids)
        if tree is None:
            direct = ids.split(",") if ids else []
            member = dict.fromkeys(direct, f'"{_NAME}":null')
            tree = trees[ids] = _tree(region, direct, member)
        tree = tree.replace(_NAME, name)
        inventory = f'{{"all":{{"hosts":{{"{name}":{text}}},"children":{tree}}}}}'
        archive.add(f"inventory/{name}.json", inventory.encode())
    _add_variables(archive, region, "inventory/")
    return archive.finish("taskflow")


def script(database: sqlite3.Connection, region_id: str) -> bytes:
    """Make what ``.json`` holds."""
    region = read_region(database, region_id)
    members = read_members(database, region_id, """'"' || h.name || '"'""")
    hosts = ",".join([f'"{name}":{text}' for name, text in read_hosts(database, region_id)])
    top = [id for id, group in region.groups.items() if not group.parents]
    groups = [f'"all":{{"children":{_names(region, top)},"vars":{region.text}}}']
    for id, group in region.groups.items():
        children = _names(region, group.children)
        variables = _with_priority(group)
        hosts_of_group = members.get(id, "")
        groups.append(
            f'"{group.name}":{{"hosts":[{hosts_of_group}],"children":{children},"vars":{variables}}}'
        )
    return f'{{"_meta":{{"hostvars":{{{hosts}}}}},{",".join(groups)}}}'.encode()


#: The floors by the name of the target in REST.
FLOORS: dict[str, Callable[[sqlite3.Connection, str], bytes]] = {
    "ansible": ansible,
    "taskflow": taskflow,
    "script": script,
}


class _Archive:
    """A ``.tgz`` in memory. Headers are filled in, which takes a tenth of what tarfile does."""

    def __init__(self) -> None:
        self._compressor = zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, _GZIP)
        self._compressed: list[bytes] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._members: list[str] = []
        empty = tarfile.TarInfo()
        empty.mode = 0o644
        header = empty.tobuf(tarfile.USTAR_FORMAT)
        self._owner, self._time, self._rest = header[100:124], header[136:148], header[156:]
        self._sum = sum(self._owner) + sum(self._time) + sum(self._rest) + 8 * ord(" ")

    def add(self, name: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        self._members.append(f'{{"name":"{name}","size":{len(content)},"sha256":"{digest}"}}')
        self._put(name.encode(), content)

    def finish(self, target: str) -> bytes:
        head = f'{{"format":1,"target":"{target}","filters":{{}},"snapshot":true'
        manifest = f'{head},"members":[{",".join(self._members)}],"references":[]}}'
        self._put(b"manifest.json", manifest.encode())
        self._waiting.append(bytes(2 * _BLOCK))
        self._compress()
        self._compressed.append(self._compressor.flush())
        return b"".join(self._compressed)

    def _put(self, name: bytes, content: bytes) -> None:
        assert len(name) <= 100
        size = b"%011o\0" % len(content)
        checksum = b"%06o\0 " % (self._sum + sum(name) + sum(size))
        padding = bytes(-len(content) % _BLOCK)
        field = name.ljust(100, b"\0")
        self._waiting += (field, self._owner, size, self._time, checksum, self._rest)
        self._waiting += (content, padding)
        self._size += len(content)
        if self._size >= _PIECE:
            self._compress()

    def _compress(self) -> None:
        self._compressed.append(self._compressor.compress(b"".join(self._waiting)))
        self._waiting.clear()
        self._size = 0


def _add_variables(archive: _Archive, region: RawRegion, directory: str) -> None:
    if region.text != "{}":
        archive.add(f"{directory}group_vars/all/2-own.json", region.text.encode())
    for group in region.groups.values():
        if group.text != "{}":
            name = f"{directory}group_vars/{group.name}/2-own.json"
            archive.add(name, group.text.encode())


def _tree(region: RawRegion, direct: Iterable[str], members: dict[str, str]) -> str:
    """Return these groups and their ancestors inside of each other, each written out once."""
    children: dict[str, list[str]] = {}
    top = []
    waiting = list(direct)
    while waiting:
        id = waiting.pop()
        if id not in children:
            children[id] = []
            if not region.groups[id].parents:
                top.append(id)
            waiting += region.groups[id].parents
    for id in children:
        for parent in region.groups[id].parents:
            children[parent].append(id)
    return _written(region, top, children, members, set())


def _written(
    region: RawRegion,
    ids: list[str],
    children: dict[str, list[str]],
    members: dict[str, str],
    done: set[str],
) -> str:
    groups = []
    for id in ids:
        group = region.groups[id]
        parts = []
        if id not in done:
            done.add(id)
            if group.priority != 1:
                parts.append(f'"vars":{{"ansible_group_priority":{group.priority}}}')
            if id in members:
                parts.append(f'"hosts":{{{members[id]}}}')
            if children[id]:
                below = _written(region, children[id], children, members, done)
                parts.append(f'"children":{below}')
        groups.append(f'"{group.name}":{{{",".join(parts)}}}')
    return f"{{{','.join(groups)}}}"


def _names(region: RawRegion, ids: list[str]) -> str:
    return orjson.dumps([region.groups[id].name for id in ids]).decode()


def _with_priority(group: RawGroup) -> str:
    if group.priority == 1:
        return group.text
    priority = f'"ansible_group_priority":{group.priority}'
    return f"{group.text[:-1]},{priority}}}" if group.text != "{}" else f"{{{priority}}}"
