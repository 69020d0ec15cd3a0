"""The fixtures of every test of an adapter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from craton.cmdb import CmdbAdapter
from craton.testing.adapters.harness import AdapterHarness, Machine
from craton.testing.adapters.mirror import Mirror
from craton.testing.clauses import ADAPTER_CLAUSES, check_known
from craton.testing.recorded import Recorded


class Cmdb:
    """The CMDB as it should be, and the short ways to change it."""

    def __init__(self, harness: AdapterHarness) -> None:
        self.harness = harness
        self.machines: dict[str, Machine] = {}

    def put(self, *machines: Machine) -> None:
        """Have these machines."""
        self.harness.put(machines)
        self.machines.update((machine.name, machine) for machine in machines)

    def fill(self, count: int) -> None:
        """Have that many machines, called ``m0``, ``m1`` and so on."""
        self.put(*(machine(number) for number in range(count)))

    def remove(self, *names: str) -> None:
        """Have machines no longer."""
        self.harness.remove(names)
        for name in names:
            del self.machines[name]

    def rename(self, name: str, new: str) -> None:
        """Call a machine something else."""
        self.harness.rename(name, new)
        old = self.machines.pop(name)
        self.machines[new] = Machine(name=new, address=old.address, groups=old.groups)

    @property
    def addresses(self) -> list[tuple[str, str | None]]:
        """What a mirror's ``addresses`` should be."""
        return sorted((machine.name, machine.address) for machine in self.machines.values())

    def is_in(self, mirror: Mirror) -> bool:
        """Check that a mirror knows it all, and nothing else.

        Raises:
            AssertionError: It does not.
        """
        assert mirror.addresses == self.addresses
        assert mirror.dangling() == []
        return True


def machine(number: int, version: int = 0) -> Machine:
    """Make a machine; another version of it has another address."""
    return Machine(name=f"m{number}", address=f"10.{version}.{number // 250}.{number % 250 + 1}")


def names(numbers: Iterable[int]) -> list[str]:
    """Return the names that :func:`machine` gives."""
    return [f"m{number}" for number in numbers]


class Suite(Recorded):
    """A family of clauses. Whoever derives from it brings a fixture ``harness``."""

    harness_in_use: AdapterHarness

    @pytest.fixture
    def adapter(self, harness: AdapterHarness) -> Iterator[CmdbAdapter]:
        """An open adapter on a CMDB without machines."""
        check_known(harness.waivers, ADAPTER_CLAUSES)
        harness.reset()
        adapter = harness.load()
        try:
            adapter.open()
            yield adapter
        finally:
            adapter.close()

    @pytest.fixture
    def cmdb(self, harness: AdapterHarness, adapter: CmdbAdapter) -> Cmdb:
        """The CMDB, without machines."""
        return Cmdb(harness)

    @pytest.fixture(autouse=True)
    def _under_test(
        self, request: pytest.FixtureRequest, harness: AdapterHarness, adapter: CmdbAdapter
    ) -> None:
        self.harness_in_use = harness
        self.begin(request, harness.waivers)
