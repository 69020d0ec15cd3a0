"""The API on each backend in turn, with a tenant and a region to work in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from craton import config
from craton.api.app import make_app
from craton.driver import InventoryDriver
from craton.models import INVENTORY_KINDS
from craton.secrets import load_secret_store
from tests.functional.api.client import Client

_NONE: Mapping[str, object] = {}


@pytest.fixture
def configured(driver: InventoryDriver, backend: str, tmp_path: Path) -> Callable[..., Client]:
    """Make a client of the API with options that differ from the default ones: of the group
    ``api``, and those of ``references`` in a dictionary.
    """

    def make(references: Mapping[str, object] = _NONE, **options: Any) -> Client:
        file = tmp_path / "api.conf"
        lines = (f"{name} = {value}\n" for name, value in references.items())
        file.write_text(f"[references]\n{''.join(lines)}")
        settings = config.settings(
            files=[str(file)],
            state_path=str(tmp_path),
            inventory__driver=backend,
            **{f"api__{name}": value for name, value in options.items()},
        )
        load_secret_store(settings).prepare()
        return Client(make_app(driver, settings))

    return make


@pytest.fixture
def api(configured: Callable[..., Client]) -> Client:
    """A client of the API with its default options."""
    return configured()


@dataclass
class Paths:
    """Where a tenant, a region and what is in it are found."""

    api: Client
    tenant: str
    region: str

    @property
    def hosts(self) -> str:
        return f"/v1/hosts/{self.region}"

    @property
    def groups(self) -> str:
        return f"/v1/groups/{self.region}"

    @property
    def batch(self) -> str:
        return f"/v1/batch/{self.region}"

    @property
    def inventory(self) -> str:
        return f"/v1/inventory/{self.region}"

    def collection(self, kind: str) -> str:
        """Return the path of the collection of a kind."""
        return {
            "tenant": "/v1/tenants",
            "region": f"/v1/regions/{self.tenant}",
            "host": self.hosts,
            "group": self.groups,
        }[kind]

    def host(self, name: str, **fields: object) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post(self.hosts, {"name": name, **fields}).json
        return made

    def group(self, name: str, **fields: object) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post(self.groups, {"name": name, **fields}).json
        return made


@pytest.fixture
def paths(api: Client) -> Paths:
    """A tenant with one empty region."""
    tenant = api.post("/v1/tenants", {"name": "acme"}).json["id"]
    region = api.post(f"/v1/regions/{tenant}", {"name": "north"}).json["id"]
    return Paths(api=api, tenant=tenant, region=region)


@pytest.fixture
def state(driver: InventoryDriver) -> Callable[[], list[str]]:
    """Tell apart any two states of everything that is stored."""
    return lambda: [driver.digest(kind) for kind in INVENTORY_KINDS]
