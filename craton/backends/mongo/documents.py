"""Between entities and documents.

A document has the fields of its entity under their names, the id as ``_id``, variables as the text
of all of them. Beside them it may have ``tokens``, by which variables are found, and ``fence`` (see
:mod:`craton.backends.mongo.fences`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import bson

from craton.backends.mongo.tokens import tokens
from craton.errors import InvalidValue
from craton.fields import Links, Moment, Names, VariableMap
from craton.models import KINDS, E, Entity, parent_field, specs
from craton.variables import EMPTY, Variables

Document: TypeAlias = Mapping[str, Any]

#: The field of variables into which a query can look, and the one with its tokens.
SEARCHED: Final = "variables"
TOKENS: Final = "tokens"

#: How many transactions have relied on the entity.
FENCE: Final = "fence"

#: What the read of an entity leaves out.
ENTITY: Final = {TOKENS: False, FENCE: False}

#: The largest document in bytes (https://www.mongodb.com/docs/manual/reference/limits/).
MAX_BYTES: Final = 16 * 2**20

_NO_VARIABLES: Final = EMPTY.text


def key_of(field: str) -> str:
    """Return what a field of an entity is called in a document."""
    return "_id" if field == "id" else field


def is_storable(value: str) -> bool:
    """Tell whether a string can be sent to a server: it holds no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def document_of(entity: Entity) -> dict[str, Any]:
    """Return the document of an entity."""
    document: dict[str, Any] = {}
    for name, spec in specs(type(entity)).items():
        value = getattr(entity, name)
        if isinstance(spec, VariableMap):
            document[name] = value.text
            if name == SEARCHED:
                document[TOKENS] = tokens(value)
        else:
            document[key_of(name)] = value
    return document


def settable(document: Document, kind: type[Entity]) -> dict[str, Any]:
    """Return the part of a document that another state of its entity changes."""
    kept = {"_id", "created_at", parent_field(kind)}
    return {name: value for name, value in document.items() if name not in kept}


def encoded(document: Document, kind: type[Entity]) -> bytes:
    """Return a document as it is sent and stored.

    Raises:
        InvalidValue: It is larger than a document can be.
    """
    data = bson.encode(document)
    if len(data) > MAX_BYTES:
        raise InvalidValue(
            _largest(document, kind),
            f"makes the {kind.kind} larger than the {MAX_BYTES:,} bytes that MongoDB stores as one "
            f"document: it would have {len(data):,}",
        )
    return data


def entity_of(kind: type[E], document: Document) -> E:
    """Return the entity of a document."""
    # A scan spends most of its own time here, so the slots of the frozen object are set directly.
    entity = object.__new__(kind)
    for put, key, load in _LOADERS[kind]:
        value = document[key]
        put(entity, value if load is None else load(value))
    return entity


def _largest(document: Document, kind: type[Entity]) -> str:
    sizes = {name: len(str(document[key_of(name)])) for name in specs(kind)}
    return max(sizes, key=sizes.__getitem__)


@lru_cache(maxsize=1024)
def _aware(moment: datetime) -> datetime:
    # What is written together has one time, so the cache answers nearly always.
    return moment.replace(tzinfo=UTC)


def _variables(text: str) -> Variables:
    return EMPTY if text == _NO_VARIABLES else Variables.from_text(text)


def _loader(kind: type[Entity], name: str) -> Callable[[Any], Any] | None:
    spec = specs(kind)[name]
    if isinstance(spec, Moment):
        return _aware
    if isinstance(spec, VariableMap):
        return _variables
    return tuple if isinstance(spec, Links | Names) else None


#: For each field of a kind: what sets it, what it is called in a document, what makes its value.
_LOADERS: Final = {
    kind: [(getattr(kind, name).__set__, key_of(name), _loader(kind, name)) for name in specs(kind)]
    for kind in KINDS
}
