"""craton-manage secret-keys: making, rotating and removing keys, and sealing anew."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from craton import config, loader
from craton.models import Host, Payload, Region, Secret, Tenant
from craton.secrets import load_secret_store
from craton.secrets.fernet import FernetStore
from tests.functional.commands import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def manage(place: Place, *action: str, options: str = "") -> subprocess.CompletedProcess[str]:
    path = place.configuration(options)
    return place.run("craton-manage", "--config-file", path, *action)


def keys(place: Place) -> list[int]:
    return sorted(int(path.name) for path in (place.state / "secret-keys").iterdir())


def test_keys_are_made_rotated_and_kept_while_secrets_need_them(place: Place) -> None:
    assert manage(place, "db", "upgrade").returncode == 0
    done = manage(place, "secret-keys", "create")
    directory = place.state / "secret-keys"
    assert (done.returncode, done.stdout) == (0, f"{directory / '0'}\n{directory / '1'}\n")

    settings = config.settings(files=[], state_path=str(place.state))
    store = load_secret_store(settings)
    assert isinstance(store, FernetStore)
    with loader.load(settings) as driver:
        tenant = driver.create(Tenant(name="acme"))
        region = driver.create(Region(tenant_id=tenant.id, name="north"))
        host = driver.create(Host(region_id=region.id, name="web1"))
        secret = driver.create(Secret(region_id=region.id, host_id=host.id, name="key"))
        sealed = store.seal(b"content", host.id, "key")
        payload = driver.create(Payload(secret_id=secret.id, sealed=sealed))

        done = manage(place, "secret-keys", "rotate")
        assert (done.returncode, done.stdout) == (0, f"{directory / '2'}\n")
        assert [store.repository.rotate() for _ in range(2)] == [3, 4]
        assert keys(place) == [0, 1, 2, 3, 4]

        # The key that it was sealed with is away, so it cannot be sealed anew; others go on.
        first = (directory / "1").rename(place.directory / "1")
        done = manage(place, "secret-keys", "reseal")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "'key'" in done.stderr
        assert "secrets: 1, sealed anew: 0, broken: 1" in done.stdout

        first.rename(directory / "1")
        done = manage(place, "secret-keys", "reseal")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("secrets: 1, sealed anew: 1, broken: 0\n")
        assert keys(place) == [0, 3, 4]
        after = driver.get(Payload, payload.id).sealed
        assert after != sealed
        assert store.is_current(after)
        assert store.open(after, host.id, "key") == b"content"


def test_a_key_that_a_broken_secret_names_is_not_removed(place: Place) -> None:
    manage(place, "db", "upgrade")
    settings = config.settings(files=[], state_path=str(place.state))
    store = load_secret_store(settings)
    assert isinstance(store, FernetStore)
    store.prepare()
    with closing(loader.load(settings)) as driver:
        driver.open()
        tenant = driver.create(Tenant(name="acme"))
        region = driver.create(Region(tenant_id=tenant.id, name="north"))
        host = driver.create(Host(region_id=region.id, name="web1"))
        secret = driver.create(Secret(region_id=region.id, host_id=host.id, name="key"))
        driver.create(Payload(secret_id=secret.id, sealed=store.seal(b"content", "another", "key")))
    for _ in range(4):
        store.repository.rotate()
    done = manage(place, "secret-keys", "reseal")
    assert (done.returncode, "broken: 1" in done.stdout) == (1, True)
    assert keys(place) == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("action", "words"),
    [("create", "already"), ("rotate", "chmod 600"), ("reseal", "chmod 600")],
)
def test_what_cannot_be_done_is_one_line(place: Place, action: str, words: str) -> None:
    assert manage(place, "secret-keys", "create").returncode == 0
    if action != "create":
        (place.state / "secret-keys" / "0").chmod(0o644)
    done = manage(place, "secret-keys", action)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert words in done.stderr


@pytest.mark.parametrize("action", ["create", "rotate"])
def test_a_store_without_keys_here_says_so(place: Place, action: str) -> None:
    done = manage(place, "secret-keys", action, options="[secrets]\nstore = castellan")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "'castellan' has no keys here" in done.stderr
