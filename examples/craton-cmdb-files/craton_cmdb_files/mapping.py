"""From a row to a host, its groups and its place; nothing is guessed."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from craton.cmdb import Item, Present, Unusable
from craton.errors import InvalidValue
from craton.fields import ID, Flag, Integer, Links, Spec
from craton.models import E, Entity, Group, Host, Region, Tenant, specs
from craton.validation import normalized
from craton.variables import Variables
from craton_cmdb_files.export import no_answer
from craton_cmdb_files.rows import Row


class Mapper:
    """Makes entities of the rows of one stream.

    Args:
        options: What the columns are.
    """

    def __init__(self, options: cfg.ConfigOpts.GroupAttr) -> None:
        self._options = options
        self._columns: Mapping[str, str] = options.columns
        self._mapped = frozenset(self._columns.values())
        self._json = frozenset(options.json_columns)
        self._fields = {
            name: spec
            for name, spec in specs(Host).items()
            if name in self._columns and name not in ("id", "groups")
        }
        self._made: dict[tuple[type[Entity], tuple[str, ...]], Any] = {}
        self._yielded: set[str] = set()
        self._variable = functools.lru_cache(maxsize=4096)(self._variable_of)

    def identity(self, row: Row) -> str:
        """Return what the CMDB calls the row's machine.

        Raises:
            Unavailable: The row does not say: then nobody knows which machines are gone.
        """
        found = row.cells.get(self._columns["id"])
        if type(found) is int:
            found = str(found)
        if not isinstance(found, str) or not found:
            raise no_answer(row.place, f"has no {self._columns['id']!r}, which is the id")
        return found

    def items(self, row: Row, repeated: bool) -> Iterator[Item]:
        """Yield what a row makes.

        Args:
            row: The row.
            repeated: Whether another row has the same id.
        """
        identity = self.identity(row)
        try:
            if repeated:
                raise InvalidValue("id", "is the id of another row, too")
            ID.check(identity, "id")
            entities = self._entities(row, identity)
        except InvalidValue as error:
            yield self._unusable(row, identity, str(error))
            return
        *before, host = entities
        for entity in before:
            if entity.id not in self._yielded:
                self._yielded.add(entity.id)
                yield Present(entity=entity)
        yield Present(entity=host, url=self._page(identity))

    def _unusable(self, row: Row, identity: str, reason: str) -> Unusable:
        try:
            ID.check(identity, "id")
            id = identity
        except InvalidValue:
            id = _id("host", identity)
        name = row.cells.get(self._columns["name"])
        return Unusable(
            kind=Host,
            id=id,
            name=_shown(name if isinstance(name, str) and name else identity),
            reason=_shown(f"{row.place}: {reason}"),
            url=self._page(identity),
        )

    def _entities(self, row: Row, identity: str) -> list[Entity]:
        """Return all that a row makes, parents first and the host last."""
        tenant_name, region_name = (self._place(row, name) for name in ("tenant", "region"))
        tenant = self._shared(Tenant, (tenant_name,))
        region = self._shared(Region, (tenant_name, region_name), tenant_id=tenant.id)
        groups = [
            self._shared(Group, (tenant_name, region_name, name), region_id=region.id)
            for name in self._groups(row)
        ]
        fields = {
            name: self._field(row, name, spec)
            for name, spec in self._fields.items()
            if not _is_empty(self._cell(row, name))
        }
        if "name" not in fields:
            raise InvalidValue("name", f"is missing: {self._columns['name']!r} is empty")
        host = Host(
            id=identity,
            region_id=region.id,
            groups=tuple(group.id for group in groups),
            variables=self._variables(row),
            **fields,
        )
        return [tenant, region, *groups, normalized(host)]

    def _shared(self, kind: type[E], names: tuple[str, ...], **parent: str) -> E:
        """Return what many rows name: an entity whose id is made from the names above it."""
        found = self._made.get((kind, names))
        if found is None:
            # Entities as such have neither a name nor a parent; those that rows name have both.
            make: Callable[..., E] = kind
            found = normalized(make(id=_id(kind.kind, *names), name=names[-1], **parent))
            self._made[kind, names] = found
        return found

    def _cell(self, row: Row, name: str) -> Any:
        return row.cells.get(self._columns[name]) if name in self._columns else None

    def _place(self, row: Row, name: str) -> str:
        found = self._cell(row, name)
        if _is_empty(found):
            found = self._options[name]
        if not isinstance(found, str) or not found:
            raise InvalidValue(name, "is missing, or no text")
        return found

    def _groups(self, row: Row) -> list[str]:
        found = self._cell(row, "groups")
        if _is_empty(found):
            return []
        if isinstance(found, str):
            parts = (part.strip() for part in found.split(self._options.groups_separator))
            return [part for part in parts if part]
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise InvalidValue("groups", "must be a text, or an array of them")
        return found

    def _field(self, row: Row, name: str, spec: Spec) -> Any:
        """Return a cell as its field holds it; a string may stand for a number or a flag."""
        assert not isinstance(spec, Links)
        found = self._cell(row, name)
        if not isinstance(found, str):
            return found
        if isinstance(spec, Integer) and found.isascii() and found.isdigit() and len(found) < 10:
            return int(found)
        if isinstance(spec, Flag) and found.lower() in ("true", "false"):
            return found.lower() == "true"
        return _usual(found) if name == "ip_address" else found

    def _variables(self, row: Row) -> Variables:
        values: dict[str, object] = {}
        for column, found in row.cells.items():
            name = self._variable(column)
            # An empty cell is how CSV says that there is nothing.
            if name is None or (found == "" and self._options.format == "csv"):
                continue
            if name in values:
                raise InvalidValue(f"variables.{name}", "has two columns")
            values[name] = self._value(column, found)
        return Variables(values)

    def _variable_of(self, column: str) -> str | None:
        """Return the name of the variable that a column is, if it is one."""
        if column in self._mapped:
            return None
        for word in self._options.variables:
            wanted, colon, name = word.rpartition(":")
            if colon and wanted == column:
                return str(name)
            if word == column:
                return column
        prefixes = [word[:-1] for word in self._options.variables if word.endswith("*")]
        fitting = [prefix for prefix in prefixes if column.startswith(prefix)]
        return column.removeprefix(max(fitting, key=len)) if fitting else None

    def _value(self, column: str, found: Any) -> object:
        if self._options.format == "json" or not self._json & {column, "*"}:
            return found
        try:
            return json.loads(found)
        except (ValueError, RecursionError) as error:
            raise InvalidValue(f"variables: {column}", "must be JSON") from error

    def _page(self, identity: str) -> str | None:
        page: str | None = self._options.page
        return page.replace("{id}", quote(_shown(identity), safe="")) if page else None


def _id(*names: str) -> str:
    """Make the id of what has no other identity than its names, however long they are."""
    text = "\0".join(names).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _shown(text: str) -> str:
    """Return a text that can be stored and printed, whatever JSON brought."""
    return text.encode(errors="replace").decode()


def _usual(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def _is_empty(cell: object) -> bool:
    return cell is None or cell == ""
