"""What a bundle takes from MongoDB, beside the same documents read raw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from bench.comparison import compare_content
from bench.floors import mongo as floors
from bench.measure import Timing, Work, best_of
from bench.memory import PeakMemory
from bench.processes import craton_server
from bench.stage import WARM_UP_HOSTS, Stage, progress
from craton import config, loader
from craton.driver import Create
from craton.models import INVENTORY_KINDS
from tests.services import mongo

_DATABASE = "craton"

#: With its usual gigabyte the server of the tests comes to a stand while the fleet is copied.
_SERVER = ("--cache-size", "16G")

#: How many entities are copied as one step.
_STEP = 1000


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
        with stage.server.connect() as connection:
            small = replace(stage.fleet, hosts=WARM_UP_HOSTS)
            warm_up, _ = stage.import_region(connection, small, "for MongoDB")
        path = f"/v1/inventory/{stage.region_id}.tgz?target=ansible"
        _copy(stage, directory, options)
        with craton_server(directory, options) as craton, craton.connect() as connection:
            connection.download(f"/v1/inventory/{warm_up}.tgz?target=ansible")
            progress("bundle from MongoDB, and the same raw")
            memory = PeakMemory(craton.pid)
            content = connection.get(path).body
            growth = memory.peak() - memory.before
            floor = partial(floors.ansible, client[_DATABASE], stage.region_id)
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


def _copy(stage: Stage, directory: Path, options: str) -> None:
    """Copy the fleet from SQLite, in steps, because one import would keep the client waiting."""
    settings = directory / "copy.conf"
    settings.write_text(options)
    source = loader.load(
        config.settings(files=[], state_path=str(stage.directory), inventory__driver="sql")
    )
    target = loader.load(config.settings(files=[str(settings)]))
    target.migrations().upgrade()
    progress(f"copying {stage.fleet.hosts:,} hosts to MongoDB")
    with source, target:
        for kind in INVENTORY_KINDS:
            entities = source.scan(kind)
            while step := [Create(entity=e, verbatim=True) for e in islice(entities, _STEP)]:
                target.apply(step)
