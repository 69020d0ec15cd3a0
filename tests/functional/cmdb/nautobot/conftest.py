"""One Nautobot for all tests of a run, and its data as each test wants to find it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craton.testing import Harness
from craton.testing.adapters import AdapterHarness
from tests.functional.cmdb.nautobot import fleet
from tests.functional.cmdb.nautobot.adapting import NautobotHarness
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.machines import Floor
from tests.functional.cmdb.nautobot.proxy import Proxy
from tests.functional.cmdb.nautobot.rest import Rest
from tests.functional.cmdb.nautobot.seeding import Ground, NautobotDriverHarness, deployed
from tests.services import nautobot as service
from tests.services.nautobot import Nautobot

_ORGANISATION = "organisation"


@pytest.fixture(scope="session")
def nautobot_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nautobot]:
    """A Nautobot for the whole run; keep its tests on one worker by a group of xdist's."""
    with service.started(tmp_path_factory.mktemp("nautobot")) as server:
        yield server


@pytest.fixture(scope="session")
def organisation_snapshot(nautobot_server: Nautobot) -> str:
    """The name of a snapshot that holds a small organisation, made once."""
    nautobot_server.reset()
    with Rest(nautobot_server.url, nautobot_server.token) as rest:
        fleet.make(rest)
    nautobot_server.take_snapshot(_ORGANISATION)
    return _ORGANISATION


@pytest.fixture
def nautobot(nautobot_server: Nautobot) -> Iterator[Nautobot]:
    """An empty Nautobot, for a test to do with as it likes."""
    nautobot_server.reset()
    yield nautobot_server
    nautobot_server.heal()


@pytest.fixture
def organisation(nautobot_server: Nautobot, organisation_snapshot: str) -> Iterator[Nautobot]:
    """A Nautobot with a small organisation, for a test to do with as it likes."""
    nautobot_server.reset(organisation_snapshot)
    yield nautobot_server
    nautobot_server.heal()


@pytest.fixture
def rest(nautobot_server: Nautobot) -> Iterator[Rest]:
    """A client with a superuser's token."""
    with Rest(nautobot_server.url, nautobot_server.token) as client:
        yield client


@pytest.fixture(scope="module")
def proxy(nautobot_server: Nautobot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The way to the Nautobot, by HTTPS and with trouble on demand."""
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), nautobot_server.url)
    yield proxy
    proxy.close()


@pytest.fixture
def deploy(nautobot_server: Nautobot, tmp_path: Path) -> Callable[..., Deployment]:
    """Configure Craton for the Nautobot, with options of the group [nautobot]."""

    def made(**options: object) -> Deployment:
        mirror: dict[str, object] = {"overlay": "memory"}
        url, token = nautobot_server.url, nautobot_server.token
        return Deployment(tmp_path, url, token, None, options, mirror)

    return made


@pytest.fixture(scope="class")
def floor(nautobot_server: Nautobot) -> Floor:
    """A Nautobot that holds nothing but a place for machines."""
    nautobot_server.reset()
    with Rest(nautobot_server.url, nautobot_server.token) as rest:
        return Floor(nautobot_server, rest)


@pytest.fixture
def adapter_harness(
    request: pytest.FixtureRequest,
    floor: Floor,
    proxy: Proxy,
    nautobot_server: Nautobot,
    tmp_path: Path,
) -> AdapterHarness:
    """What the kit for adapters works on."""
    # Where somebody waits for it, not long; elsewhere so long that a busy machine is no fault.
    timeout = 8 if "silent" in request.node.name else 20
    # The proxy runs in this process, whose memory is measured.
    way = proxy.url, proxy.authority.file
    endpoint, ca_file = (nautobot_server.url, None) if "memory" in request.node.name else way
    deployment = Deployment(
        tmp_path,
        endpoint,
        nautobot_server.token,
        ca_file,
        {"timeout": timeout, "page_size": 20, "group_prefixes": "tags:"},
        {},
    )
    return NautobotHarness(floor, proxy, deployment)


@pytest.fixture(scope="class")
def ground(nautobot_server: Nautobot) -> Iterator[Ground]:
    """A Nautobot without tenants, regions and hosts."""
    nautobot_server.reset()
    with Rest(nautobot_server.url, nautobot_server.token) as rest:
        yield Ground(nautobot_server, rest)


@pytest.fixture(scope="class")
def ground_mirror(
    ground: Ground,
    template_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The directory of a mirror of it."""
    deployment = deployed(ground.nautobot, tmp_path_factory.mktemp("mirror"))
    shutil.copytree(template_of("sql"), deployment.state)
    with deployment.driver() as driver:
        driver.sync()
    return deployment.state


@pytest.fixture
def driver_harness(ground: Ground, ground_mirror: Path, tmp_path: Path) -> Harness:
    """What the kit for drivers works on."""
    return NautobotDriverHarness(ground, deployed(ground.nautobot, tmp_path), ground_mirror)
