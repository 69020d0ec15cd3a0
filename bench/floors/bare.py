"""The floor of lists and gets: a WSGI application without a framework, on raw SQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson

StartResponse = Callable[[str, list[tuple[str, str]]], object]

_COLUMNS = (
    "id region_id name ip_address ssh_port ssh_user asset_id active groups templated revision "
    "created_at updated_at"
).split()
_GROUPS = "(SELECT group_concat(g.target) FROM host_groups g WHERE g.owner = h.key)"
_FIELDS = ", ".join(_GROUPS if name == "groups" else f"h.{name}" for name in _COLUMNS)
_VARIABLES = """
    (SELECT group_concat('"' || v.name || '":' || v.value)
    FROM host_variables v WHERE v.owner = h.key)
"""
_GET = f"SELECT {_FIELDS}, {_VARIABLES} FROM hosts h WHERE h.id = ? AND h.region_id = ?"
_LIST = f"SELECT {_FIELDS} FROM hosts h WHERE h.region_id = ? ORDER BY h.name LIMIT ?"
_LIST_WITH_VARIABLES = _LIST.replace(" FROM hosts h", f", {_VARIABLES} FROM hosts h", 1)


def make_app(directory: Path) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """Make an application on the database that Craton keeps in a directory."""
    connections = threading.local()

    def database() -> sqlite3.Connection:
        if not hasattr(connections, "database"):
            connections.database = sqlite3.connect(directory / "craton.sqlite")
        found: sqlite3.Connection = connections.database
        return found

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        segments = environ["PATH_INFO"].strip("/").split("/")
        headers = [("Content-Type", "application/json")]
        if segments[:2] != ["v1", "hosts"]:
            body = b"{}"
        elif len(segments) == 4:
            host, variables = next(_hosts(database(), _GET, (segments[3], segments[2])))
            headers.append(("ETag", f'"{host["revision"]}"'))
            body = _with_variables(host, variables)
        else:
            body = _page(database(), environ, segments[2])
        headers.append(("Content-Length", str(len(body))))
        start_response("200 OK", headers)
        return [body]

    return app


def _page(database: sqlite3.Connection, environ: dict[str, Any], region_id: str) -> bytes:
    values = parse_qs(environ["QUERY_STRING"])
    limit = int(values["limit"][0])
    with_variables = "variables" in values
    statement = _LIST_WITH_VARIABLES if with_variables else _LIST
    found = list(_hosts(database, statement, (region_id, limit + 1)))
    links = []
    if len(found) > limit:
        del found[limit:]
        query = urlencode({"limit": limit, "marker": found[-1][0]["name"]})
        links = [{"rel": "next", "href": f"{environ['PATH_INFO']}?{query}"}]
    if with_variables:
        hosts = b",".join([_with_variables(host, variables) for host, variables in found])
        return b'{"hosts":[%b],"links":%b}' % (hosts, orjson.dumps(links))
    return orjson.dumps({"hosts": [host for host, _ in found], "links": links})


def _with_variables(host: dict[str, Any], variables: str | None) -> bytes:
    return b'%b,"variables":{%b}}' % (orjson.dumps(host)[:-1], (variables or "").encode())


def _hosts(
    database: sqlite3.Connection, statement: str, parameters: tuple[object, ...]
) -> Iterator[tuple[dict[str, Any], str | None]]:
    for row in database.execute(statement, parameters):
        host = dict(zip(_COLUMNS, row, strict=False))
        host["active"] = bool(host["active"])
        host["groups"] = host["groups"].split(",") if host["groups"] else []
        host["templated"] = host["templated"].split()
        host["created_at"] = _moment(host["created_at"])
        host["updated_at"] = _moment(host["updated_at"])
        yield host, row[-1]


@lru_cache(maxsize=1024)
def _moment(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
