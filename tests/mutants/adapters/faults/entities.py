"""Faults in what becomes of the objects of the CMDB."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

from craton.cmdb import Item, Present, Unusable
from craton.models import Group, Host, Record, Region
from tests.mutants.adapters.reference import ReferenceAdapter
from tests.mutants.adapters.registry import fault
from tests.mutants.adapters.store import Row


@fault("Ids are the places in the stream.", "ADAPTER-2")
class IdsCounted(ReferenceAdapter):
    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        for number, item in enumerate(super()._changes(since)):
            if isinstance(item, Present) and isinstance(item.entity, Host):
                yield Present(entity=dataclasses.replace(item.entity, id=f"n{number}"))
            else:
                yield item


@fault("An id is the name, which changes.", "ADAPTER-2")
class IdIsTheName(ReferenceAdapter):
    def host(self, row: Row) -> Host:
        return dataclasses.replace(super().host(row), id=row["name"])


@fault("Ids are made anew in every process.", "ADAPTER-2", "ADAPTER-6")
class IdsOfThisAdapter(ReferenceAdapter):
    def id(self, id: str) -> str:
        # It differs between adapters, as a hash with a random seed would between processes.
        return f"{id}-{self.__dict__.setdefault('seed', f'{self!r}'[-8:-1])}"


@fault("An id has a slash.", "ADAPTER-2")
class IdsAreAddresses(ReferenceAdapter):
    def id(self, id: str) -> str:
        return f"/devices/{id}"


@fault("Ids are cut off, so that two objects share one.", "ADAPTER-2")
class IdsCutOff(ReferenceAdapter):
    def id(self, id: str) -> str:
        return id[:-1]


@fault("Entities bring a revision of their own.", "ADAPTER-3")
class RevisionGiven(ReferenceAdapter):
    def host(self, row: Row) -> Host:
        return dataclasses.replace(super().host(row), revision="1")


@fault("Entities bring times of their own.", "ADAPTER-3")
class TimesGiven(ReferenceAdapter):
    def host(self, row: Row) -> Host:
        return dataclasses.replace(super().host(row), updated_at=datetime(2026, 1, 1, tzinfo=UTC))


@fault("Names are normalized.", "ADAPTER-3")
class NamesNormalized(ReferenceAdapter):
    def name(self, row: Row) -> str:
        return unicodedata.normalize("NFC", row["name"])


@fault("Names become lower case.", "ADAPTER-3")
class NamesLowered(ReferenceAdapter):
    def name(self, row: Row) -> str:
        return str(row["name"]).lower()


@fault("An address has the length of its network.", "ADAPTER-3")
class AddressOfANetwork(ReferenceAdapter):
    def row(self, row: Row) -> Iterator[Item]:
        yield from self.groups(row["groups"])
        yield Present(entity=dataclasses.replace(self.host(row), ip_address=f"{row['address']}/24"))


@fault("What is no part of an inventory is yielded.", "ADAPTER-3")
class RecordsYielded(ReferenceAdapter):
    def places(self) -> Iterator[Item]:
        yield from super().places()
        yield Present(entity=Record(id="record-1", name="reference/log"))


@fault("The region is forgotten.", "ADAPTER-4")
class RegionForgotten(ReferenceAdapter):
    def places(self) -> Iterator[Item]:
        for item in super().places():
            if not (isinstance(item, Present) and isinstance(item.entity, Region)):
                yield item


@fault("New groups are in a full stream only.", "ADAPTER-4")
class NewGroupsForgotten(ReferenceAdapter):
    def log(self, begin: int, until: int) -> Iterator[Item]:
        for item in super().log(begin, until):
            if not (isinstance(item, Present) and isinstance(item.entity, Group)):
                yield item


@fault("A host joins groups, and never leaves one.", "ADAPTER-4")
class GroupsNeverLeft(ReferenceAdapter):
    def host(self, row: Row) -> Host:
        been = self.__dict__.setdefault("been", {}).setdefault(row["id"], [])
        been.extend(row["groups"])
        return super().host({**row, "groups": been})


@fault("An object that makes no entity is left out.", "ADAPTER-12")
class UnusableLeftOut(ReferenceAdapter):
    def unusable(self, row: Row, reason: str) -> Iterator[Item]:
        yield from ()


@fault("An object that makes no entity is gone.", "ADAPTER-12")
class UnusableIsGone(ReferenceAdapter):
    def unusable(self, row: Row, reason: str) -> Iterator[Item]:
        yield from self.gone(row["id"])


@fault("A name that is missing is made up.", "ADAPTER-12")
class NameGuessed(ReferenceAdapter):
    def name(self, row: Row) -> str:
        return str(row["name"] or row["id"])


@fault("Nobody says what is wrong with an object.", "ADAPTER-12")
class NoReason(ReferenceAdapter):
    def unusable(self, row: Row, reason: str) -> Iterator[Item]:
        yield Unusable(kind=Host, id=self.id(row["id"]), name=row["name"], reason=" ")


@fault("Of two objects of one name the second one is left out.", "ADAPTER-12")
class TwinsMerged(ReferenceAdapter):
    def rows(self) -> Iterator[Row]:
        seen = set()
        for row in super().rows():
            if row["name"] not in seen:
                yield row
            seen.add(row["name"])

    def row(self, row: Row) -> Iterator[Item]:
        first = self.store.named(row["name"])
        if first is not None and first["id"] == row["id"]:
            yield from super().row(row)
