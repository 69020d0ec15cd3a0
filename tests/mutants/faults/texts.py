"""Faults in how strings, numbers and times come back."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Callable
from typing import Any

from craton.models import Entity, Tenant
from craton.variables import Variables
from tests.mutants.registry import FaultyState, fault


def everywhere(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a JSON value in which every value inside was changed, those within first."""
    if isinstance(value, dict):
        value = {key: everywhere(item, change) for key, item in value.items()}
    elif isinstance(value, list):
        value = [everywhere(item, change) for item in value]
    return change(value)


class Valued(FaultyState):
    """Base of the faults in the values of variables."""

    def value(self, value: Any) -> Any:
        raise NotImplementedError

    def variables(self, variables: Variables) -> Variables:
        values = {name: everywhere(value, self.value) for name, value in variables.decode().items()}
        return Variables.from_members(
            {n: json.dumps(v, ensure_ascii=False, separators=(",", ":")) for n, v in values.items()}
        )

    def _store(self, entity: Entity, index: int) -> None:
        variables = self.variables(entity.variables)  # type: ignore[attr-defined]
        super()._store(dataclasses.replace(entity, variables=variables), index)  # type: ignore[call-arg]


class Strings(Valued):
    """Base of the faults in strings."""

    def string(self, text: str) -> str:
        raise NotImplementedError

    def value(self, value: Any) -> Any:
        return self.string(value) if isinstance(value, str) else value


@fault("Strings are trimmed.", "TEXT-1")
class StringsTrimmed(Strings):
    def string(self, text: str) -> str:
        return text.strip()


@fault("Strings are normalized.", "TEXT-1")
class StringsStoredNormalized(Strings):
    def string(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@fault("Line ends become those of Unix.", "TEXT-1")
class LineEndsChanged(Strings):
    def string(self, text: str) -> str:
        return text.replace("\r\n", "\n")


@fault("Characters beyond the first plane become question marks.", "TEXT-1")
class ThreeByteCharacters(Strings):
    def string(self, text: str) -> str:
        return "".join("?" if character > "\uffff" else character for character in text)


@fault("Strings are cut after 65,535 characters.", "TEXT-1")
class StringsCut(Strings):
    def string(self, text: str) -> str:
        return text[:65535]


@fault("A string that says null is null.", "TEXT-1")
class NullByItsWord(Valued):
    def value(self, value: Any) -> Any:
        return None if value == "null" else value


@fault("The empty string becomes null.", "TEXT-1")
class EmptyStoredAsNull(Valued):
    def value(self, value: Any) -> Any:
        return None if value == "" else value


@fault("Names of tenants are trimmed.", "TEXT-1")
class NamesTrimmed(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        if isinstance(entity, Tenant):
            entity = dataclasses.replace(entity, name=entity.name.strip() or entity.name)
        super()._store(entity, index)


@fault("Integers beyond 64 bits become floats.", "TEXT-2")
class BigIntegersAreFloats(Valued):
    def value(self, value: Any) -> Any:
        big = type(value) is int and 2**64 <= abs(value) < 10**300
        return float(value) if big else value


@fault("Integers beyond 53 bits are rounded, as in JavaScript.", "TEXT-2")
class IntegersRounded(Valued):
    def value(self, value: Any) -> Any:
        return int(float(value)) if type(value) is int and abs(value) < 2**64 else value


@fault("1.0 becomes 1.", "TEXT-2")
class WholeFloatsAreIntegers(Valued):
    def value(self, value: Any) -> Any:
        return int(value) if type(value) is float and value == 1.0 else value


@fault("Negative zero loses its sign.", "TEXT-2")
class NegativeZeroLost(Valued):
    def value(self, value: Any) -> Any:
        return 0.0 if type(value) is float and value == 0 else value


@fault("Floats are rounded to fifteen digits.", "TEXT-2")
class FloatsRounded(Valued):
    def value(self, value: Any) -> Any:
        return float(f"{value:.14e}") if type(value) is float and abs(value) < 1e300 else value


@fault("Values deeper than thirty levels are cut off.", "TEXT-2")
class DeepValuesCut(Valued):
    def value(self, value: Any) -> Any:
        return None if _depth(value) == 34 else value


def _depth(value: Any) -> int:
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_depth, items), default=0)
    return 0


@fault("The keys of objects are sorted.", "TEXT-2")
class KeysSorted(Valued):
    def value(self, value: Any) -> Any:
        return dict(sorted(value.items())) if isinstance(value, dict) else value


@fault("Empty objects become empty arrays.", "TEXT-2")
class EmptyObjectsAreArrays(Valued):
    def value(self, value: Any) -> Any:
        return [] if value == {} and isinstance(value, dict) else value


@fault("true becomes 1.", "TEXT-2")
class FlagsAreIntegers(Valued):
    def value(self, value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


@fault("Items of arrays that are null are left out.", "TEXT-2")
class NullsLeftOut(Valued):
    def value(self, value: Any) -> Any:
        return [item for item in value if item is not None] if isinstance(value, list) else value


@fault("Times are cut to seconds.", "TEXT-3")
class TimesCutToSeconds(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        created, updated = entity.created_at, entity.updated_at
        super()._store(
            dataclasses.replace(
                entity,
                created_at=created.replace(microsecond=0),
                updated_at=updated.replace(microsecond=0),
            ),
            index,
        )


@fault("Times lose their time zone.", "TEXT-3")
class TimesWithoutZone(FaultyState):
    def _store(self, entity: Entity, index: int) -> None:
        created, updated = entity.created_at, entity.updated_at
        super()._store(
            dataclasses.replace(
                entity,
                created_at=created.replace(tzinfo=None),
                updated_at=updated.replace(tzinfo=None),
            ),
            index,
        )


@fault("The text of variables is in ASCII, with escapes.", "TEXT-4")
class TextWithEscapes(Valued):
    def variables(self, variables: Variables) -> Variables:
        return Variables.from_text(json.dumps(variables.decode(), separators=(",", ":")))


@fault("Variables are sorted by the length of their names first.", "TEXT-4")
class VariablesSortedOtherwise(Valued):
    def variables(self, variables: Variables) -> Variables:
        members = sorted(variables.members().items(), key=lambda item: (len(item[0]), item[0]))
        return Variables.from_text(f"{{{','.join(f'{json.dumps(n)}:{t}' for n, t in members)}}}")
