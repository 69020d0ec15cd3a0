"""From a request to a run: everything that carrying it out takes is fixed when it is accepted."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from craton import caller
from craton.api.access import one_state
from craton.api.controllers.resource import Service
from craton.api.run_bodies import Announcement, Start
from craton.api.run_errors import EmptySelection
from craton.api.runs import Runs
from craton.bundles import BundleRequest, Format, Target, plan
from craton.bundles.groups import in_region
from craton.capabilities import Capability
from craton.driver import InventoryReader, now
from craton.errors import InvalidValue, Unavailable
from craton.models import Host, Region
from craton.query import AllOf, In, Query
from craton.runs.material import seal_material
from craton.runs.models import Origin, Progress, Run, RunHost

LOG = logging.getLogger(__name__)

#: How many hosts one query asks for by name.
_NAMES: Final = 500


def new_run_id() -> str:
    """Return an id that no other run has; those of later runs are greater strings."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def start(service: Service, runs: Runs, region: Region, wanted: Start, run_id: str) -> Run:
    """Accept a run; whoever carries it out is told.

    Args:
        service: What controllers work with.
        runs: Keeps it.
        region: Where its hosts are.
        wanted: What is to be run.
        run_id: Its id; if there is a run of this id already, nothing is changed.

    Returns:
        The run as it is kept.

    Raises:
        Unsupported: This service runs no playbooks.
        InvalidValue, InvalidQuery: The playbook or a filter is not there.
        EmptySelection: No host is chosen.
        Busy: Too many bundles are made already.
        Unavailable: A store is away, or the region changed while it was read.
    """
    dispatcher = runs.working()
    runs.playbooks.check(wanted.playbook)
    with service.bundles.taken():
        hosts, bundle = _chosen(service, region, wanted)
    size = wanted.batch_size or runs.batch_size
    rows = [
        RunHost(host_id=id, host=name, batch=number // size)
        for number, (name, id) in enumerate(sorted(hosts.items()))
    ]
    run = Run(
        id=run_id,
        region_id=region.id,
        tenant_id=region.tenant_id,
        playbook=wanted.playbook,
        filters={name: [*values] for name, values in wanted.filters.given.items()},
        check=wanted.check,
        tags=wanted.tags,
        batch_size=size,
        forks=wanted.forks or runs.forks,
        bundle_sha256=hashlib.sha256(bundle).hexdigest(),
        requested_by=caller.current().user_id,
        request_id=caller.request_id(),
        created_at=now(),
        progress=Progress(total=len(rows)),
    )
    material = seal_material(service.secrets, run.id, bundle, wanted.extra_vars)
    kept = runs.store.create(run, rows, material)
    try:
        dispatcher.submit(kept)
    except Unavailable:
        LOG.warning("The board is away; the run %s is handed over once it is back", kept.id)
    return kept


def announce(
    service: Service, runs: Runs, region: Region, wanted: Announcement, run_id: str
) -> Run:
    """Keep a run that somebody's own ``ansible-playbook`` reports; it is running from now on.

    Hosts that the region does not have, such as ``localhost``, are left out.

    Raises:
        InvalidValue: None of the hosts is in the region.
        Unavailable: A store is away.
    """
    hosts = dict(_named(service.driver, region, wanted.hosts))
    if not hosts:
        raise InvalidValue("hosts", "must name a host of this region; none of these is one")
    run = Run(
        id=run_id,
        region_id=region.id,
        tenant_id=region.tenant_id,
        playbook=wanted.playbook,
        check=wanted.check,
        batch_size=len(hosts),
        forks=1,
        requested_by=caller.current().user_id,
        request_id=caller.request_id(),
        origin=Origin.REPORTED,
        created_at=now(),
        progress=Progress(total=len(hosts)),
    )
    rows = [RunHost(host_id=id, host=name, batch=0) for name, id in sorted(hosts.items())]
    kept = runs.store.create(run, rows)
    if kept.attempt == 0:
        runs.store.claim(kept.id)
    return runs.store.get(kept.id)


def _chosen(service: Service, region: Region, wanted: Start) -> tuple[Mapping[str, str], bytes]:
    """Return the ids of the chosen hosts by name, and the bundle, of one state of the region."""
    files = service.files(region.id)
    request = BundleRequest(
        region_id=region.id,
        target=Target.ANSIBLE,
        filters=wanted.filters,
        files=files,
        secrets=service.secrets,
    )
    with one_state(service.driver) as reader:
        planned = plan(reader, request, snapshot=Capability.SNAPSHOT in service.driver.capabilities)
        where = wanted.filters.only_active().predicate(reader, region, files)
        hosts = {host.name: host.id for host in reader.scan(Host, Query(where=where))}
        if not hosts:
            raise EmptySelection
        spool = planned.collect(service.spools)
    with spool:
        if spool.etag is None:
            raise Unavailable("the region changed while it was read; try again", retry_after=1)
        return hosts, b"".join(spool.archive(Format.TGZ))


def _named(
    reader: InventoryReader, region: Region, names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield name and id of those hosts of a region that have one of some names."""
    for begin in range(0, len(names), _NAMES):
        named = In(("name",), tuple(names[begin : begin + _NAMES]))
        for host in reader.scan(Host, Query(where=AllOf(in_region(region.id), named))):
            yield host.name, host.id
