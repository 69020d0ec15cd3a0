"""One entity as the text of its file, and back.

A file says what a person wants to know: links by name, not by id. The parent is the directory's
affair. ``revision`` and ``digest`` stand at the end; when the digest does not fit, somebody has
edited the file by hand, and its revision is made from what it holds now.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from craton.errors import CratonError
from craton.fields import Moment, VariableMap, VariableNames
from craton.models import Entity, links, parent_field, specs
from craton.validation import normalized
from craton.variables import Variables
from craton_driver_directory import places, yamltext

_DIGEST = "digest"

#: What stands at the end of a file, because hardly anybody reads it.
_LAST = ("id", "created_at", "updated_at", "revision")

#: The id of a parent that is not known yet.
_UNKNOWN = "?"


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file as it was read.

    Attributes:
        blob: Git's name for its content.
        entity: What it holds; its parent and its links are those of the place where it was read.
        links: The names in each field that links to groups.
        problem: What is wrong with the file, if anything; there is no entity then.
    """

    blob: str
    entity: Entity | None = None
    links: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    problem: str = ""


def write(entity: Entity, names: Mapping[str, tuple[str, ...]]) -> str:
    """Return the text of an entity's file.

    Args:
        entity: The entity.
        names: The names of the groups in each field that links to groups.
    """
    known = {**_fields(entity), **{field: list(found) for field, found in names.items()}}
    body = {name: value for name, value in known.items() if name not in _LAST}
    body |= {name: known[name] for name in _LAST}
    return yamltext.dumps({**body, _DIGEST: _digest(body)})


def read(path: str, blob: str, content: bytes) -> File:
    """Read a file; what is wrong with it is told in ``problem``."""
    kind = places.kind_at(path)
    if kind is None:
        return File(blob=blob, problem="nothing has its file here")
    try:
        document = yamltext.loads(content.decode())
        if not isinstance(document, dict):
            return File(blob=blob, problem="it must hold an object")
        entity, names = _entity(kind, path, content, document)
    except UnicodeDecodeError:
        return File(blob=blob, problem="it is not UTF-8")
    except (CratonError, ValueError, OverflowError) as error:
        return File(blob=blob, problem=str(error))
    name = entity.name  # type: ignore[attr-defined]
    if places.path_of(entity, places.parent_of(path)) != path:
        rule = f"the {kind.kind} {name!r} is called {places.file_name(name)!r} as a file"
        return File(blob=blob, problem=f"the file has another name than what it holds: {rule}")
    return File(blob=blob, entity=entity, links=names)


def _entity(
    kind: type[Entity], path: str, content: bytes, document: dict[str, Any]
) -> tuple[Entity, dict[str, tuple[str, ...]]]:
    digest = document.pop(_DIGEST, None)
    edited = digest != _digest(document)
    fields = specs(kind)
    unknown = sorted(document.keys() - fields.keys() | document.keys() & {parent_field(kind)})
    if unknown:
        raise ValueError(f"a {kind.kind} has no field {unknown[0]!r} here")
    if "name" not in document:
        raise ValueError("the field 'name' is missing")
    names = {field: _names(field, document.pop(field, [])) for field, _ in links(kind)}
    values = {name: _decoded(name, fields[name], value) for name, value in document.items()}
    values.setdefault("id", _hash(path.encode(), 16))
    if edited or not values.get("revision"):
        values["revision"] = _hash(content, 8)
    above = parent_field(kind)
    if above is not None:
        values[above] = _UNKNOWN
    entity = normalized(kind(**values))
    for name in _LAST:
        fields[name].check(getattr(entity, name), name)
    return entity, names


def _names(field: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{field}: must be a list of names of groups")
    return tuple(sorted(set(value)))


def _fields(entity: Entity) -> dict[str, Any]:
    leave_out = {parent_field(type(entity))}
    return {
        name: _encoded(getattr(entity, name))
        for name in specs(type(entity))
        if name not in leave_out
    }


def _encoded(value: Any) -> Any:
    if isinstance(value, Variables):
        return value.decode()
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return list(value) if isinstance(value, tuple) else value


def _decoded(name: str, spec: object, value: Any) -> Any:
    match spec:
        case VariableMap():
            if not isinstance(value, dict):
                raise ValueError(f"{name}: must be an object of variables by name")
            return Variables(value)
        case Moment():
            if not isinstance(value, str):
                raise ValueError(f"{name}: must be a time such as '2024-01-01T00:00:00.000+00:00'")
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment
        case VariableNames():
            return tuple(value) if isinstance(value, list) else value
    return value


def _digest(body: dict[str, Any]) -> str:
    return _hash(yamltext.dumps(body).encode(), 8)


def _hash(content: bytes, size: int) -> str:
    return hashlib.blake2b(content, digest_size=size).hexdigest()
