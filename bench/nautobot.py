"""What a mirror of a Nautobot takes, beside the same devices read raw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from bench.comparison import DishonestFloorError
from bench.floors import nautobot as floors
from bench.measure import Cost, Timing, Work, cost
from bench.stage import Stage, progress
from craton import config, loader
from craton.driver import InventoryDriver
from craton.models import Host
from tests.functional.cmdb.nautobot import fleet
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services import nautobot
from tests.services.nautobot import Nautobot

#: Nautobot itself takes a minute to make and read more.
_MOST = 10_000
_BY_REST = 12
_CHANGES = 10


def measure_nautobot(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a first sync with the raw read of its devices; then sync a few changes."""
    directory = stage.directory / "nautobot"
    devices = max(min(_MOST, stage.fleet.hosts), 2 * _BY_REST)
    with nautobot.started(directory) as server, Rest(server.url, server.token) as rest:
        progress(f"filling a Nautobot with {devices:,} devices")
        fleet.make(rest, devices=_BY_REST)
        server.in_volume(f"add {_BY_REST} {devices - _BY_REST}")
        floors.read(server.url, server.token)
        raw, ours = [], []
        for number in range(repeat):
            progress("first sync of a Nautobot, and the same devices read raw")
            raw.append(cost(Work(action=partial(_read, server, devices))))
            with _mirror(directory / str(number), server) as driver:
                ours.append(cost(Work(action=driver.sync)))
                _compare(driver, devices)
        what = f"first sync of {devices:,} devices"
        yield Timing.of(what, _best(raw), _best(ours), aim=1.3, note="floor: raw GraphQL")
        with _mirror(directory / "changes", server) as driver:
            driver.sync()
            yield from _measure_changes(driver, rest, repeat)


def _measure_changes(driver: InventoryDriver, rest: Rest, repeat: int) -> Iterator[Timing]:
    devices = [
        row["id"] for row in rest.send("GET", "dcim/devices", params={"limit": 10})["results"]
    ]
    idle, busy = [], []
    for number in range(repeat):
        idle.append(cost(Work(action=driver.sync)))
        rest.change_all(
            "dcim/devices", [{"id": id, "asset_tag": f"{number}-{id}"} for id in devices[:_CHANGES]]
        )
        busy.append(cost(Work(action=driver.sync)))
    yield Timing(what="sync of nothing", craton=_best(idle).wall)
    yield Timing(what=f"sync of {_CHANGES} changes", craton=_best(busy).wall, note="aim: < 2 s")


def _read(server: Nautobot, devices: int) -> None:
    if floors.read(server.url, server.token) != devices:
        raise DishonestFloorError("the raw read has not every device")


def _compare(driver: InventoryDriver, devices: int) -> None:
    machines = driver.count(Host) - devices
    if machines < 0 or driver.mirror_status().rejected_total:
        raise DishonestFloorError("the mirror has not every device")


def _best(costs: list[Cost]) -> Cost:
    return Cost(wall=min(one.wall for one in costs), cpu=min(one.cpu for one in costs))


@contextmanager
def _mirror(directory: Path, server: Nautobot) -> Iterator[InventoryDriver]:
    """Make an empty mirror in SQLite; its regions are the cities."""
    directory.mkdir()
    token = directory / "token"
    token.write_text(server.token)
    token.chmod(0o600)
    file = directory / "craton.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {directory}\n[inventory]\ndriver = cmdb\n"
        f"[cmdb]\nadapter = nautobot\n[nautobot]\nendpoint = {server.url}\n"
        f"token_file = {token}\nregion_types = city\n"
    )
    driver = loader.load(config.settings(files=[str(file)]))
    driver.migrations().upgrade()
    with closing(driver):
        driver.open()
        yield driver
