"""A region by raw SQL: one statement for all hosts; SQLite puts their variables together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

_MEMBERS = """group_concat('"' || v.name || '":' || v.value)"""

#: The variables of a host as members of a JSON object, its fields for the connection in front.
_HOST_TEXT = f"""
    rtrim(
        iif(h.ip_address IS NULL, '', '"ansible_host":' || json_quote(h.ip_address) || ',')
        || iif(h.ssh_port IS NULL, '', '"ansible_port":' || h.ssh_port || ',')
        || iif(h.ssh_user IS NULL, '', '"ansible_user":' || json_quote(h.ssh_user) || ',')
        || coalesce((SELECT {_MEMBERS} FROM host_variables v WHERE v.owner = h.key), ''),
        ','
    )
"""
#: In the order in which the table has them, which spares SQLite to look for each one by its name.
_HOSTS = f"""
    SELECT h.name, h.templated, {_HOST_TEXT} FROM hosts h NOT INDEXED
    WHERE h.region_id = ? AND h.active
"""
_HOSTS_WITH_GROUPS = _HOSTS.replace(
    "h.templated,",
    "h.templated, (SELECT group_concat(g.target) FROM host_groups g WHERE g.owner = h.key),",
)


@dataclass(kw_only=True, slots=True)
class RawGroup:
    """A group of the region."""

    name: str
    priority: int
    text: str
    parents: list[str]
    children: list[str]


@dataclass(kw_only=True, slots=True)
class RawRegion:
    """The groups of a region by id, and the variables of the region itself as JSON."""

    text: str
    groups: dict[str, RawGroup]


def read_region(database: sqlite3.Connection, region_id: str) -> RawRegion:
    """Read what a bundle needs of a region besides its hosts."""
    groups: dict[str, RawGroup] = {}
    found = database.execute(
        f"""SELECT g.id, g.name, g.priority, g.templated,
            (SELECT group_concat(p.target) FROM group_parents p WHERE p.owner = g.key),
            (SELECT {_MEMBERS} FROM group_variables v WHERE v.owner = g.key)
            FROM groups g WHERE g.region_id = ? ORDER BY g.name""",
        (region_id,),
    )
    for id, name, priority, templated, parents, members in found:
        groups[id] = RawGroup(
            name=name,
            priority=priority,
            text=marked(f"{{{members or ''}}}", templated),
            parents=parents.split(",") if parents else [],
            children=[],
        )
    for id, group in groups.items():
        for parent in group.parents:
            groups[parent].children.append(id)
    templated, members = database.execute(
        f"""SELECT r.templated, (SELECT {_MEMBERS} FROM region_variables v WHERE v.owner = r.key)
            FROM regions r WHERE r.id = ?""",
        (region_id,),
    ).fetchone()
    return RawRegion(text=marked(f"{{{members or ''}}}", templated), groups=groups)


def read_hosts(database: sqlite3.Connection, region_id: str) -> Iterator[tuple[str, str]]:
    """Yield name and variables, as JSON, of each host."""
    for name, templated, members in database.execute(_HOSTS, (region_id,)):
        yield name, marked(f"{{{members}}}", templated)


def read_hosts_with_groups(
    database: sqlite3.Connection, region_id: str
) -> Iterator[tuple[str, str, str]]:
    """Yield name, variables and the ids of the groups, with commas in between, of each host."""
    for name, templated, groups, members in database.execute(_HOSTS_WITH_GROUPS, (region_id,)):
        yield name, marked(f"{{{members}}}", templated), groups or ""


def read_members(database: sqlite3.Connection, region_id: str, item: str) -> dict[str, str]:
    """Return, by the id of a group, an SQL expression over its hosts, with commas in between."""
    return dict(
        database.execute(
            f"""SELECT g.target, group_concat({item}) FROM host_groups g
                JOIN hosts h ON h.key = g.owner WHERE h.region_id = ? AND h.active
                GROUP BY g.target""",
            (region_id,),
        )
    )


def marked(text: str, templated: str) -> str:
    """Mark strings that look like templates, and are none, as a bundle must."""
    if "{{" not in text and "{%" not in text and "{#" not in text and '"#jinja2:' not in text:
        return text
    names = templated.split()
    variables = json.loads(text)
    return orjson.dumps(
        {name: value if name in names else _marked(value) for name, value in variables.items()}
    ).decode()


def _marked(value: object) -> object:
    if isinstance(value, str):
        template = "{{" in value or "{%" in value or "{#" in value or value.startswith("#jinja2:")
        return {"__ansible_unsafe": value} if template else value
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict) and value.keys() != {"__ansible_vault"}:
        return {key: _marked(item) for key, item in value.items()}
    return value
