"""The fernet store with its keys: rereads them, tells what is missing, refuses what was changed."""

from __future__ import annotations

import logging
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from oslo_config import cfg

from craton import config
from craton.errors import ConfigurationError, DriverNotFound, SealBroken, Unavailable
from craton.secrets import load_secret_store
from craton.secrets.fernet import FernetStore
from craton.secrets.repository import KeyRepository

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_rotation_is_noticed_without_a_restart(
    store: FernetStore, repository: KeyRepository
) -> None:
    before = store.seal(b"payload", "host", "name")
    assert store.is_current(before)
    repository.rotate()
    assert not store.is_current(before)
    after = store.seal(b"payload", "host", "name")
    assert store.is_current(after)
    assert store.open(before, "host", "name") == store.open(after, "host", "name") == b"payload"


def test_a_node_with_the_keys_of_before_opens_what_is_sealed_after(
    store: FernetStore, tmp_path: Path
) -> None:
    # Files are copied between two rotations, so a node may be one rotation behind.
    shutil.copytree(store.repository.directory, tmp_path / "other" / "secret-keys")
    store.repository.rotate()
    other = load_secret_store(_settings(tmp_path / "other"))
    sealed = store.seal(b"payload", "host", "name")
    assert other.open(sealed, "host", "name") == b"payload"
    assert store.open(other.seal(b"back", "host", "name"), "host", "name") == b"back"


def test_a_missing_key_is_named_and_helps_once_it_is_back(
    store: FernetStore, repository: KeyRepository
) -> None:
    sealed = store.seal(b"payload", "host", "name")
    repository.rotate()
    key = repository.directory / "1"
    content = key.read_bytes()
    key_id = repository.read().keys[1].id
    key.unlink()
    with pytest.raises(SealBroken, match=f"key {key_id} is not in") as caught:
        store.open(sealed, "host", "name")
    assert store.key_id(sealed) == key_id
    assert caught.value.fields["host_id"] == "host"
    assert caught.value.fields["name"] == "name"
    key.touch(0o600)
    key.write_bytes(content)
    assert store.open(sealed, "host", "name") == b"payload"


def test_every_character_in_every_place_but_the_right_one_is_refused(store: FernetStore) -> None:
    # A lenient decoder ignores the last bits before the padding.
    sealed = store.seal(b"", "h", "n")
    token = sealed.rpartition(":")[2]
    end = len(token.rstrip("="))
    for position in (0, 1, end - 2, end - 1, *range(end, len(token))):
        for character in set(ALPHABET + "=+/ \n\t.") - {token[position]}:
            other = token[:position] + character + token[position + 1 :]
            with pytest.raises(SealBroken):
                store.open(sealed.removesuffix(token) + other, "h", "n")


@pytest.mark.parametrize("extra", ["=", "\n", " ", "!", "\u00e9", "\u0660", "\ud800"])
def test_a_character_too_many_is_refused(store: FernetStore, extra: str) -> None:
    sealed = store.seal(b"payload", "h", "n")
    for position in range(len(sealed) + 1):
        with pytest.raises(SealBroken):
            store.open(sealed[:position] + extra + sealed[position:], "h", "n")


def test_a_box_without_craton_s_frame_is_refused(
    store: FernetStore, repository: KeyRepository
) -> None:
    key = repository.read().primary
    assert key is not None
    foreign = Fernet(key.secret).encrypt(b"payload").decode()
    with pytest.raises(SealBroken):
        store.open(f"fernet:1:{key.id}:{foreign}", "h", "n")


def test_no_key_is_found_in_what_it_sealed(store: FernetStore, repository: KeyRepository) -> None:
    sealed = store.seal(b"payload", "h", "n")
    for key in repository.read().keys.values():
        assert key.secret.decode() not in sealed
        assert urlsafe_b64decode(key.secret).hex()[:16] != key.id
    assert "payload" not in sealed
    assert urlsafe_b64encode(b"payload").decode().rstrip("=") not in sealed


def test_a_repository_that_cannot_be_read_is_an_outage_and_no_wrong_answer(
    store: FernetStore, repository: KeyRepository, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = store.seal(b"payload", "h", "n")
    (repository.directory / "1").chmod(0o644)
    with caplog.at_level(logging.ERROR):
        for action in (
            lambda: store.seal(b"payload", "h", "n"),
            lambda: store.open(sealed, "h", "n"),
            lambda: store.is_current(sealed),
            store.check,
        ):
            with pytest.raises(Unavailable, match="the log says why") as caught:
                action()
            assert str(repository.directory) not in str(caught.value)
    assert "chmod 600" in caplog.text
    (repository.directory / "1").chmod(0o600)
    assert store.open(sealed, "h", "n") == b"payload"


def test_a_store_without_keys_does_not_start(tmp_path: Path) -> None:
    store = load_secret_store(_settings(tmp_path))
    with pytest.raises(ConfigurationError, match="secret-keys create"):
        store.start()


def test_an_unknown_store_lists_those_installed() -> None:
    settings = config.settings(files=[], secrets__store="nope")
    with pytest.raises(DriverNotFound, match=r"secret store is called 'nope'.*castellan, fernet"):
        load_secret_store(settings)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"auth_type": "password", "auth_url": "http://127.0.0.1:9/v3"},
        {"auth_type": "keystone_password"},
        {"backend": "vault"},
    ],
    ids=repr,
)
def test_castellan_without_fitting_credentials_does_not_start(options: dict[str, str]) -> None:
    settings = config.settings(files=[], secrets__store="castellan")
    store = load_secret_store(settings)
    for name, value in options.items():
        settings.set_override(name, value, "key_manager")
    with pytest.raises(ConfigurationError, match="key_manager"):
        store.start()


def _settings(state_path: Path) -> cfg.ConfigOpts:
    return config.settings(files=[], state_path=str(state_path))
