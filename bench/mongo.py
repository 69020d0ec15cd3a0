"""What a bundle takes from MongoDB, beside the same documents read raw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bench.comparison import compare_content
from bench.floors import mongo as floors
from bench.measure import Timing, Work, best_of
from bench.memory import PeakMemory
from bench.processes import craton_server
from bench.stage import WARM_UP_HOSTS, Stage, progress
from tests.services import mongo

_DATABASE = "craton"

#: What one transaction writes has to fit into a part of the cache.
_SERVER = ("--cache-size", "16G")


def measure_mongo(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a bundle with the raw read of its documents, from the server of the tests.

    That server's own work, which is the same for both, is most of the time.
    """
    directory = stage.directory / "mongo"
    directory.mkdir()
    with (
        mongo.given(directory / "server", _SERVER) as server,
        mongo.client(server.uri) as client,
    ):
        options = (
            f"[inventory]\ndriver = mongo\n[mongo]\nuri = {server.uri}\n"
            f"database = {_DATABASE}\ntimeout = 60\n"
        )
        with craton_server(directory, options) as craton, craton.connect() as connection:
            other = Stage(directory=directory, fleet=stage.fleet, server=craton)
            region_id, spent = other.import_region(connection, stage.fleet)
            yield Timing(what="import to MongoDB", craton=spent.wall)
            warm_up, _ = other.import_region(connection, replace(stage.fleet, hosts=WARM_UP_HOSTS))
        path = f"/v1/inventory/{region_id}.tgz?target=ansible"
        with craton_server(directory, options) as craton, craton.connect() as connection:
            connection.download(f"/v1/inventory/{warm_up}.tgz?target=ansible")
            progress("bundle from MongoDB, and the same raw")
            memory = PeakMemory(craton.pid)
            content = connection.get(path).body
            growth = memory.peak() - memory.before
            floor = partial(floors.ansible, client[_DATABASE], region_id)
            note = compare_content(floor(), content)
            raw, ours = best_of(
                repeat,
                Work(action=floor),
                Work(
                    action=partial(connection.download, path),
                    cpu_clock=craton.cpu_seconds,
                ),
            )
            note = f"{note}; memory grows by {growth:.0f} MiB"
            yield Timing.of("bundle from MongoDB", raw, ours, aim=2, note=note)
