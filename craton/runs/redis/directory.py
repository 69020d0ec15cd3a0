"""Which runs there are: by region, and those that have not ended.

A run is entered before it can be seen, and an entry is taken out after its run is gone; whoever
reads passes over entries without a run, and takes those out that no run will follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from craton.runs.models import Run
from craton.runs.redis import keys, records
from craton.runs.redis.keys import RunKeys


class RunDirectory:
    """Lists of runs.

    Args:
        client: What speaks to Redis; its errors are the caller's affair.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def enter(self, region_id: str, run_id: str) -> None:
        """Let a run be found."""
        with self._client.pipeline(transaction=False) as steps:
            steps.sadd(keys.REGIONS, region_id)
            steps.zadd(keys.region(region_id), {run_id: 0})
            steps.zadd(keys.UNFINISHED, {run_id: 0})
            steps.execute()

    def regions(self) -> list[str]:
        """Return the regions that had runs."""
        return [region_id.decode() for region_id in self._client.smembers(keys.REGIONS)]

    def newest(self, region_id: str, before: str | None, count: int) -> list[str]:
        """Return ids of a region's runs, newest first, from before an id."""
        start = "+" if before is None else f"({before}"
        found = self._client.zrevrangebylex(keys.region(region_id), start, "-", 0, count)
        return [run_id.decode() for run_id in found]

    def unfinished(self, after: str | None, count: int) -> list[str]:
        """Return ids of runs that may not have ended, oldest first, from after an id."""
        start = "-" if after is None else f"({after}"
        found = self._client.zrangebylex(keys.UNFINISHED, start, "+", 0, count)
        return [run_id.decode() for run_id in found]

    def runs(
        self, ids: Sequence[str], *, region_id: str | None = None, host_id: str | None = None
    ) -> list[Run]:
        """Return those runs that there are, in the given order.

        Args:
            ids: Their ids, from one of the lists.
            region_id: The region whose list that was.
            host_id: Only those that have this host.
        """
        with self._client.pipeline(transaction=False) as steps:
            for run_id in ids:
                own = RunKeys(run_id)
                # In this order: a draft ends when its run can be seen.
                steps.exists(own.part("draft"))
                steps.hgetall(own.run)
                steps.hexists(own.part("hosts"), host_id or "")
            answers = steps.execute()
        found: list[Run] = []
        for place, run_id in enumerate(ids):
            is_draft, kept, has_host = answers[3 * place : 3 * place + 3]
            run = records.run(kept)
            if run is None and not is_draft:
                self._remove(region_id, run_id)
            elif run is not None and (host_id is None or has_host):
                found.append(run)
        return found

    def ended(self, run_id: str) -> None:
        """Take a run out of those that have not ended."""
        self._client.zrem(keys.UNFINISHED, run_id)

    def drop(self, region_id: str, run_id: str) -> int:
        """Drop a run with all of its own; return 1, or 0 if somebody else did."""
        with self._client.pipeline(transaction=True) as steps:
            for key in RunKeys(run_id).all:
                steps.unlink(key)
            dropped: int = steps.execute()[0]
        self._remove(region_id, run_id)
        return dropped

    def _remove(self, region_id: str | None, run_id: str) -> None:
        if region_id is not None:
            self._client.zrem(keys.region(region_id), run_id)
        self._client.zrem(keys.UNFINISHED, run_id)
