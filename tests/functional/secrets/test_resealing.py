"""Sealing anew: in the end every payload is as the store seals now, whoever writes meanwhile."""

from __future__ import annotations

import dataclasses

import pytest

from craton.driver import InventoryDriver
from craton.errors import NotFound, SealBroken
from craton.models import Host, Payload, Region, Secret, Tenant
from craton.query import Query
from craton.secrets import SecretStore
from craton.secrets.fernet import FernetStore
from craton.secrets.resealing import Resealed, reseal

#: More than one page has.
COUNT = 45


@dataclasses.dataclass
class Kept:
    """Secrets with payloads in a driver."""

    driver: InventoryDriver
    store: SecretStore

    def __post_init__(self) -> None:
        tenant = self.driver.create(Tenant(name="acme"))
        region = self.driver.create(Region(tenant_id=tenant.id, name="north"))
        self.host = self.driver.create(Host(region_id=region.id, name="web1"))

    def add(self, name: str, content: bytes) -> Payload:
        secret = self.driver.create(
            Secret(region_id=self.host.region_id, host_id=self.host.id, name=name)
        )
        sealed = self.store.seal(content, self.host.id, name)
        return self.driver.create(Payload(secret_id=secret.id, sealed=sealed))

    def payloads(self) -> list[Payload]:
        return list(self.driver.scan(Payload, Query()))

    def contents(self, store: SecretStore) -> dict[str, bytes]:
        """What a store opens, by the names of the secrets."""
        found = {}
        for payload in self.payloads():
            secret = self.driver.get(Secret, payload.secret_id)
            found[secret.name] = store.open(payload.sealed, secret.host_id, secret.name)
        return found


@pytest.fixture
def kept(driver: InventoryDriver, fernet: FernetStore) -> Kept:
    """A host whose secrets are sealed with Fernet."""
    return Kept(driver, fernet)


def test_all_is_sealed_with_the_new_key_and_old_keys_can_go(
    kept: Kept, fernet: FernetStore
) -> None:
    expected = {f"key{number}": bytes([number]) for number in range(COUNT)}
    for name, content in expected.items():
        kept.add(name, content)
    for _ in range(4):
        fernet.repository.rotate()
    kept.add("new", b"new")
    results = list(reseal(kept.driver, fernet))
    assert sum(result.changed for result in results) == COUNT
    assert not any(result.error for result in results)
    assert {result.sealed for result in results} == {one.sealed for one in kept.payloads()}
    needed = {fernet.key_id(result.sealed) or "" for result in results}
    assert fernet.repository.prune(3, needed) == [1, 2, 3]
    assert kept.contents(fernet) == {**expected, "new": b"new"}
    assert not any(result.changed for result in reseal(kept.driver, fernet))


def test_what_does_not_open_stays_and_stops_nothing(kept: Kept, fernet: FernetStore) -> None:
    good = kept.add("good", b"good")
    moved = kept.add("moved", b"moved")
    kept.driver.replace(dataclasses.replace(moved, sealed=good.sealed))
    fernet.repository.rotate()
    results = {result.secret_id: result for result in reseal(kept.driver, fernet)}
    assert results[good.secret_id].changed
    broken = results[moved.secret_id]
    assert isinstance(broken.error, SealBroken)
    assert (broken.changed, broken.sealed) == (False, good.sealed)
    assert kept.driver.get(Payload, moved.id).sealed == good.sealed


class Interrupted(FernetStore):
    """A store in whose use somebody else writes first, once."""

    def __init__(self, inner: FernetStore, kept: Kept, payload: Payload, how: str) -> None:
        super().__init__(inner.settings)
        self.kept, self.payload, self.how = kept, payload, how

    def open(self, sealed: str, host_id: str, name: str) -> bytes:
        how, self.how = self.how, ""
        driver, store = self.kept.driver, self.kept.store
        if how == "written":
            other = dataclasses.replace(self.payload, sealed=store.seal(b"other", host_id, name))
            driver.replace(other)
        elif how == "renamed":
            secret = driver.get(Secret, self.payload.secret_id)
            driver.replace(dataclasses.replace(secret, name="renamed"))
            sealed_anew = store.seal(b"content", host_id, "renamed")
            driver.replace(dataclasses.replace(self.payload, sealed=sealed_anew))
            return super().open(sealed_anew, host_id, name)
        elif how == "deleted":
            driver.delete(Payload, self.payload.id)
        return super().open(sealed, host_id, name)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("written", {"key": b"other"}),
        ("renamed", {"renamed": b"content"}),
        ("deleted", {}),
    ],
)
def test_who_writes_meanwhile_wins(
    kept: Kept, fernet: FernetStore, how: str, expected: dict[str, bytes]
) -> None:
    payload = kept.add("key", b"content")
    fernet.repository.rotate()
    results = list(reseal(kept.driver, Interrupted(fernet, kept, payload, how)))
    assert kept.contents(fernet) == expected
    assert [result.error for result in results] == [None] * len(expected)
    if how == "deleted":
        with pytest.raises(NotFound):
            kept.driver.get(Payload, payload.id)


@pytest.mark.service
@pytest.mark.xdist_group("openstack")
@pytest.mark.parametrize("backend", ["memory"])
def test_payloads_move_to_barbican_and_back(
    kept: Kept, fernet: FernetStore, castellan: SecretStore
) -> None:
    kept.add("key", b"content\n")
    [there] = reseal(kept.driver, castellan, [fernet])
    assert there.changed
    assert kept.contents(castellan) == {"key": b"content\n"}
    [result] = reseal(kept.driver, fernet)
    assert isinstance(result, Resealed)
    assert isinstance(result.error, SealBroken)
    [back] = reseal(kept.driver, fernet, [castellan])
    assert back.changed
    assert kept.contents(fernet) == {"key": b"content\n"}
    with pytest.raises(SealBroken, match="no such object"):
        castellan.open(there.sealed, kept.host.id, "key")
