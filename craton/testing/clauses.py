"""Every clause of the contract by its name, for reports, waivers and the names of tests.

Drivers and adapters have a catalogue each: no clause binds both.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from craton.errors import ConfigurationError

#: The promise of each clause for drivers in one sentence; docs/contract.rst has the whole text.
CLAUSES: Final[Mapping[str, str]] = {
    "LIFE-1": "Making a driver does no input or output; open may only narrow what is claimed.",
    "LIFE-2": "close lets go of everything, and a second close does nothing.",
    "LIFE-3": "open never changes the schema; migrations do, and doing it again changes nothing.",
    "LIFE-4": "ping asks the store, and says when it does not answer.",
    "LIFE-5": "Many threads may use a driver at once.",
    "GET-1": "get returns the entity, equal in every field to what was stored.",
    "GET-2": "What is not there, or of another kind, is NotFound with kind and id.",
    "GET-3": "What a caller does with an entity changes nothing in the store.",
    "CREATE-1": "create returns the entity as stored, with an id made or taken over.",
    "CREATE-2": "The driver sets the revision and both times, whatever the caller says.",
    "CREATE-3": "A parent that does not exist is InvalidReference for its field.",
    "CREATE-4": "What a field cannot hold is InvalidValue and names the field.",
    "CREATE-5": "Names of tenants, and of regions in their tenant, are unique.",
    "CREATE-6": "Hosts and groups share one namespace in their region.",
    "CREATE-7": "A region holds one name of the controller at most.",
    "CREATE-8": "Sets come back sorted and without repeats.",
    "CREATE-9": "Whatever the error, nothing was stored, unless it says that nobody can tell.",
    "REPLACE-1": "replace stores the whole state under a revision never seen before.",
    "REPLACE-2": "What is not there is NotFound; a parent never changes.",
    "REPLACE-3": "if_revision is compared and written in one step.",
    "REPLACE-4": "The rules for creating hold, and an entity never stands in its own way.",
    "REPLACE-5": "Variables and links that the new state lacks are gone.",
    "REPLACE-6": "Of concurrent updates none is lost, and an equal result is not written.",
    "DELETE-1": "delete removes the entity, and its name is free.",
    "DELETE-2": "What is not there is NotFound, another revision RevisionConflict.",
    "DELETE-3": "Children stand in the way, unless cascade takes them along.",
    "DELETE-4": "Links to a deleted group go with it.",
    "FILTER-1": "Every read sees exactly what matches.",
    "FILTER-2": "Values compare as JSON, and types never mix.",
    "FILTER-3": "null is not missing.",
    "FILTER-4": "Strings compare by code point, whatever the store's collation.",
    "FILTER-5": "Order holds within one type, and never for booleans.",
    "FILTER-6": "Prefix takes every character as itself.",
    "FILTER-7": "A path steps through objects by key and through arrays by position.",
    "FILTER-8": "A predicate that the driver does not know is honoured.",
    "FILTER-9": "A path that names no field is InvalidQuery.",
    "PAGE-1": "The order is by one field, then by id, strings by code point.",
    "PAGE-2": "Another order than by name needs SORT; one without meaning is InvalidQuery.",
    "PAGE-3": "A page is full unless it is the last, and only the last has no next one.",
    "PAGE-4": "What matches throughout a walk is on exactly one page, whatever is written.",
    "PAGE-5": "A page token belongs to its query.",
    "SCAN-1": "scan yields everything in order, in bounded memory.",
    "SCAN-2": "A scan that is closed or at its end holds nothing in the store.",
    "SCAN-3": "A scan never ends early as if it were complete.",
    "SCAN-4": "count is the number that scan yields.",
    "SCAN-5": "Two equal digests mean the same entities at the same revisions.",
    "LINK-1": "Links name groups of the same region.",
    "LINK-2": "No group is its own ancestor, at any depth.",
    "LINK-3": "The rules between entities hold under concurrent writers.",
    "BATCH-1": "apply makes all changes or none, to every reader, also when it is killed.",
    "BATCH-2": "Changes take effect in their order; links are looked at when all are done.",
    "BATCH-3": "apply returns the id and the revision of every change, in their order.",
    "BATCH-4": "An error is the one that the change would raise alone, with its position.",
    "BATCH-5": "Changes may come from an iterator, and what it raises ends the batch.",
    "VERBATIM-1": "What is stored verbatim keeps its revision and its times.",
    "VERBATIM-2": "What is stored verbatim brings its id, revision and times; all rules hold.",
    "SNAPSHOT-1": "Every read of a snapshot sees one state.",
    "SNAPSHOT-2": "A snapshot keeps nobody from writing, and leaving it frees it.",
    "PART-1": "References, secrets and payloads come back, with names unique in their parent.",
    "PART-2": "What is attached to an entity is a child of it.",
    "RECORD-1": "A record is stored as an entity of any other kind.",
    "RECORD-2": "A batch of records and entities is made whole or not at all.",
    "CHANGE-1": "A record of a change comes back in every field.",
    "CHANGE-2": "A batch of changes and their records is made whole or not at all.",
    "MIRROR-1": "A sync brings over what the owner has, and without news it writes nothing.",
    "MIRROR-2": "A sync makes the mirror as new as its call, and the status tells how old it is.",
    "MIRROR-3": "What the owner has is ReadOnly, with its name and the object's place.",
    "MIRROR-4": "What Craton adds to the owner's objects survives every sync.",
    "ERROR-1": "Only Craton's errors leave a driver, without a vendor's words.",
    "ERROR-2": "A store that is away is Unavailable within ten seconds.",
    "ERROR-3": "A kind that cannot be written is refused, and nothing is written.",
    "TEXT-1": "Every string comes back as it was stored.",
    "TEXT-2": "Every JSON value comes back with its type.",
    "TEXT-3": "Times keep their milliseconds.",
    "TEXT-4": "The text of variables is the same on every driver.",
    "MODEL-1": "Any sequence of changes ends as on the memory driver.",
    "MODEL-2": "Any query has the answer that its predicate's meaning gives.",
}

#: The same for the adapters of CMDBs.
ADAPTER_CLAUSES: Final[Mapping[str, str]] = {
    "ADAPTER-1": "Making and opening ask nobody; close and a closed stream let go of everything.",
    "ADAPTER-2": "An object has one id for ever, and no two objects share one.",
    "ADAPTER-3": "An entity is valid, and is what the CMDB says.",
    "ADAPTER-4": "Parents and links name what the stream, or an earlier one, had.",
    "ADAPTER-5": "The end is last, and has a token.",
    "ADAPTER-6": "A stream since a token has whatever changed since.",
    "ADAPTER-7": "A full stream has everything, so that what it lacks is gone.",
    "ADAPTER-8": "A token that is not known gives everything.",
    "ADAPTER-9": "What changes while a stream runs is in it, or in the next one.",
    "ADAPTER-10": "A CMDB that gives no answer is Unavailable within thirty seconds.",
    "ADAPTER-11": "A stream that is cut off never has an end.",
    "ADAPTER-12": "Nothing is guessed, and nothing is left out.",
    "ADAPTER-13": "No secret stands in an error, a log or a token.",
    "ADAPTER-14": "Streams may run at once.",
    "ADAPTER-15": "A stream takes memory that does not grow with what it yields.",
    "ADAPTER-16": "What is not written is ReadOnly; what is written is in the next stream.",
}


class UnknownClause(ConfigurationError):
    """A waiver or a test names a clause that the contract does not have."""

    code = "unknown_clause"

    def __init__(self, clause: str, catalogue: Collection[str] = CLAUSES) -> None:
        near = difflib.get_close_matches(clause.upper(), catalogue, n=3, cutoff=0.5)
        hint = f"near: {', '.join(near)}" if near else "docs/contract.rst lists them"
        super().__init__(f"the contract has no clause {clause!r}; {hint}", clause=clause, near=near)


def chosen(words: str) -> frozenset[str]:
    """Return the clauses that words separated by commas name: ``PAGE-4``, or all of ``PAGE``.

    Raises:
        UnknownClause: There is neither a clause nor a family of a name.
    """
    found: set[str] = set()
    every = (*CLAUSES, *ADAPTER_CLAUSES)
    for word in filter(None, (part.strip() for part in words.split(","))):
        named = {name for name in every if word in (name, name.partition("-")[0])}
        if not named:
            raise UnknownClause(word, every)
        found |= named
    return frozenset(found)


def check_known(clauses: Iterable[str], catalogue: Collection[str] = CLAUSES) -> None:
    """Check names of clauses.

    Raises:
        UnknownClause: The catalogue has none of a name; the error lists near ones.
    """
    for clause in clauses:
        if clause not in catalogue:
            raise UnknownClause(clause, catalogue)
