"""The material of a run: sealed for that run, and as it was when it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton import config
from craton.errors import InvalidValue, SealBroken
from craton.runs.material import open_material, seal_material
from craton.secrets import SecretStore, load_secret_store


@pytest.fixture
def secrets(tmp_path: Path) -> SecretStore:
    store = load_secret_store(config.settings(files=[], state_path=str(tmp_path)))
    store.prepare()
    store.start()
    return store


@pytest.mark.parametrize("bundle", [b"", b"bundle", bytes(3_000_000)])
@pytest.mark.parametrize("extra_vars", [{}, {"password": "hünter2", "ports": [80, 8443]}])
def test_material_comes_back_as_it_was(
    secrets: SecretStore, bundle: bytes, extra_vars: dict[str, object]
) -> None:
    sealed = seal_material(secrets, "run-1", bundle, extra_vars)  # type: ignore[arg-type]
    material = open_material(secrets, "run-1", sealed)
    assert material.bundle == bundle
    assert material.extra_vars == extra_vars


def test_material_of_one_run_does_not_open_for_another(secrets: SecretStore) -> None:
    sealed = seal_material(secrets, "run-1", b"bundle", {})
    with pytest.raises(SealBroken):
        open_material(secrets, "run-2", sealed)


def test_neither_bundle_nor_extra_vars_can_be_read_in_it(secrets: SecretStore) -> None:
    sealed = seal_material(secrets, "run-1", b"the-bundle", {"password": "hunter2"})
    assert b"hunter2" not in sealed
    assert b"the-bundle" not in sealed
    material = open_material(secrets, "run-1", sealed)
    assert "hunter2" not in repr(material)


def test_extra_vars_that_are_no_json_are_refused_by_name(secrets: SecretStore) -> None:
    with pytest.raises(InvalidValue, match="extra_vars"):
        seal_material(secrets, "run-1", b"", {"x": "a\0b"})
