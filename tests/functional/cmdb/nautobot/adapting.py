"""A Nautobot for the adapters' conformance kit, behind a proxy that can be in every trouble."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from oslo_config import cfg

from craton.backends.cmdb.nautobot.adapter import NautobotAdapter
from craton.testing.adapters import AdapterHarness, Machine, Trouble
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.machines import Floor
from tests.functional.cmdb.nautobot.proxy import Proxy, deny, fail, talk_nonsense


class NautobotHarness(AdapterHarness):
    """A Nautobot with one place for machines, behind a proxy that can be in every trouble."""

    adapter = NautobotAdapter
    groups = True
    many = 300

    def __init__(self, floor: Floor, proxy: Proxy, deployment: Deployment) -> None:
        self.floor, self.proxy, self.deployment = floor, proxy, deployment

    def settings(self) -> cfg.ConfigOpts:
        return self.deployment.settings()

    def secrets(self) -> Sequence[str]:
        return [self.deployment.token]

    def reset(self) -> None:
        self.floor.clear()

    def put(self, machines: Sequence[Machine]) -> None:
        self.floor.put(machines)

    def remove(self, names: Sequence[str]) -> None:
        self.floor.remove(names)

    def rename(self, name: str, new: str) -> None:
        self.floor.rename(name, new)

    def spoil(self, name: str) -> None:
        self.floor.spoil(name)

    def twin(self, name: str) -> None:
        self.floor.twin(name)

    def trouble(self, trouble: Trouble) -> AbstractContextManager[None]:
        if trouble is Trouble.AWAY:
            return self.proxy.away()
        answers = {
            Trouble.SILENT: self.proxy.keep_silent,
            Trouble.DENIED: deny,
            Trouble.NONSENSE: talk_nonsense,
            Trouble.FAILING: fail,
            Trouble.CUT: self.proxy.cut,
        }
        return self.proxy.misbehaving(answers[trouble])
