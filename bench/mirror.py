"""What it costs that a CMDB owns the inventory: the same bundle, from a mirror and without it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.measure import Timing, Work, best_of
from bench.stage import Stage, progress
from craton import config, loader
from craton.bundles import BundleRequest, Format, Target, plan
from craton.driver import InventoryDriver
from craton.filters import HostFilters
from craton.models import Group, Host, Region, Tenant
from tests.cmdbs import ADAPTER, Cmdb, install

_HOSTS = 10_000


def measure_mirror(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare bundles by the driver ``cmdb`` with those by ``sql``, of one database."""
    directory = stage.directory / "mirror"
    directory.mkdir()
    sys.path.insert(0, str(install(directory / "site")))
    cmdb = Cmdb(directory / "cmdb")
    region_id = _fill(stage, cmdb)
    file = directory / "craton.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {directory}\n[inventory]\ndriver = cmdb\n"
        f"[cmdb]\nadapter = {ADAPTER}\n[testbed]\nfile = {cmdb.file}\n"
    )
    mirror = loader.load(config.settings(files=[str(file)]))
    mirror.migrations().upgrade()
    plain = loader.load(config.settings(files=[str(file)], inventory__driver="sql"))
    with mirror, plain:
        progress("first sync of a mirror")
        mirror.sync()
        hosts = plain.count(Host)
        for target in (Target.ANSIBLE, Target.TASKFLOW):
            progress(f"bundle target={target.value} from a mirror, and from its database")
            floor, craton = best_of(
                repeat * 2,
                Work(action=partial(_download, plain, region_id, target)),
                Work(action=partial(_download, mirror, region_id, target)),
            )
            note = f"{hosts:,} hosts; by the driver sql"
            what = f"from a mirror, {target.value}"
            yield Timing.of(what, floor, craton, aim=1.1, note=note)


def _fill(stage: Stage, cmdb: Cmdb) -> str:
    """Put a part of the imported fleet into the CMDB; return the id of its region."""
    fleet = dataclasses.replace(stage.fleet, hosts=min(_HOSTS, stage.fleet.hosts))
    with stage.server.connect() as connection:
        region_id, _ = stage.import_region(connection, fleet, "for a mirror")
    settings = config.settings(files=[], state_path=str(Path(stage.database).parent))
    with loader.load(settings) as source:
        region = source.get(Region, region_id)
        cmdb.put(source.get(Tenant, region.tenant_id), region)
        kinds: tuple[type[Group] | type[Host], ...] = (Group, Host)
        for kind in kinds:
            cmdb.put(
                *(
                    dataclasses.replace(entity, templated=())
                    for entity in source.scan(kind)
                    if entity.region_id == region_id
                )
            )
    return region_id


def _download(driver: InventoryDriver, region_id: str, target: Target) -> int:
    request = BundleRequest(region_id=region_id, target=target, filters=HostFilters())
    with driver.snapshot() as reader:
        spool = plan(reader, request, snapshot=True).collect()
    with spool:
        return sum(len(piece) for piece in spool.archive(Format.TGZ))
