"""The adapter of Nautobot keeps the contract, on a real Nautobot behind TLS."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from oslo_config import cfg

from craton.backends.cmdb.nautobot.adapter import NautobotAdapter
from craton.testing.adapters import AdapterHarness, AdapterSuite, Machine, Trouble
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.machines import Floor
from tests.functional.cmdb.nautobot.proxy import Proxy, deny, fail, talk_nonsense
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services.nautobot import Nautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]


class NautobotHarness(AdapterHarness):
    """A Nautobot with one place for machines, behind a proxy that can be in every trouble."""

    adapter = NautobotAdapter
    groups = True
    many = 60

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


@pytest.fixture(scope="module")
def floor(nautobot_server: Nautobot) -> Floor:
    """A Nautobot that holds nothing but a place for machines."""
    nautobot_server.reset()
    with Rest(nautobot_server.url, nautobot_server.token) as rest:
        return Floor(nautobot_server, rest)


class TestNautobot(AdapterSuite):
    @pytest.fixture
    def harness(
        self,
        request: pytest.FixtureRequest,
        floor: Floor,
        proxy: Proxy,
        nautobot_server: Nautobot,
        tmp_path: Path,
    ) -> AdapterHarness:
        # Where somebody waits for it, not long; elsewhere so long that a busy machine is no fault.
        timeout = 8 if "silent" in request.node.name else 20
        deployment = Deployment(
            tmp_path,
            proxy.url,
            nautobot_server.token,
            proxy.authority.file,
            {"timeout": timeout, "page_size": 20, "group_prefixes": "tags:"},
            {},
        )
        return NautobotHarness(floor, proxy, deployment)
