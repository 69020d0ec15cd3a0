"""The rows of a run's hosts."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any, Final

from craton.errors import NotFound
from craton.runs.models import HostState, RunHost
from craton.runs.redis import records
from craton.runs.redis.keys import RunKeys
from craton.runs.store import stands_in

#: Hosts that are written in one step; it takes milliseconds.
_CHUNK: Final = 1000

#: Seconds after which what was written aside goes by itself.
_DRAFT_SECONDS: Final = 3600


class HostRows:
    """Reads and writes rows.

    Args:
        client: What speaks to Redis; its errors are the caller's affair.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def write_aside(self, run_id: str, rows: Sequence[RunHost]) -> tuple[str, str]:
        """Write hosts where nobody looks; return the keys, for ``create.lua``."""
        own = RunKeys(run_id)
        token = secrets.token_hex(8)
        hosts, order = own.part(f"hosts:{token}"), own.part(f"order:{token}")
        self._client.set(own.part("draft"), token, ex=_DRAFT_SECONDS)
        for first in range(0, len(rows), _CHUNK):
            chunk = rows[first : first + _CHUNK]
            with self._client.pipeline(transaction=True) as steps:
                steps.hset(hosts, mapping={row.host_id: records.new_row(row) for row in chunk})
                steps.zadd(order, {member(row): 0 for row in chunk})
                steps.expire(hosts, _DRAFT_SECONDS)
                steps.expire(order, _DRAFT_SECONDS)
                steps.execute()
        return hosts, order

    def members(self, run_id: str, after: str | None, count: int) -> list[str]:
        """Return what stands for hosts, by name, from after one of them. Raises ``NotFound``."""
        own = RunKeys(run_id)
        start = "-" if after is None else f"({after}"
        with self._client.pipeline(transaction=True) as steps:
            steps.exists(own.run)
            steps.zrangebylex(own.part("order"), start, "+", 0, count)
            exists, found = steps.execute()
        if not exists:
            raise NotFound("run", run_id)
        return [one.decode() for one in found]

    def of(
        self, run_id: str, members: Sequence[str], states: Collection[HostState]
    ) -> list[RunHost]:
        """Return the rows of hosts that stand in one of some states; of all, if there are none."""
        own = RunKeys(run_id)
        ids = [host_id(one) for one in members]
        if states and ids:
            # Most hosts are in another state, and messages are long.
            known = zip(ids, self._client.hmget(own.part("states"), ids), strict=True)
            ids = [id for id, state in known if _may_stand_in(state, states)]
        if not ids:
            return []
        with self._client.pipeline(transaction=True) as steps:
            for part in ("hosts", "states", "tasks", "messages"):
                steps.hmget(own.part(part), ids)
            answers = steps.execute()
        rows = (records.row(*row) for row in zip(ids, *answers, strict=True) if row[1])
        return [row for row in rows if stands_in(row, states)]

    def find(self, run_id: str, host: str) -> RunHost | None:
        """Return the row of a host by its id, else by its name. Raises ``NotFound``: the run."""
        own = RunKeys(run_id)
        with self._client.pipeline(transaction=True) as steps:
            steps.exists(own.run)
            steps.hexists(own.part("hosts"), host)
            steps.zrangebylex(own.part("order"), f"[{host}\0", f"({host}\1", 0, 1)
            exists, is_id, named = steps.execute()
        if not exists:
            raise NotFound("run", run_id)
        members = [host] if is_id else [one.decode() for one in named]
        return next(iter(self.of(run_id, members, ())), None)


def member(row: RunHost) -> str:
    """Return what stands for a host in the order of names, which is that of its bytes."""
    return f"{row.host}\0{row.host_id}"


def host_id(member: str) -> str:
    """Return the id of the host that something stands for."""
    return member.rpartition("\0")[2]


def _may_stand_in(state: bytes | None, states: Collection[HostState]) -> bool:
    words = [HostState.PENDING.value] if state is None else state.decode().split(" ")
    return any(wanted.value in words for wanted in states)
