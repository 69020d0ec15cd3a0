"""From a JSON body to an entity, with wire types that WSME makes of the descriptions of fields.

This is the only module that knows WSME, and WSME does the reading half alone. What it is lenient
about is decided here: it would take a list for an object, pass over a null, turn ``"5"`` into 5
and set no bounds, so every value goes through :meth:`craton.fields.Spec.check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, Final

from wsme.exc import InvalidInput, UnknownAttribute
from wsme.rest.json import fromjson
from wsme.types import Base, Unset, UserType, wsattr

from craton.api.naming import SHOWN_KINDS, field_name, is_shown, kind_name, parent_name
from craton.errors import InvalidValue
from craton.fields import Links, Names, Spec, VariableMap
from craton.jsontext import JsonValue
from craton.models import E, Entity, parent_field, specs
from craton.variables import Variables


class Declared(UserType):
    """A member of a body, as its description says.

    ``basetype`` is what WSME converts to before it asks; ``object`` keeps it from converting.
    """

    basetype = object

    def __init__(self, member: str, spec: Spec) -> None:
        self.name = member
        self.spec = spec

    def frombasetype(self, value: Any) -> Any:
        """Bring a JSON value into the form that the entity keeps."""
        match self.spec:
            case Spec(read_only=True):
                return Unset
            case VariableMap() if isinstance(value, dict):
                return Variables(value)
            case Links() | Names() if isinstance(value, list):
                return tuple(value)
        return value

    def validate(self, value: Any) -> Any:
        """Check a value that is in that form."""
        self.spec.check(value, self.name)
        return value


class Body:
    """What a JSON object in a body is made of.

    Args:
        what: What to call it in an error.
        members: The description of each member; read-only ones are accepted and ignored.
        required: The members that must be there.
    """

    def __init__(self, what: str, members: Mapping[str, Spec], required: Collection[str]) -> None:
        self._what = what
        self._members = members
        attributes: dict[str, Any] = {
            name: wsattr(Declared(name, spec), mandatory=name in required)
            for name, spec in members.items()
        }
        attributes["_wsme_attr_order"] = tuple(attributes)
        self._type = type(Base)(f"{what.capitalize()}Body", (Base,), attributes)

    def read(self, value: JsonValue) -> dict[str, Any]:
        """Return the members that are there and not read-only.

        Raises:
            InvalidValue: It is no object, lacks a member or has one too many, or a member holds
                what it cannot hold.
        """
        if not isinstance(value, dict):
            raise InvalidValue("body", f"must be an object, the {self._what}")
        try:
            found = fromjson(self._type, value)
        except UnknownAttribute as error:
            names = sorted(error.attributes)
            raise InvalidValue(", ".join(names), f"is no field of a {self._what}") from error
        except InvalidInput as error:
            raise InvalidValue(error.fieldname, "is required") from error
        values = {}
        for name, spec in self._members.items():
            member = getattr(found, name)
            if member is not Unset and not spec.read_only:
                if member is None:  # which WSME does not show to a type
                    spec.check(member, name)
                values[name] = member
        return values


def _body_of(kind: type[Entity]) -> Body:
    required = {
        field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING
    }
    members = {
        field_name(kind, name): spec for name, spec in specs(kind).items() if is_shown(kind, name)
    }
    return Body(kind_name(kind), members, required - {parent_field(kind)})


#: What a body that stands for an entity is made of, by kind.
BODIES: Final = {kind: _body_of(kind) for kind in SHOWN_KINDS}


def entity_from(
    kind: type[E], value: JsonValue, *, id: str | None = None, parent: str | None = None
) -> E:
    """Read an entity.

    Args:
        kind: Its kind.
        value: A JSON object of its fields. What is missing has its default; what a caller cannot
            set is ignored, so that a read can be written back.
        id: The id that the path names, or ``None`` for an entity that does not exist yet.
        parent: The id of the parent that the path names, or ``None`` for a root.

    Raises:
        InvalidValue: As :meth:`Body.read`, or the value disagrees with the path.
    """
    fields = BODIES[kind].read(value)
    agree(kind, value, id=id, parent=parent)
    fields["id"] = id or ""
    if parent is not None:
        fields.pop(str(parent_name(kind)), None)
        fields[str(parent_field(kind))] = parent
    return kind(**fields)


def agree(kind: type[Entity], value: JsonValue, *, id: str | None, parent: str | None) -> None:
    """Check that the ids in a body are those of the path, where it holds any.

    Raises:
        InvalidValue: One differs.
    """
    assert isinstance(value, dict)
    if id is None:
        if value.get("id") not in (None, ""):
            raise InvalidValue("id", "must be left out; Craton makes it")
    elif value.get("id", id) != id:
        raise InvalidValue("id", f"must be {id!r}, as in the path")
    name = parent_name(kind)
    if name is not None and value.get(name, parent) != parent:
        raise InvalidValue(name, f"must be {parent!r}, as in the path; it never changes")
