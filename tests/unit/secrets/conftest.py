from __future__ import annotations

from pathlib import Path

import pytest

from craton import config
from craton.secrets import load_secret_store
from craton.secrets.fernet import FernetStore
from craton.secrets.repository import KeyRepository


@pytest.fixture
def store(tmp_path: Path) -> FernetStore:
    """A started store with new keys."""
    store = load_secret_store(config.settings(files=[], state_path=str(tmp_path)))
    assert isinstance(store, FernetStore)
    store.repository.create()
    store.start()
    return store


@pytest.fixture
def repository(store: FernetStore) -> KeyRepository:
    """The keys of the store."""
    return store.repository
