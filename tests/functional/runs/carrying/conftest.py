from __future__ import annotations

from pathlib import Path

import pytest

from craton import config
from craton.secrets import SecretStore, load_secret_store


@pytest.fixture
def secrets(tmp_path: Path) -> SecretStore:
    store = load_secret_store(config.settings(files=[], state_path=str(tmp_path / "state")))
    (tmp_path / "state").mkdir()
    store.prepare()
    store.start()
    return store
