"""What every test works on: a driver on a store with one empty region, and ways to fill it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from craton.driver import InventoryDriver, now
from craton.errors import CratonError, ReadOnly, Unsupported
from craton.models import KINDS, E, Entity, Group, Host, Region, Tenant
from craton.query import EVERYTHING, Page, Predicate, Query
from craton.testing.harness import Harness

Action = Callable[[], object]


@dataclass
class Fleet:
    """A driver, and a tenant with one region to work in."""

    harness: Harness
    driver: InventoryDriver
    tenant: Tenant
    region: Region

    @classmethod
    def make(cls, harness: Harness, driver: InventoryDriver) -> Fleet:
        """Store the tenant and the region."""
        [tenant] = harness.seed(driver, [Tenant(name="acme")])
        [region] = harness.seed(driver, [Region(tenant_id=tenant.id, name="north")])
        return cls(harness, driver, tenant, region)

    def host(self, name: str, **fields: Any) -> Host:
        """Return a host of the region that is not stored."""
        return Host(**{"region_id": self.region.id, "name": name, **fields})

    def group(self, name: str, **fields: Any) -> Group:
        """Return a group of the region that is not stored."""
        return Group(**{"region_id": self.region.id, "name": name, **fields})

    def given(self, entity: E) -> E:
        """Put an entity into the store, in the harness's way, and return it as stored."""
        [stored] = self.harness.seed(self.driver, [entity])
        return stored

    def given_all(self, entities: Iterable[E]) -> list[E]:
        """Put entities that do not refer to each other into the store; return them as stored."""
        return self.harness.seed(self.driver, list(entities))

    def given_region(self, name: str) -> Region:
        """Put another region of the tenant into the store."""
        return self.given(Region(tenant_id=self.tenant.id, name=name))

    def everything(self) -> list[Entity]:
        """Return all that the driver has."""
        return [entity for kind in KINDS for entity in self.driver.scan(kind)]

    def names(self, where: Predicate = EVERYTHING) -> set[str]:
        """Return the names of the hosts that match; every host is also asked by itself."""
        found = [host.name for host in self.driver.scan(Host, Query(where=where))]
        assert len(found) == len(set(found))
        assert set(found) == {host.name for host in self.driver.scan(Host) if where.matches(host)}
        return set(found)

    def pages(self, kind: type[E], query: Query) -> Iterator[Page[E]]:
        """Yield the page of a query and all that follow."""
        yield from walk(self.driver, kind, query)

    @contextmanager
    def node(self) -> Iterator[InventoryDriver]:
        """Lend a second driver on the same store, or the same driver if it is the store."""
        if not self.harness.shared:
            yield self.driver
            return
        with self.harness.load() as other:
            yield other

    def outage(self) -> AbstractContextManager[None]:
        """Return a context in which the store is away, for tests that declare an outage.

        Where there is none, such a test runs only to see that it is refused, which needs none.
        """
        return self.harness.outage() or nullcontext()


def walk(driver: InventoryDriver, kind: type[E], query: Query) -> Iterator[Page[E]]:
    """Yield the page of a query and all that follow.

    Raises:
        AssertionError: The walk comes back to where it was, and would never end.
    """
    been: set[str] = set()
    while True:
        page = driver.find(kind, query)
        yield page
        if page.next is None:
            return
        assert page.next not in been, "a page leads back to one before it"
        been.add(page.next)
        query = dataclasses.replace(query, page=page.next)


def wait_for_the_clock() -> None:
    """Return when the times of what is written next differ from those of what was written."""
    begin = now()
    while now() <= begin:
        time.sleep(0.001)


def in_parallel(*actions: Action) -> list[CratonError | None]:
    """Do things at the same moment, each in a thread, and return the error of each, if any.

    Raises:
        Unsupported, ReadOnly: One of them needs what the driver does not claim.
    """
    barrier = threading.Barrier(len(actions))

    def run(action: Action) -> CratonError | None:
        barrier.wait()
        try:
            action()
        except (Unsupported, ReadOnly):
            raise
        except CratonError as error:
            return error
        return None

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def won(outcomes: Sequence[CratonError | None]) -> int:
    """Return how many of the outcomes are successes."""
    return sum(outcome is None for outcome in outcomes)


def lost(outcomes: Sequence[CratonError | None]) -> list[CratonError]:
    """Return the errors among the outcomes."""
    return [outcome for outcome in outcomes if outcome is not None]
