"""What is measured, one function for each subject."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from bench.comparison import DishonestFloorError, compare_content
from bench.floors import bundles
from bench.floors.imports import insert_everything
from bench.http import Connection
from bench.measure import Growth, Timing, Work, best_of, medians
from bench.memory import PeakMemory
from bench.mirror import measure_mirror
from bench.mongo import measure_mongo
from bench.nautobot import measure_nautobot
from bench.processes import craton_server, floor_server
from bench.references import measure_references
from bench.runs import measure_runs
from bench.runstore import measure_run_store
from bench.stage import WARM_UP_HOSTS, Stage, progress
from bench.watchers import measure_watchers

#: What Craton calls each bundle, and what stands behind the id of the region to get it.
BUNDLES = {
    "ansible": (".tgz?target=ansible", "target=ansible"),
    "taskflow": (".tgz?target=taskflow", "target=taskflow"),
    "script": (".json", ".json"),
}
_ZIPS = {
    "ansible, .zip": ".zip?target=ansible",
    "taskflow, .zip": ".zip?target=taskflow",
}

_PAGE = 1000
_SAMPLE = 200


def measure_import(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare the import with the rows that it left, inserted raw."""
    ours = stage.import_cost
    progress("inserting the same rows raw")
    costs = []
    for _ in range(min(repeat, 2)):
        target = stage.directory / "floor.sqlite"
        costs.append(insert_everything(stage.database, target))
        for file in stage.directory.glob("floor.sqlite*"):
            file.unlink()
    floor = min(costs, key=lambda cost: cost.wall)
    yield Timing.of("import", floor, ours, aim=6)


def measure_bundles(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare each bundle with the same content made raw."""
    clock = stage.server.cpu_seconds
    with stage.opened() as database, stage.server.connect() as connection:
        for target, (ending, name) in BUNDLES.items():
            progress(f"bundle {name}, and the same raw")
            path = f"/v1/inventory/{stage.region_id}{ending}"
            floor = partial(bundles.FLOORS[target], database, stage.region_id)
            note = compare_content(floor(), connection.get(path).body)
            raw, craton = best_of(
                repeat,
                Work(action=floor),
                Work(action=partial(connection.download, path), cpu_clock=clock),
            )
            yield Timing.of(f"bundle {name}", raw, craton, aim=2, note=note)
        for name, ending in _ZIPS.items():
            progress(f"bundle {name}")
            path = f"/v1/inventory/{stage.region_id}{ending}"
            (craton,) = best_of(1, Work(action=partial(connection.download, path)))
            yield Timing(what=f"bundle {name}", craton=craton.wall)


def measure_unchanged(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a bundle that the client has already with the full one."""
    clock = stage.server.cpu_seconds
    with stage.server.connect() as connection:
        for ending, name in BUNDLES.values():
            progress(f"unchanged bundle {name}")
            path = f"/v1/inventory/{stage.region_id}{ending}"
            _, etag = connection.download(path)
            headers = {"If-None-Match": etag}
            full, unchanged = best_of(
                repeat,
                Work(action=partial(connection.download, path), cpu_clock=clock),
                Work(action=partial(connection.get, path, headers, expect=304), cpu_clock=clock),
            )
            note = "of the full one"
            yield Timing.of(f"unchanged {name}", full, unchanged, aim=0.1, note=note)


def measure_requests(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a page and a single host with a bare application under the same server."""
    hosts = f"/v1/hosts/{stage.region_id}"
    with (
        floor_server("bare", stage.directory) as bare_server,
        floor_server("hello", stage.directory) as hello_server,
        stage.server.connect() as craton,
        bare_server.connect() as bare,
        hello_server.connect() as hello,
    ):
        progress("pages of hosts")
        for words, aim in (("", 8.0), ("&variables=true", None)):
            path = f"{hosts}?limit={_PAGE}{words}"
            _compare_pages(craton, bare, path)
            raw, ours = medians(5, repeat * 3, partial(bare.get, path), partial(craton.get, path))
            yield Timing(
                what=f"list of {_PAGE:,}{words.replace('&', ', ')}", floor=raw, craton=ours, aim=aim
            )

        progress("single hosts")
        ids = _sample_ids(craton, hosts)
        for id in ids[:20]:
            _compare_hosts(craton, bare, f"{hosts}/{id}")
        paths = itertools.cycle(f"{hosts}/{id}" for id in ids)
        greeting, raw, ours = medians(
            10,
            repeat * 20,
            lambda: hello.get("/hello/someone"),
            lambda: bare.get(next(paths)),
            lambda: craton.get(next(paths)),
        )
        yield Timing(what="get, to Pecan+WSME", floor=greeting, craton=ours, aim=2.5)
        yield Timing(what="get, to bare WSGI", floor=raw, craton=ours)

        progress("effective variables and filters")
        name, value = stage.fleet.filter_value()
        query = urlencode({"vars": f"{name}:{value}", "limit": 100})
        resolved, filtered = medians(
            3,
            repeat * 3,
            lambda: craton.get(f"{next(paths)}/variables?resolved=true"),
            lambda: craton.get(f"{hosts}?{query}"),
        )
        yield Timing(what="effective variables", craton=resolved)
        yield Timing(what=f"list of 100, vars={name}:…", craton=filtered)


def measure_memory(stage: Stage) -> Iterator[Growth]:
    """See how much more memory a fresh server needs while it makes a bundle.

    Each time on a server of its own, because what one request leaves behind would hide what the
    next one needs.
    """
    with stage.server.connect() as connection:
        for hosts in {WARM_UP_HOSTS, max(1, stage.fleet.hosts // 10)}:
            fleet = replace(stage.fleet, hosts=hosts)
            stage.others[hosts], _ = stage.import_region(connection, fleet)
    regions = {**stage.others, stage.fleet.hosts: stage.region_id}
    warm_up = regions.pop(WARM_UP_HOSTS)
    for ending, name in BUNDLES.values():
        for hosts, region_id in sorted(regions.items()):
            progress(f"memory for {name} with {hosts:,} hosts")
            with craton_server(stage.directory) as server, server.connect() as connection:
                connection.download(f"/v1/inventory/{warm_up}{ending}")
                memory = PeakMemory(server.pid)
                connection.download(f"/v1/inventory/{region_id}{ending}")
                peak = memory.peak()
            what = f"bundle {name}"
            yield Growth(what=what, hosts=hosts, before=memory.before, peak=peak, aim=64)


def _compare_pages(craton: Connection, bare: Connection, path: str) -> None:
    if craton.get(path).json()["hosts"] != bare.get(path).json()["hosts"]:
        raise DishonestFloorError(f"the bare application answers something else at {path}")


def _compare_hosts(craton: Connection, bare: Connection, path: str) -> None:
    if craton.get(path).json() != bare.get(path).json():
        raise DishonestFloorError(f"the bare application answers something else at {path}")


def _sample_ids(craton: Connection, hosts: str) -> list[str]:
    page = craton.get(f"{hosts}?limit={_PAGE}&sort=id").json()["hosts"]
    ids = [host["id"] for host in page]
    return random.Random(0).sample(ids, min(_SAMPLE, len(ids)))


#: The subjects by the name that ``--only`` takes, in the order in which they are measured.
TIMINGS: dict[str, Callable[[Stage, int], Iterator[Timing] | Iterator[Timing | Growth]]] = {
    "import": measure_import,
    "bundle": measure_bundles,
    "unchanged": measure_unchanged,
    "requests": measure_requests,
    "references": measure_references,
    "mirror": measure_mirror,
    "runstore": measure_run_store,
    "runs": measure_runs,
    "watchers": measure_watchers,
    "mongo": measure_mongo,
    "nautobot": measure_nautobot,
}
#: Those that take so long that they are only measured when asked for.
ON_DEMAND = frozenset({"mongo", "nautobot", "runs"})
MEMORY = "memory"
