"""The harness of one adapter class, sound or faulty."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from oslo_config import cfg

from craton import config
from craton.testing.adapters import AdapterHarness, Machine, Trouble
from tests.mutants.adapters.reference import ReferenceAdapter
from tests.mutants.adapters.store import Row, Store


class ReferenceHarness(AdapterHarness):
    """Can do everything that the kit asks for."""

    groups = True
    many = 150
    patience = 20.0

    def __init__(self, adapter: type[ReferenceAdapter] = ReferenceAdapter) -> None:
        # A class of this harness alone, for the CMDB that its adapters share.
        self.adapter = type(adapter.__name__, (adapter,), {"store": Store()})  # type: ignore[misc]
        #: Ids of machines that have lost their name, by the name.
        self.spoiled: dict[str, str] = {}

    @property
    def store(self) -> Store:
        return self.adapter.store  # type: ignore[attr-defined,no-any-return]

    def settings(self) -> cfg.ConfigOpts:
        return config.settings(files=[])

    def reset(self) -> None:
        self.adapter.store = Store()  # type: ignore[attr-defined]

    def put(self, machines: Sequence[Machine]) -> None:
        for machine in machines:
            self.store.put(machine)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self.store.remove(self.spoiled.pop(name, "") or self._row(name)["id"])

    def rename(self, name: str, new: str) -> None:
        self.store.set(self._row(name), name=new)

    def spoil(self, name: str) -> None:
        row = self._row(name)
        self.spoiled[name] = row["id"]
        self.store.set(row, name="")

    def twin(self, name: str) -> None:
        self.store.made += 1
        self.store.set({**self._row(name), "id": f"row-{self.store.made:06}"})

    def forget(self) -> None:
        self.store.forget()

    def trouble(self, trouble: Trouble) -> AbstractContextManager[None]:
        return self.store.in_trouble(trouble)

    def _row(self, name: str) -> Row:
        row = self.store.named(name)
        assert row is not None
        return row


class PlainHarness(ReferenceHarness):
    """Can do what every harness must, and nothing else."""

    rename = AdapterHarness.rename
    spoil = AdapterHarness.spoil
    twin = AdapterHarness.twin
    forget = AdapterHarness.forget
    trouble = AdapterHarness.trouble

    def secrets(self) -> Sequence[str]:
        return []
