"""A CMDB in this process: rows, a log of what changed, and the ways in which it can fail."""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from craton.testing.adapters import Machine, Trouble

#: Seconds after which its client gives up.
TIMEOUT = 0.05

#: Rows of one answer.
PAGE = 4

Row = dict[str, Any]


class VendorError(Exception):
    """What the library of a vendor raises."""


class Store:
    """Rows by id. Whatever changes one is noted in a log, under the next number."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.log: list[tuple[int, str]] = []
        self.serial = self.oldest = 0
        self.made = 0
        self.trouble: Trouble | None = None

    # -- what the people do who keep it ----------------------------------------------------------

    def put(self, machine: Machine) -> None:
        row = self.named(machine.name)
        if row is None:
            self.made += 1
            row = {"id": f"row-{self.made:06}", "name": machine.name}
        self.set(row, address=machine.address, groups=list(machine.groups))

    def set(self, row: Row, **values: Any) -> None:
        self.rows[row["id"]] = {**row, **values}
        self.note(row["id"])

    def remove(self, id: str) -> None:
        del self.rows[id]
        self.note(id)

    def named(self, name: str) -> Row | None:
        return next((row for row in self.rows.values() if row["name"] == name), None)

    def note(self, id: str) -> None:
        self.serial += 1
        self.log.append((self.serial, id))

    def forget(self) -> None:
        self.log.clear()
        self.oldest = self.serial

    @contextmanager
    def in_trouble(self, trouble: Trouble) -> Iterator[None]:
        self.trouble = trouble
        try:
            yield
        finally:
            self.trouble = None

    # -- what its clients ask --------------------------------------------------------------------

    def ask(self, secret: str, question: str, patience: float | None, **details: Any) -> Any:
        """Answer with a status and a text, as over HTTP."""
        if self.trouble is Trouble.AWAY:
            raise VendorError(f"no route to host for {secret}")
        if self.trouble is Trouble.SILENT:
            threading.Event().wait(patience)
            raise VendorError(f"timed out for {secret}")
        if self.trouble is Trouble.DENIED:
            return 403, f"{secret} is wrong"
        if self.trouble is Trouble.FAILING:
            return 500, f"{secret} led to a fault"
        if self.trouble is Trouble.NONSENSE:
            return 200, "<html>Sign in</html>"
        text = json.dumps(getattr(self, f"answer_{question}")(**details))
        return 200, text[: len(text) // 2] if self.trouble is Trouble.CUT else text

    def answer_state(self) -> Row:
        return {"serial": self.serial, "oldest": self.oldest}

    def answer_rows(self, after: str, limit: int = PAGE) -> list[Row]:
        ids = sorted(self.rows)
        start = bisect_right(ids, after)
        return [self.rows[id] for id in ids[start : start + limit]]

    def answer_changes(self, after: int, until: int, limit: int = PAGE) -> list[Row]:
        return [
            {"serial": serial, "id": id, "row": self.rows.get(id)}
            for serial, id in self.log[after - self.oldest :]
            if serial <= until
        ][:limit]
