"""The floor of a bundle from MongoDB: the same documents, read raw, packed as any other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
from pymongo.database import Database

from bench.floors.bundles import packed
from bench.floors.region import RawGroup, RawRegion, marked

_ENTITY = {"tokens": False, "fence": False}


def ansible(database: Database[dict[str, Any]], region_id: str) -> bytes:
    """Make what ``.tgz?target=ansible`` holds."""
    region = _region(database, region_id)
    members: dict[str, list[str]] = defaultdict(list)

    def hosts() -> Iterator[tuple[str, str]]:
        found = database["hosts"].find({"region_id": region_id, "active": True}, _ENTITY)
        for host in found.sort("name"):
            for group in host["groups"]:
                members[group].append(f'"{host["name"]}":null')
            yield host["name"], _with_connection(host)

    texts = list(hosts())
    return packed(region, {id: ",".join(names) for id, names in members.items()}, texts)


def _region(database: Database[dict[str, Any]], region_id: str) -> RawRegion:
    groups = {
        group["_id"]: RawGroup(
            name=group["name"],
            priority=group["priority"],
            text=marked(group["variables"], " ".join(group["templated"])),
            parents=group["parents"],
            children=[],
        )
        for group in database["groups"].find({"region_id": region_id}, _ENTITY).sort("name")
    }
    for id, group in groups.items():
        for parent in group.parents:
            groups[parent].children.append(id)
    region = database["regions"].find_one({"_id": region_id})
    assert region is not None
    text = marked(region["variables"], " ".join(region["templated"]))
    return RawRegion(text=text, groups=groups)


def _with_connection(host: dict[str, Any]) -> str:
    fields = {
        "ansible_host": host["ip_address"],
        "ansible_port": host["ssh_port"],
        "ansible_user": host["ssh_user"],
    }
    given = orjson.dumps({name: value for name, value in fields.items() if value is not None})
    parts = [text[1:-1] for text in (given.decode(), host["variables"]) if text != "{}"]
    return marked(f"{{{','.join(parts)}}}", " ".join(host["templated"]))
