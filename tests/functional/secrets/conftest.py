"""A Keystone and a Barbican for all tests of one worker, and both secret stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from craton import config, loader
from craton.secrets import SecretStore, load_secret_store
from craton.secrets.fernet import FernetStore
from craton.secrets.loading import SECRET_STORE
from tests.services import barbican as barbican_service
from tests.services import keystone as keystone_service
from tests.services.barbican import Barbican
from tests.services.keystone import DOMAIN, PASSWORD, Keystone

#: Who Craton is to Barbican.
USER, PROJECT = "craton", "craton-secrets"


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """A Keystone that knows Craton's user."""
    with keystone_service.started(tmp_path_factory.mktemp("keystone") / "data") as keystone:
        keystone.create_user(USER, PROJECT, "member")
        yield keystone


@pytest.fixture(scope="session")
def barbican(keystone: Keystone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Barbican]:
    """A Barbican that trusts the Keystone."""
    directory = tmp_path_factory.mktemp("barbican") / "data"
    with barbican_service.started(directory, keystone) as barbican:
        yield barbican


def castellan_store(keystone: Keystone, **overrides: object) -> SecretStore:
    """Make a castellan store with the service's credentials; it is not started yet."""
    settings = config.settings(files=[], secrets__store="castellan")
    store_class = loader.named(SECRET_STORE, "castellan")
    config.register(settings, store_class.options())
    options = {
        "auth_type": "keystone_password",
        "auth_url": keystone.url,
        "username": USER,
        "password": PASSWORD,
        "project_name": PROJECT,
        "user_domain_name": DOMAIN,
        "project_domain_name": DOMAIN,
        **overrides,
    }
    for name, value in options.items():
        settings.set_override(name, value, "key_manager")
    return load_secret_store(settings)


@pytest.fixture
def castellan(keystone: Keystone, barbican: Barbican) -> SecretStore:
    """A started castellan store."""
    store = castellan_store(keystone)
    store.start()
    return store


@pytest.fixture
def fernet(tmp_path: Path) -> FernetStore:
    """A started fernet store with new keys."""
    store = load_secret_store(config.settings(files=[], state_path=str(tmp_path)))
    assert isinstance(store, FernetStore)
    store.repository.create()
    store.start()
    return store


@pytest.fixture(params=["fernet", "castellan"])
def store(request: pytest.FixtureRequest) -> SecretStore:
    """Each store in turn."""
    store = request.getfixturevalue(request.param)
    assert isinstance(store, SecretStore)
    return store
