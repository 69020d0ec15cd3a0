"""A Nautobot in trouble: what it last said is served, and how old that is, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import requests

from craton.driver import InventoryDriver
from craton.errors import OwnerUnavailable, Unavailable
from craton.models import INVENTORY_KINDS, Entity, Host
from craton.testing.adapters.mirror import Mirror
from tests.functional.cmdb.nautobot.deployment import Deployment
from tests.functional.cmdb.nautobot.proxy import Proxy, deny, fail, talk_nonsense
from tests.functional.cmdb.nautobot.rest import Rest
from tests.services.nautobot import Nautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]

Trouble = Callable[[Nautobot, Proxy], AbstractContextManager[None]]


@contextmanager
def paused(nautobot: Nautobot, proxy: Proxy) -> Iterator[None]:
    nautobot.process.pause()
    try:
        yield
    finally:
        nautobot.heal()


def misbehaving(answer: Callable[[Proxy], Any]) -> Trouble:
    def trouble(nautobot: Nautobot, proxy: Proxy) -> AbstractContextManager[None]:
        return proxy.misbehaving(answer(proxy))

    return trouble


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "paused": (paused, "does not answer in time"),
    "away": (lambda nautobot, proxy: proxy.away(), "cannot be reached"),
    "failing": (misbehaving(lambda proxy: fail), "status 500"),
    "denied": (misbehaving(lambda proxy: deny), "refuses the token"),
    "nonsense": (misbehaving(lambda proxy: talk_nonsense), "no JSON"),
    "cut": (misbehaving(lambda proxy: proxy.cut), "cut off"),
    "half": (misbehaving(lambda proxy: proxy.halve), "no JSON"),
    "slow": (misbehaving(lambda proxy: proxy.trickle), "takes too long"),
}


@pytest.fixture
def behind(deploy: Callable[..., Deployment], proxy: Proxy) -> Deployment:
    """A deployment that goes by HTTPS."""
    made = deploy(region_types="city", timeout=8, deadline=12)
    made.endpoint, made.ca_file = proxy.url, proxy.authority.file
    return made


def contents(driver: InventoryDriver) -> list[Entity]:
    return [entity for kind in INVENTORY_KINDS for entity in driver.scan(kind)]


def test_the_last_good_state_is_served_in_every_trouble(
    organisation: Nautobot, proxy: Proxy, behind: Deployment
) -> None:
    with behind.driver() as driver:
        driver.sync()
        before, good = contents(driver), driver.mirror_status()
        assert len(before) > 16
        for name, (trouble, reason) in TROUBLES.items():
            with trouble(organisation, proxy):
                with pytest.raises(OwnerUnavailable, match=reason) as caught:
                    driver.sync(everything=name == "cut")
                assert caught.value.retry_after > 0
                assert contents(driver) == before, name
            driver._glanced = None  # type: ignore[attr-defined]  # or it is told a second later
            status = driver.mirror_status()
            assert status.error is not None, name
            assert reason in status.error
            assert behind.token not in status.error
            assert (status.synced_at, status.changed_at) == (good.synced_at, good.changed_at)
        assert driver.sync().changed == 0
        assert driver.mirror_status().error is None


def test_a_nautobot_that_was_killed_is_followed_when_it_is_back(
    organisation: Nautobot, rest: Rest, behind: Deployment
) -> None:
    with behind.driver() as driver:
        driver.sync()
        before = contents(driver)
        organisation.process.kill()
        with pytest.raises(OwnerUnavailable):
            driver.sync()
        assert contents(driver) == before
        organisation.process.start()
        device = rest.one("dcim/devices", name="device-00001")["id"]
        rest.change("dcim/devices", device, name="back")
        assert driver.sync().updated == {"host": 1}
        assert driver.get(Host, device).name == "back"


def test_a_token_is_revoked_and_another_takes_its_place(
    organisation: Nautobot, rest: Rest, behind: Deployment
) -> None:
    identity, token = rest.issue_token(write=False)
    behind.write_token(token)
    with behind.driver() as driver:
        driver.sync()
        rest.revoke_token(identity)
        with pytest.raises(OwnerUnavailable, match="refuses the token") as caught:
            driver.sync()
        assert token not in repr(caught.value.__cause__)
        behind.write_token(organisation.token)
        behind.token_file.chmod(0o644)
        with pytest.raises(OwnerUnavailable, match="open to others"):
            driver.sync()
        behind.token_file.chmod(0o600)
        assert driver.sync().changed == 0


def test_a_certificate_of_somebody_else_is_not_trusted(
    organisation: Nautobot, proxy: Proxy, behind: Deployment
) -> None:
    behind.ca_file = None
    proxy.paths.clear()
    with pytest.raises(Unavailable, match="certificate"):
        list(behind.adapter().changes(None))
    assert proxy.paths == []


def test_a_fleet_that_shrinks_by_accident_is_held_until_somebody_confirms(
    organisation: Nautobot, rest: Rest, deploy: Callable[..., Deployment]
) -> None:
    with deploy(region_types="city").driver() as driver:
        driver.sync()
        before = contents(driver)
        devices = [device["id"] for device in rest.list("dcim/devices", sort="name")]
        rest.delete("dcim/devices", *devices[:5])
        report = driver.sync()
        assert report.held
        assert contents(driver) == before
        driver._glanced = None  # type: ignore[attr-defined]
        assert driver.mirror_status().held == report.held
        assert driver.sync(confirm=True).deleted["host"] == 5
        assert {host.id for host in driver.scan(Host)}.isdisjoint(devices[:5])


class Reader:
    """Another user, who may see what he is permitted to."""

    def __init__(self, nautobot: Nautobot, rest: Rest) -> None:
        self.rest = rest
        self.user = rest.create("users/users", username="reader", password="reader")
        rest.create(
            "users/permissions",
            name="tokens",
            object_types=["users.token"],
            actions=["add"],
            users=[self.user],
        )
        answer = requests.post(
            f"{nautobot.url}/api/users/tokens/",
            auth=("reader", "reader"),
            json={"write_enabled": False},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        self.token = answer.json()["key"]
        self.permission = ""

    def may_view(self, *types: str) -> None:
        """Permit to view objects of these types, and of no others."""
        if self.permission:
            self.rest.delete("users/permissions", self.permission)
        self.permission = self.rest.create(
            "users/permissions",
            name="reading",
            object_types=list(types),
            actions=["view"],
            users=[self.user],
        )


#: What the adapter reads, as docs/nautobot.rst lists it.
TYPES = (
    *("dcim.device", "virtualization.virtualmachine", "ipam.ipaddress"),
    *("tenancy.tenant", "tenancy.tenantgroup", "dcim.location", "dcim.locationtype"),
    *("extras.status", "extras.role", "dcim.platform", "extras.tag", "extras.dynamicgroup"),
    *("virtualization.cluster", "virtualization.clustergroup", "dcim.devicetype"),
    *("dcim.devicefamily", "dcim.deviceredundancygroup", "dcim.deviceclusterassignment"),
    *("extras.configcontext", "extras.customfield", "extras.dynamicgroupmembership"),
)


def test_a_permission_that_is_missing_is_named_and_nothing_is_taken_for_gone(
    organisation: Nautobot, rest: Rest, deploy: Callable[..., Deployment]
) -> None:
    reader = Reader(organisation, rest)
    deployment = deploy(region_types="city")
    whole = Mirror()
    whole.follow(deployment.adapter())
    deployment.write_token(reader.token)
    adapter = deployment.adapter()
    reader.may_view(*TYPES)
    partial = Mirror()
    partial.follow(adapter)
    assert partial.present == whole.present
    for number, missing in enumerate(TYPES):
        reader.may_view(*(type for type in TYPES if type != missing))
        app, model = missing.split(".")
        with pytest.raises(Unavailable, match=rf"{app}\.view_{model}\b"):
            list(adapter.changes(partial.token if number % 2 else None))
