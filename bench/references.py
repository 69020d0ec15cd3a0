"""What referenced files add to a bundle when they are in the cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, islice

from bench.http import Connection
from bench.measure import Timing, Work, best_of
from bench.processes import craton_server
from bench.stage import Stage, progress
from tests.services import tls

_HOSTS = 10_000
_REFERENCES = 200

_TARGETS = ("ansible", "taskflow")

#: A file of group variables as people keep them.
_FILE = "".join(f"setting_{number}: value {number}\n" for number in range(40)).encode()


def measure_references(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a bundle with 200 references, fetched before, with the same without any."""
    directory = stage.directory / "references"
    directory.mkdir()
    authority = tls.Authority(directory)
    with tls.started(authority) as files:
        files.answer(lambda request: request.send(_FILE, headers={"ETag": '"1"'}))
        options = f"[references]\nca_file = {authority.file}\nallow = localhost\nmax_age = 3600\n"
        with craton_server(directory, options) as server, server.connect() as connection:
            other = Stage(directory=directory, fleet=stage.fleet, server=server)
            fleet = replace(stage.fleet, hosts=min(_HOSTS, stage.fleet.hosts))
            plain, _ = other.import_region(connection, fleet)
            referring, _ = other.import_region(connection, fleet, "with references")
            _refer(connection, referring, files.url)
            for target in _TARGETS:
                progress(f"bundle target={target} with {_REFERENCES} references, and without")
                clock = server.cpu_seconds
                without, with_them = (
                    partial(connection.download, f"/v1/inventory/{id}.tgz?target={target}")
                    for id in (plain, referring)
                )
                with_them()
                floor, craton = best_of(
                    repeat * 2,
                    Work(action=without, cpu_clock=clock),
                    Work(action=with_them, cpu_clock=clock),
                )
                note = f"{fleet.hosts:,} hosts; without references"
                what = f"{_REFERENCES} references, {target}"
                yield Timing.of(what, floor, craton, aim=1.2, note=note)


def _refer(connection: Connection, region_id: str, url: str) -> None:
    path = f"/v1/groups/{region_id}?limit=1000"
    groups = [group["id"] for group in connection.get(path).json()["groups"]]
    for number, owner in enumerate(islice(cycle([region_id, *groups]), _REFERENCES)):
        body = {"name": f"file-{number}", "url": f"{url}/{number}.yml"}
        connection.post(f"/v1/references/{owner}", json.dumps(body).encode(), expect=201)
