"""What may go wrong with a cluster, one function each: it returns figures, each with its aim."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from craton.driver import InventoryDriver
from craton.errors import AlreadyExists, CratonError, Cycle, RevisionConflict, Unavailable
from craton.models import Group, Host
from craton.query import AllOf, Compare, Operator, Query
from craton.rules import find_cycle
from craton.variables import Variables
from tests.faults.chains import Outcome
from tests.faults.load import Results, creating, patiently, replacing, running
from tests.faults.service import Service
from tests.faults.stores import RestStore, Store


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was counted or measured.
        value: How much it was.
        most: What it may be at most; ``None`` if it is only told.
        binding: Whether more than that is a defect, or only short of an aim.
    """

    name: str
    value: float
    most: float | None = 0
    binding: bool = True

    @property
    def reached(self) -> bool:
        return self.most is None or self.value <= self.most


def connect(service: Service) -> Callable[[int], Store]:
    """Give each client the server of its number."""
    return lambda number: RestStore(service.urls[number % len(service.urls)], service.region)


def hot_hosts(service: Service, seconds: float, clients: int = 16) -> list[Figure]:
    """Many clients replace few hosts through all servers."""
    hosts, results = service.hosts(10), Results()
    jobs = [replacing(connect(service), n, list(hosts), results) for n in range(clients)]
    with running(jobs):
        time.sleep(seconds)
    found = results.violations(connect(service)(0), hosts)
    return [
        *_told(results),
        Figure("writes that no single history explains", len(found)),
        Figure("refused, because somebody else was first", results.answers["refused"], None),
    ]


def with_disturbance(
    service: Service, disturb: Callable[[], None], seconds: float, clients: int = 16
) -> list[Figure]:
    """Clients replace and create hosts while something is done to the nodes.

    Args:
        service: What they work on.
        disturb: Does it, again and again, in this thread.
        seconds: For how long, at least.
        clients: How many clients there are, half of each kind.
    """
    hosts, results = service.hosts(10), Results()
    way = connect(service)
    jobs = [replacing(way, n, list(hosts), results) for n in range(clients // 2)]
    jobs += [creating(way, n, results) for n in range(clients // 2, clients)]
    deadline = time.monotonic() + seconds
    with running(jobs):
        time.sleep(1)
        while time.monotonic() < deadline:
            disturb()
        time.sleep(1)
    service.cluster.wait_until_whole()
    patiently(lambda: way(0).read(next(iter(hosts))))
    found = results.violations(way(0), hosts)
    stored = _hosts_by_name(service)
    return [
        *_told(results),
        Figure("writes that no single history explains", len(found)),
        Figure(
            "acknowledged creates that are not there",
            sum(stored.get(name) != id for name, id in results.created.items()),
        ),
        Figure("error rate in per cent", 100 * results.error_rate, 1, binding=False),
        Figure("longest pause between writes in seconds", results.longest_pause, 3, binding=False),
    ]


def killing(service: Service, every: float) -> Callable[[], None]:
    """Return what kills one node after the other without warning, and lets it come back."""
    turns = iter(range(10**6))

    def disturb() -> None:
        nodes = service.cluster.nodes
        node, began = nodes[next(turns) % len(nodes)], time.monotonic()
        node.process.kill()
        time.sleep(min(3.0, every / 3))
        service.cluster.rejoin(node)
        time.sleep(max(0.0, every - (time.monotonic() - began)))

    return disturb


def pausing(service: Service, every: float) -> Callable[[], None]:
    """Return what stops one node after the other where it is, and lets it go on."""
    turns = iter(range(10**6))

    def disturb() -> None:
        nodes = service.cluster.nodes
        node = nodes[next(turns) % len(nodes)]
        node.process.pause()
        time.sleep(every / 2)
        node.process.resume()
        time.sleep(every / 2)

    return disturb


def restarting(service: Service, every: float) -> Callable[[], None]:
    """Return what kills all nodes at once and starts them again."""

    def disturb() -> None:
        for node in service.cluster.nodes:
            node.process.kill()
        service.cluster.restart()
        time.sleep(every)

    return disturb


def opposing_edges(service: Service, count: int) -> list[Figure]:
    """Two nodes draw opposing edges between two groups at once."""
    cycles, winners, refused = 0, 0, 0
    with service.driver(0) as one, service.driver(1) as other:
        for turn in range(count):
            a, b = (
                one.create(Group(region_id=service.region, name=f"{letter}-{turn}"))
                for letter in "ab"
            )
            outcomes = _race(
                partial(one.replace, dataclasses.replace(a, parents=(b.id,))),
                partial(other.replace, dataclasses.replace(b, parents=(a.id,))),
            )
            parents = {id: one.get(Group, id).parents for id in (a.id, b.id)}
            cycles += find_cycle(a.id, parents.__getitem__) is not None
            winners += outcomes.count(None) == 1 and Cycle in outcomes
            refused += Unavailable in outcomes
    return [
        Figure(f"pairs of opposing edges, of {count}, without exactly one winner", count - winners),
        Figure("cycles", cycles),
        Figure("of them refused because it was too busy", refused, None),
    ]


def equal_names(service: Service, count: int) -> list[Figure]:
    """Two nodes create a host and a group of one name at once."""
    winners, twice = 0, 0
    with service.driver(0) as one, service.driver(1) as other:
        for turn in range(count):
            name = f"same-{turn}"
            outcomes = _race(
                partial(one.create, Host(region_id=service.region, name=name)),
                partial(other.create, Group(region_id=service.region, name=name)),
            )
            winners += outcomes.count(None) == 1 and AlreadyExists in outcomes
            twice += _count_named(one, service.region, name) != 1
    return [
        Figure(f"pairs of equal names, of {count}, without exactly one winner", count - winners),
        Figure("names that two have, or none", twice),
    ]


def ordinary_writes(service: Service, count: int) -> list[Figure]:
    """Two nodes write different hosts of one region at once, without new names."""
    names = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")

    def conflicts() -> int:
        nodes = service.cluster.nodes
        return sum(int(node.status(name)) for node in nodes for name in names)

    before = conflicts()
    with service.driver(0) as one, service.driver(1) as other:
        mine, others = (
            one.create(Host(region_id=service.region, name=f"calm-{time.monotonic_ns()}"))
            for _ in range(2)
        )
        errors = _race(
            lambda: _change(one, mine, count),
            lambda: _change(other, others, count),
        )
    return [
        Figure("writers that were refused", 2 - errors.count(None)),
        Figure(f"conflicts of {2 * count} writes", conflicts() - before),
    ]


def _change(driver: InventoryDriver, host: Host, count: int) -> None:
    for turn in range(count):
        variables = Variables({"turn": turn})
        host = driver.replace(dataclasses.replace(host, asset_id=str(turn), variables=variables))


def stale_reads(service: Service, count: int) -> list[Figure]:
    """One node writes, another one reads at once."""
    stale = 0
    with service.driver(0) as writer, service.driver(1) as reader:
        host = writer.create(Host(region_id=service.region, name=f"fresh-{time.monotonic_ns()}"))
        began = time.monotonic()
        for turn in range(count):
            host = writer.replace(dataclasses.replace(host, asset_id=str(turn)))
            stale += reader.get(Host, host.id).revision != host.revision
        spent = time.monotonic() - began
    return [
        Figure(f"stale reads of {count}", stale),
        Figure("milliseconds for a write and a read", 1000 * spent / count, None),
    ]


def _told(results: Results) -> list[Figure]:
    return [
        Figure("acknowledged writes", results.answers[Outcome.ACKNOWLEDGED.value], None),
        Figure("writes whose end the client was not told", _unknown(results), None),
    ]


def _unknown(results: Results) -> int:
    return sum(write.outcome is Outcome.UNKNOWN for write in results.log.writes)


def _hosts_by_name(service: Service) -> dict[str, str]:
    with service.driver(0) as driver:
        return {host.name: host.id for host in driver.scan(Host)}


def _count_named(driver: InventoryDriver, region: str, name: str) -> int:
    where = AllOf(
        Compare(("region_id",), Operator.EQ, region), Compare(("name",), Operator.EQ, name)
    )
    return sum(len(driver.find(kind, Query(where=where)).items) for kind in (Host, Group))


def _race(*actions: Callable[[], object]) -> list[type[BaseException] | None]:
    """Do two things at once; return the class of the error of each."""
    outcomes: list[type[BaseException] | None] = [None] * len(actions)
    barrier = threading.Barrier(len(actions))

    def run(number: int) -> None:
        barrier.wait(30)
        try:
            actions[number]()
        except RevisionConflict:
            outcomes[number] = RevisionConflict
        except CratonError as error:
            outcomes[number] = type(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes
