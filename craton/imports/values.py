"""Variables as an export writes them, and as Craton keeps them.

In an export a string with template marks is a template, and data that only looks like one is
wrapped as ``{"__ansible_unsafe": "…"}``. Craton turns that around: strings are data, and the names
of the variables that may be templated are listed beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from craton import jsontext
from craton.errors import InvalidValue
from craton.jsontext import MAX_DEPTH, JsonValue
from craton.models import CONNECTION_VARIABLES, Group, Host, specs
from craton.names import PRIORITY_VARIABLE
from craton.templating import UNSAFE_KEY, is_template
from craton.variables import Variables


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """The variables of one host, group or region, ready to be stored.

    Attributes:
        variables: The values, opened.
        templated: The names of those that Ansible may template, sorted.
        fields: What fills fields of the entity instead, by the name of the field.
    """

    variables: Variables
    templated: tuple[str, ...]
    fields: dict[str, JsonValue]


def enter(raw: dict[str, JsonValue], place: str) -> Entered:
    """Open the variables of a region.

    Args:
        raw: Values by name, as the export has them.
        place: Where they stand in the document.

    Raises:
        InvalidValue: A name or a value that Ansible would not read back, or a variable that mixes
            templates with data that only looks like one; the error names its place.
    """
    return _enter(raw, place, {})


def enter_group(raw: dict[str, JsonValue], place: str) -> Entered:
    """Open the variables of a group; ``ansible_group_priority`` fills its field.

    Raises:
        InvalidValue: As for :func:`enter`, or the priority is none that Ansible would take.
    """
    if PRIORITY_VARIABLE not in raw:
        return _enter(raw, place, {})
    rest = {name: value for name, value in raw.items() if name != PRIORITY_VARIABLE}
    priority = _priority(raw[PRIORITY_VARIABLE], f"{place}.{PRIORITY_VARIABLE}")
    return _enter(rest, place, {"priority": priority})


def enter_host(raw: dict[str, JsonValue], place: str) -> Entered:
    """Open the variables of a host; those that say how to connect fill fields where they fit.

    They fit when Ansible would see the same from the field: the very type, no template, and in the
    one form that the field takes.

    Raises:
        InvalidValue: As for :func:`enter`.
    """
    fields: dict[str, JsonValue] = {}
    for field, variable in CONNECTION_VARIABLES.items():
        if variable in raw and _fits(field, _Opened().open(raw[variable], place)):
            fields[field] = _Opened().open(raw[variable], place)
    taken = {CONNECTION_VARIABLES[field] for field in fields}
    if taken:
        raw = {name: value for name, value in raw.items() if name not in taken}
    return _enter(raw, place, fields)


def _enter(raw: dict[str, JsonValue], place: str, fields: dict[str, JsonValue]) -> Entered:
    values: dict[str, JsonValue] = {}
    templated = []
    for name, value in raw.items():
        if isinstance(value, str | dict | list):
            opened = _Opened()
            values[name] = opened.open(value, f"{place}.{name}")
            if opened.templates and opened.data:
                raise InvalidValue(
                    f"{place}.{name}",
                    "must not mix templates with data that looks like one; use two variables",
                )
            if opened.templates:
                templated.append(name)
        else:
            values[name] = value
    try:
        variables = Variables(values)
    except InvalidValue as error:
        path = error.field.removeprefix("variables.")
        raise InvalidValue(f"{place}.{path}", error.rule) from error
    return Entered(variables=variables, templated=tuple(sorted(templated)), fields=fields)


class _Opened:
    """One value without its wrappers, and what was seen in it.

    Attributes:
        templates: Whether it has a string that Ansible may template, and would.
        data: Whether it has a string that Ansible would template if it might.
    """

    __slots__ = ("data", "templates")

    def __init__(self) -> None:
        self.templates = False
        self.data = False

    def open(self, value: JsonValue, place: str, depth: int = 1) -> JsonValue:
        if isinstance(value, str):
            self.templates = self.templates or is_template(value)
            return value
        if not isinstance(value, dict | list):
            return value
        if depth > MAX_DEPTH:
            raise InvalidValue(place, f"must not nest deeper than {MAX_DEPTH} levels")
        if isinstance(value, list):
            return [
                self.open(item, f"{place}.{position}", depth + 1)
                for position, item in enumerate(value)
            ]
        if UNSAFE_KEY in value:
            return self._unwrap(value, place)
        if jsontext.is_vault(value):
            return value
        return {key: self.open(item, f"{place}.{key}", depth + 1) for key, item in value.items()}

    def _unwrap(self, value: dict[str, JsonValue], place: str) -> str:
        text = value[UNSAFE_KEY]
        if len(value) != 1 or not isinstance(text, str):
            raise InvalidValue(place, f'must be a whole unsafe value: {{"{UNSAFE_KEY}": "…"}}')
        self.data = self.data or is_template(text)
        return text


def _fits(field: str, value: JsonValue) -> bool:
    if value is None or (isinstance(value, str) and is_template(value)):
        return False
    try:
        specs(Host)[field].check(value, field)
    except InvalidValue:
        return False
    return True


def _priority(value: JsonValue, place: str) -> int:
    """Read a priority as ``ansible.inventory.group`` does, with ``int()``."""
    if isinstance(value, dict) and UNSAFE_KEY in value:
        value = value[UNSAFE_KEY]
    try:
        priority = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidValue(place, "must be an integer, as Ansible would read it") from error
    specs(Group)["priority"].check(priority, place)
    return priority
