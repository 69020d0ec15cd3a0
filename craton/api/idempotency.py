"""``Idempotency-Key``: what is created with one is created once, however often it is asked for.

As the IETF's draft "The Idempotency-Key HTTP Header Field" says, a client that was not told what
became of its request sends it again with the same key, and gets the answer to the first one. That
answer is stored as a record, in one batch with what was created: both are there, or neither is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import orjson

from craton import caller, jsontext
from craton.api.errors import IdempotencyKeyReused, MalformedRequest
from craton.api.request import Request
from craton.caller import ANYBODY
from craton.capabilities import Capability
from craton.driver import Create, InventoryDriver, InventoryReader, new_id, new_revision, now
from craton.errors import AlreadyExists, NotFound, Unavailable
from craton.jsontext import JsonValue
from craton.models import E, Entity, Record, specs
from craton.query import AllOf, Compare, Operator, Predicate, Prefix, Query
from craton.validation import normalized

HEADER: Final = "Idempotency-Key"

_PREFIX: Final = "idempotency/"

#: A string of RFC 8941, or its content without quotes, as many clients send it.
_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"|([\x21\x23-\x5b\x5d-\x7e]+)')
_LONGEST: Final = 255

#: One in so many creates looks for records that are too old, and removes at most so many.
_CLEANS_ONE_IN: Final = 50
_CLEANS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered.

    Attributes:
        id: The id of what was created.
        revision: Its revision then.
        body: The answer's body.
    """

    id: str
    revision: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class IdempotencyKey:
    """The key of one request.

    Attributes:
        name: The name of the record: what was asked for where, by whom, with which key.
        fingerprint: Tells the bodies of two requests apart.
        lifetime: How long an answer is kept.
    """

    name: str
    fingerprint: str
    lifetime: timedelta

    @classmethod
    def of(cls, request: Request, document: JsonValue, hours: int) -> Self | None:
        """Read the key of a request; ``None`` if it has none.

        Raises:
            MalformedRequest: It is not a key.
        """
        text = request.environ.get("HTTP_IDEMPOTENCY_KEY")
        if text is None:
            return None
        match = _KEY.fullmatch(text.strip())
        if match is None or len(text) > _LONGEST:
            raise MalformedRequest(
                f"{HEADER} must be a string in quotes, of at most {_LONGEST} characters",
                header=HEADER,
            )
        scope = [
            request.method,
            request.path_info,
            _scope(),
            match[1] or match[2],
        ]
        return cls(
            name=_PREFIX + _digest(orjson.dumps(scope)),
            fingerprint=_digest(jsontext.comparable(document).encode()),
            lifetime=timedelta(hours=hours),
        )

    def answer(self, reader: InventoryReader) -> Answer | None:
        """Return the answer to the first request with this key, if there was one.

        Raises:
            IdempotencyKeyReused: Its body was another one.
        """
        records = self._records(reader)
        if not records or self._is_old(records[0]):
            return None
        head, _, body = "".join(record.value for record in records).partition("\n")
        fingerprint, id, revision = orjson.loads(head)
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        return Answer(id=id, revision=revision, body=body.encode())

    def create(self, driver: InventoryDriver, entity: E, body_of: Callable[[E], bytes]) -> Answer:
        """Create an entity and keep the answer, or return the one that somebody kept meanwhile.

        Raises:
            Unsupported: The driver does not offer what that takes.
            CratonError: As :meth:`craton.driver.InventoryDriver.create`.
        """
        driver.capabilities.require(Capability.ATOMIC_BATCH)
        driver.capabilities.require_writable(Record)
        driver.capabilities.require_writable(type(entity))
        self._forget(driver, self._records(driver))
        stored = _stamped(entity)
        body = body_of(stored)
        try:
            driver.apply(
                [
                    *(Create(entity=record) for record in self._kept(stored, body)),
                    Create(entity=stored, verbatim=True),
                ]
            )
        except AlreadyExists as error:
            answer = self.answer(driver) if error.kind == Record.kind else None
            error.change = None
            if answer is None:
                raise
            return answer
        if random.randrange(_CLEANS_ONE_IN) == 0:
            self._clean(driver)
        return Answer(id=stored.id, revision=stored.revision, body=body)

    def reserve(self, driver: InventoryDriver, id: str) -> str:
        """Bind the key to the id of what is created elsewhere, unless it is bound already.

        Whatever is created by an id can be created again by the same: so whoever comes again gets
        the same, whether the first request came to its end or not.

        Returns:
            The id that it is bound to.

        Raises:
            Unsupported: The driver does not offer what that takes.
            IdempotencyKeyReused: The body of the first request was another one.
        """
        driver.capabilities.require_writable(Record)
        self._forget(driver, self._records(driver))
        head = orjson.dumps([self.fingerprint, id, ""]).decode()
        try:
            driver.create(Record(name=f"{self.name}/0000", value=f"{head}\n"))
        except AlreadyExists:
            answer = self.answer(driver)
            if answer is None:
                raise
            return answer.id
        return id

    def _kept(self, entity: Entity, body: bytes) -> Iterator[Record]:
        """Yield the records of an answer; a long one takes several."""
        head = orjson.dumps([self.fingerprint, entity.id, entity.revision]).decode()
        text, size = f"{head}\n{body.decode()}", specs(Record)["value"].max_length  # type: ignore[attr-defined]
        for number, start in enumerate(range(0, len(text), size)):
            yield Record(name=f"{self.name}/{number:04}", value=text[start : start + size])

    def _records(self, reader: InventoryReader) -> list[Record]:
        return list(reader.scan(Record, Query(where=Prefix(("name",), f"{self.name}/"))))

    def _is_old(self, record: Record) -> bool:
        assert record.created_at is not None
        return record.created_at < now() - self.lifetime

    def _forget(self, driver: InventoryDriver, records: list[Record]) -> None:
        """Remove what is too old to be an answer."""
        for record in records:
            if self._is_old(record):
                with suppress(NotFound):
                    driver.delete(Record, record.id)

    def _clean(self, driver: InventoryDriver) -> None:
        """Remove some of the old records of all keys; if not now, then another time."""
        old: Predicate = Compare(("created_at",), Operator.LT, now() - self.lifetime)
        where = AllOf(Prefix(("name",), _PREFIX), old)
        with suppress(Unavailable):
            self._forget(driver, list(driver.find(Record, Query(where=where, limit=_CLEANS)).items))


def _stamped(entity: E) -> E:
    """Return an entity as a driver would store it, to know the answer before it is stored."""
    moment = now()
    return dataclasses.replace(
        normalized(entity),
        id=entity.id or new_id(),
        revision=new_revision(),
        created_at=moment,
        updated_at=moment,
    )


def _scope() -> str:
    """Tell callers apart, and one who acts in two projects."""
    who = caller.current()
    if who is ANYBODY:
        return ""
    return orjson.dumps([who.user_id, who.project_id, who.is_system]).decode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
