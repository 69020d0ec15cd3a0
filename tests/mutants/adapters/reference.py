"""A sound adapter of the CMDB in this process, in parts that a fault can take the place of."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from oslo_config import cfg

from craton.cmdb import CmdbAdapter, End, Gone, Item, Present, Unusable
from craton.errors import InvalidValue, Unavailable
from craton.models import Entity, Group, Host, Region, Tenant
from craton.validation import normalized
from tests.mutants.adapters.store import TIMEOUT, Row, Store, VendorError

TENANT, REGION = "tenant-1", "region-1"


class ReferenceAdapter(CmdbAdapter):
    """Reads everything in the order of ids, and what changed from the log.

    A full stream begins with a look at how far the log is: what changes later is behind it.
    """

    owner = "the reference"
    store: ClassVar[Store]
    patience: float | None = TIMEOUT
    retry_after = 5

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {"reference": [cfg.StrOpt("secret", secret=True, default="sesame-0815")]}

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        state = self.ask("state")
        begin = self.known(since, state)
        yield from self.places()
        if begin is None:
            yield from self.everything()
        else:
            yield from self.log(begin, state["serial"])
        yield self.end(state, begin)

    def known(self, since: str | None, state: Row) -> int | None:
        """The number that a token stands for, if the log still knows what came behind it."""
        found = re.fullmatch(r"serial ([0-9]{1,18})", since or "")
        if found and state["oldest"] <= int(found[1]) <= state["serial"]:
            return int(found[1])
        return None

    def end(self, state: Row, begin: int | None) -> End:
        return End(token=self.token(state), everything=begin is None)

    def token(self, state: Row) -> str:
        return f"serial {state['serial']}"

    def places(self) -> Iterator[Item]:
        yield Present(entity=Tenant(id=TENANT, name="reference"))
        yield Present(entity=Region(id=REGION, tenant_id=TENANT, name="north"))

    def everything(self) -> Iterator[Item]:
        for row in self.rows():
            yield from self.row(row)

    def rows(self) -> Iterator[Row]:
        after = ""
        while page := self.ask("rows", after=after):
            yield from page
            after = page[-1]["id"]

    def log(self, begin: int, until: int) -> Iterator[Item]:
        while page := self.ask("changes", after=begin, until=until):
            for change in page:
                yield from self.row(change["row"]) if change["row"] else self.gone(change["id"])
            begin = page[-1]["serial"]

    def gone(self, id: str) -> Iterator[Item]:
        yield Gone(kind=Host, id=self.id(id))

    def row(self, row: Row) -> Iterator[Item]:
        yield from self.groups(row["groups"])
        host = self.host(row)
        try:
            normalized(host)
        except InvalidValue as error:
            yield from self.unusable(row, str(error))
        else:
            yield Present(entity=host)

    def unusable(self, row: Row, reason: str) -> Iterator[Item]:
        yield Unusable(kind=Host, id=self.id(row["id"]), name=row["name"], reason=reason)

    def groups(self, names: Iterable[str]) -> Iterator[Item]:
        for name in names:
            yield Present(entity=Group(id=f"group-{name}", region_id=REGION, name=name))

    def host(self, row: Row) -> Host:
        return Host(
            id=self.id(row["id"]),
            region_id=REGION,
            name=self.name(row),
            ip_address=row["address"],
            groups=tuple(f"group-{name}" for name in row["groups"]),
        )

    def id(self, id: str) -> str:
        return id

    def name(self, row: Row) -> str:
        return str(row["name"])

    def ask(self, question: str, **details: Any) -> Any:
        try:
            status, text = self.call(question, **details)
        except VendorError as error:
            raise Unavailable("the CMDB does not answer", self.retry_after) from VendorError(
                type(error).__name__
            )
        if status != 200:
            raise self.refused(status)
        return self.read(text)

    def call(self, question: str, **details: Any) -> tuple[int, str]:
        secret = self.settings.reference.secret
        answer: tuple[int, str] = self.store.ask(secret, question, self.patience, **details)
        return answer

    def refused(self, status: int) -> Exception:
        return Unavailable(f"the CMDB answers with {status}", self.retry_after)

    def read(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise Unavailable("the CMDB sent no answer", self.retry_after) from error


class WritingAdapter(ReferenceAdapter):
    """Writes hosts, too."""

    writes = frozenset((Host,))

    def _write(self, before: Entity | None, after: Entity | None) -> None:
        assert isinstance(after, Host)
        self.store.set(self.store.rows[after.id], name=after.name, address=after.ip_address)
