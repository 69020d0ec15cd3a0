"""The key repository: who may read it, how keys come and go, what a reader makes of the files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from craton.errors import ConfigurationError
from craton.secrets.keys import Keyring
from craton.secrets.repository import KeyRepository


def numbers(repository: KeyRepository) -> list[int]:
    return list(repository.read().keys)


def test_new_keys_are_their_owners_alone(tmp_path: Path) -> None:
    repository = KeyRepository(tmp_path / "a" / "keys")
    before = os.umask(0)
    try:
        assert repository.create() == [0, 1]
        repository.rotate()
    finally:
        os.umask(before)
    assert stat.S_IMODE(repository.directory.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in repository.directory.iterdir()}
    assert modes == {0o600}


def test_keys_that_exist_are_not_made_again(repository: KeyRepository) -> None:
    before = repository.read().keys
    with pytest.raises(ConfigurationError, match="rotate"):
        repository.create()
    assert repository.read().keys == before


def test_only_the_missing_key_is_made(repository: KeyRepository) -> None:
    primary = repository.read().primary
    (repository.directory / "0").unlink()
    with pytest.raises(ConfigurationError, match="create"):
        repository.rotate()
    assert repository.create() == [0]
    assert repository.read().primary == primary


def test_the_staged_key_becomes_primary_and_none_is_lost(repository: KeyRepository) -> None:
    before = repository.read()
    assert before.staged is not None
    assert repository.rotate() == 2
    after = repository.read()
    assert list(after.keys) == [0, 1, 2]
    assert after.primary is not None
    assert after.primary.id == before.staged.id
    assert after.keys[1] == before.primary
    assert after.staged is not None
    assert after.staged.id not in {key.id for key in before.keys.values()}


def test_a_rotation_that_was_cut_short_is_finished(
    repository: KeyRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = repository.read().staged
    assert staged is not None

    def power_fails() -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Fernet, "generate_key", power_fails)
    with pytest.raises(KeyboardInterrupt):
        repository.rotate()
    monkeypatch.undo()
    half = repository.read()
    assert half.primary is not None
    assert half.primary.id == staged.id
    assert repository.rotate() == 2
    done = repository.read()
    assert done.primary is not None
    assert done.staged is not None
    assert (done.primary.id, list(done.keys)) == (staged.id, [0, 1, 2])
    assert done.staged.id != staged.id


def test_old_keys_go_unless_something_needs_them(repository: KeyRepository) -> None:
    for _ in range(4):
        repository.rotate()
    ids = {number: key.id for number, key in repository.read().keys.items()}
    assert repository.prune(3, {ids[2]}) == [1, 3]
    assert numbers(repository) == [0, 2, 4, 5]
    assert repository.prune(3, ()) == [2]
    assert repository.prune(3, ()) == []
    assert numbers(repository) == [0, 4, 5]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_key_that_others_could_use_is_refused(repository: KeyRepository, mode: int) -> None:
    path = repository.directory / "1"
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        repository.read()


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o777, 0o701])
def test_a_directory_that_others_could_use_is_refused(repository: KeyRepository, mode: int) -> None:
    repository.directory.chmod(mode)
    for action in (repository.read, repository.state, repository.rotate, repository.create):
        with pytest.raises(ConfigurationError, match=f"chmod 700 {repository.directory}"):
            action()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"x" * 43 + b"=", b"A" * 42 + b"B=", b"A" * 44, b"A" * 43 + b"=\n\n", bytes(32)],
    ids=repr,
)
def test_a_file_that_holds_no_key_is_refused_and_not_quoted(
    repository: KeyRepository, content: bytes
) -> None:
    path = repository.directory / "1"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="holds no key") as caught:
        repository.read()
    text = content.decode().strip("\0\n")
    assert not text or text not in str(caught.value)


def test_what_is_not_called_like_a_key_is_no_key(repository: KeyRepository) -> None:
    for name in ("01", "1~", ".2.new", "-1", "a", "", "\N{FULLWIDTH DIGIT TWO}", "9" * 12):
        if name:
            (repository.directory / name).write_text("no key")
    assert numbers(repository) == [0, 1]


@pytest.mark.parametrize("missing", ["directory", "primary"])
def test_missing_keys_say_how_to_make_them(tmp_path: Path, missing: str) -> None:
    repository = KeyRepository(tmp_path / "keys")
    if missing == "primary":
        repository.create()
        (repository.directory / "1").unlink()
    with pytest.raises(ConfigurationError, match="secret-keys create"):
        repository.read()
    assert missing == "directory" or repository.create() == [1]


def test_a_repository_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    (tmp_path / "keys").chmod(0o600)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        KeyRepository(tmp_path / "keys").read()


def test_the_state_tells_of_every_change(repository: KeyRepository) -> None:
    seen = [repository.state()]
    path = repository.directory / "1"
    content = path.read_bytes()

    def replace() -> None:
        other = repository.directory / "other"
        other.write_bytes(content)
        other.chmod(0o600)
        other.rename(path)

    for change in (
        repository.rotate,
        replace,
        lambda: path.chmod(0o400),
        (repository.directory / "2").unlink,
    ):
        change()
        seen.append(repository.state())
    assert len(set(seen)) == len(seen)
    assert repository.state() == seen[-1]


def test_keys_do_not_show_themselves(repository: KeyRepository) -> None:
    keyring = repository.read()
    for key in keyring.keys.values():
        assert key.secret.decode() not in repr(key)
        assert key.secret.decode()[:8] not in repr(key)
    assert Keyring(()).primary is None
