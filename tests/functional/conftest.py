"""What every functional test runs on: each backend in turn, and a small fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from craton.driver import InventoryDriver
from craton.models import Group, Host, Region, Tenant
from tests import backends


@pytest.fixture(scope="session")
def template_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the directory of an empty store at the newest schema, made once for each backend."""
    made: dict[str, Path] = {}

    def template(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(f"{name}-template")
            backends.prepare(name, made[name])
        return made[name]

    return template


@pytest.fixture(params=backends.BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend under test."""
    return str(request.param)


@pytest.fixture
def driver(
    backend: str, tmp_path: Path, template_of: Callable[[str], Path]
) -> Iterator[InventoryDriver]:
    """An open driver on an empty store."""
    with backends.opened(backend, tmp_path / "state", template_of(backend)) as driver:
        yield driver


@dataclass
class Fleet:
    """A region to work in, and short ways to make things in it."""

    driver: InventoryDriver
    tenant: Tenant
    region: Region

    def host(self, name: str, **fields: object) -> Host:
        return self.driver.create(Host(region_id=self.region.id, name=name, **fields))  # type: ignore[arg-type]

    def group(self, name: str, **fields: object) -> Group:
        return self.driver.create(Group(region_id=self.region.id, name=name, **fields))  # type: ignore[arg-type]


@pytest.fixture
def fleet(driver: InventoryDriver) -> Fleet:
    """A tenant with one empty region."""
    tenant = driver.create(Tenant(name="acme"))
    region = driver.create(Region(tenant_id=tenant.id, name="north"))
    return Fleet(driver=driver, tenant=tenant, region=region)
