"""The adapter itself: what changed in a Nautobot since a token.

Nautobot tells when an object was changed, but not reliably what was deleted, and nothing at all of
a device when what decides its config context changes. So each sync lists every host with the time
of its last change, which takes a second for ten thousand, and compares the list with the summary in
the token; and it reads what hosts refer to as a whole. A change there is a reason to read
everything, unless it is a new object that nothing refers to yet.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from oslo_config import cfg

from craton.backends.cmdb.nautobot import members
from craton.backends.cmdb.nautobot.client import (
    OWNER,
    Client,
    Row,
    not_permitted,
    packed_id,
    stamp,
)
from craton.backends.cmdb.nautobot.mapping import Mapper
from craton.backends.cmdb.nautobot.members import Members
from craton.backends.cmdb.nautobot.options import GROUP, OPTIONS, Options
from craton.backends.cmdb.nautobot.pages import pages
from craton.backends.cmdb.nautobot.sketch import Difference, Sketch
from craton.backends.cmdb.nautobot.tokens import Token
from craton.backends.cmdb.nautobot.vocabulary import (
    HOSTS,
    NAMES,
    SORTS,
    UnknownObjectError,
    Vocabulary,
)
from craton.cmdb import CmdbAdapter, End, Gone, Item
from craton.errors import ConfigurationError
from craton.models import Host

#: Seconds after a change in the vocabulary at which everything is read once more: Nautobot works
#: some of its effects out in the background, without a trace in the objects.
_SETTLING = 120.0


class NautobotAdapter(CmdbAdapter):
    """Reads a Nautobot by its GraphQL API."""

    owner = OWNER

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._options = Options.read(settings[GROUP])
        self._meaning = self._options.meaning()

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {GROUP: OPTIONS}

    def _open(self) -> None:
        self._options.token()
        if self._options.ca_file is not None and not self._options.ca_file.is_file():
            raise ConfigurationError(f"[{GROUP}] ca_file: {self._options.ca_file} is no file")

    def _changes(self, since: str | None) -> Generator[Item, None, None]:
        known = Token.read(since, self._meaning)
        began = time.time()
        with Client(self._options) as client:
            stream = _Stream(self._options, client, times=known is not None)
            due = began + self._options.full_interval
            if known is not None and began < known.due <= due:
                difference = stream.difference(known.sketch)
                if difference is not None and _is_told_by_hosts(difference):
                    yield from stream.changed(difference)
                    stream.check()
                    token = Token(stream.sketch, known.due).text(self._meaning)
                    yield End(token=token, everything=False)
                    return
                due = min(due, began + _SETTLING)
            yield from stream.everything()
            stream.check()
            yield End(token=Token(stream.sketch, due).text(self._meaning), everything=True)


class _Stream:
    """One reading of a Nautobot.

    Args:
        options: What to make of it.
        client: What to read through.
        times: Whether the times of the hosts' last changes are of use.

    Attributes:
        sketch: What was said, or will have been at the end.
    """

    def __init__(self, options: Options, client: Client, *, times: bool) -> None:
        self._options = options
        self._client = client
        with ThreadPoolExecutor(1, thread_name_prefix="nautobot") as aside:
            listed = aside.submit(members.listed, client, times=times)
            self._vocabulary = Vocabulary.load(client, options)
            self._members = Members.load(client, self._vocabulary.rows["dynamic_groups"])
            self._listed = listed.result()
        self._mapper = Mapper(options, self._vocabulary, self._members)
        self.sketch = self._sketch()

    def difference(self, before: Sketch) -> Difference | None:
        """Compare what was said before with what is there; ``None`` if it is too much to tell."""
        for sort, hosts in self._listed.items():
            for packed in hosts:
                self.sketch.add(self._members.element(sort, packed[:16], packed[16:]))
        return before.difference(self.sketch)

    def changed(self, difference: Difference) -> Iterator[Item]:
        """Yield what is behind a difference."""
        there = {(element.sort, element.id) for element in difference.after}
        for element in difference.before:
            if (element.sort, element.id) not in there:
                yield Gone(kind=Host, id=members.uuid_text(element.id))
        if any(NAMES[element.sort] in SORTS for element in difference.after):
            yield from self._mapper.places()
        for sort in HOSTS:
            changed = sorted(e.id for e in difference.after if NAMES[e.sort] == sort)
            for _, items in self._hosts(sort, changed):
                yield from items

    def everything(self) -> Iterator[Item]:
        """Yield all that there is."""
        self.sketch = self._sketch()
        yield from self._mapper.places()
        for sort, listed in self._listed.items():
            for row, items in self._hosts(sort, listed):
                yield from items
                id, changed = packed_id(row["id"]), stamp(row["last_updated"])
                self.sketch.add(self._members.element(sort, id, changed))

    def check(self) -> None:
        """Make sure that nothing was hidden on the way, because a permission was taken back."""
        self._vocabulary.check(self._client)

    def _sketch(self) -> Sketch:
        sketch = Sketch()
        for element in self._vocabulary.elements():
            sketch.add(element)
        return sketch

    def _hosts(self, sort: str, ids: Sequence[bytes]) -> Iterator[tuple[Row, Iterable[Item]]]:
        for page in pages(self._client, self._options, sort, ids):
            if not page:
                members.check_permitted(self._client, sort)
            page.sort(key=_row_id)
            for _, found in groupby(page, key=_row_id):
                rows = list(found)
                yield rows[0], self._items(sort, rows)

    def _items(self, sort: str, rows: list[Row]) -> list[Item]:
        try:
            return list(self._mapper.host(sort, rows))
        except UnknownObjectError:
            # It was made while we read; the token knows nothing of it, so the next stream will.
            self._mapper.vocabulary = Vocabulary.load(self._client, self._options)
        try:
            return list(self._mapper.host(sort, rows))
        except UnknownObjectError as error:
            raise not_permitted(error.permission) from error


def _is_told_by_hosts(difference: Difference) -> bool:
    """Tell whether reading the hosts that changed is enough."""
    return all(NAMES[element.sort] in HOSTS for element in difference.before) and all(
        NAMES[element.sort] in HOSTS or SORTS[NAMES[element.sort]].inert
        for element in difference.after
    )


def _row_id(row: Row) -> str:
    return str(row["id"])
