"""``craton-conductor``: what it says when it cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton.cmd.conductor import main


def started(tmp_path: Path, capsys: pytest.CaptureFixture[str], **options: object) -> str:
    lines = [f"{name} = {value}" for name, value in options.items()]
    file = tmp_path / "craton.conf"
    file.write_text("\n".join(["[DEFAULT]", f"state_path = {tmp_path}", "[runs]", *lines]))
    assert main(["--config-file", str(file)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("craton-conductor: ")
    return told


def test_without_a_board_it_says_which_option_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "[runs] redis_url" in started(tmp_path, capsys, playbook_path=tmp_path)


def test_without_playbooks_it_says_which_option_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "redis://127.0.0.1:6379/0"
    assert "[runs] playbook_path" in started(tmp_path, capsys, redis_url=url)
    missing = started(tmp_path, capsys, redis_url=url, playbook_path=tmp_path / "missing")
    assert "playbook_path" in missing
    assert "missing" in missing


def test_without_keys_it_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "redis://127.0.0.1:6379/0"
    assert "secret-keys" in started(tmp_path, capsys, redis_url=url, playbook_path=tmp_path)


def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from craton.errors import ConfigurationError
    from craton.runs.persistence import Persistence

    for url in ("mysql+pymysql://craton:hunter2@127.0.0.1:1/x", "nonsense://hunter2@x"):
        with pytest.raises(ConfigurationError, match=r"\[runs\] persistence") as caught:
            Persistence(url).open()
        assert "hunter2" not in str(caught.value)
