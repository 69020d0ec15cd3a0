"""Reads hosts by their ids, some requests ahead of whoever uses them.

By ids, because Nautobot's own pages are not stable: they are counted off in the order of names,
while others come and go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from craton.backends.cmdb.nautobot.client import Client, Row
from craton.backends.cmdb.nautobot.mapping import SELECTIONS
from craton.backends.cmdb.nautobot.members import uuid_text
from craton.backends.cmdb.nautobot.options import Options


def pages(
    client: Client, options: Options, sort: str, ids: Sequence[bytes]
) -> Generator[list[Row], None, None]:
    """Yield the hosts of these ids, as far as they are still there, a page at a time.

    Args:
        client: What to read through.
        options: How many hosts are a page, and how many pages are read at once.
        sort: The field of GraphQL that they are in.
        ids: Their ids, 16 bytes each; what stands behind these does not count.

    Raises:
        Unavailable: There is no whole answer.
    """
    fields = {sort: f"{sort}(id: $ids) {{ {SELECTIONS[sort]} }}"}

    def read(start: int) -> list[Row]:
        wanted = [uuid_text(id[:16]) for id in ids[start : start + options.page_size]]
        return client.graphql(fields, ids=wanted)[sort]

    starts = range(0, len(ids), options.page_size)
    ahead: deque[Future[list[Row]]] = deque()
    with ThreadPoolExecutor(options.parallel, thread_name_prefix="nautobot") as pool:
        try:
            for start in starts:
                ahead.append(pool.submit(read, start))
                if len(ahead) > options.parallel:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()
