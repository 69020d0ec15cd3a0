"""The playbooks of a service: those below its directory, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton.errors import ConfigurationError, InvalidValue
from craton.runs.playbooks import Playbooks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "playbooks"
    for name in ("site.yml", "web/deploy.yaml", "roles/web/tasks/main.yml", ".git/x.yml", "a.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("[]\n")
    (tmp_path / "outside.yml").write_text("[]\n")
    (root / "out.yml").symlink_to(tmp_path / "outside.yml")
    (root / "away").symlink_to(tmp_path)
    (root / "inside.yml").symlink_to("site.yml")
    (root / "dir.yml").mkdir()
    (root / "loop.yml").symlink_to("loop.yml")
    return root


def test_playbooks_are_listed_by_their_path_below_the_directory(root: Path) -> None:
    assert Playbooks(root).list() == ["inside.yml", "site.yml", "web/deploy.yaml"]


def test_a_listed_playbook_is_found(root: Path) -> None:
    playbooks = Playbooks(root)
    for name in playbooks.list():
        assert playbooks.check(name) == root / name
        assert playbooks.check(name).is_file()


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "/etc/passwd", "../outside.yml", "web/../site.yml", "web/../../outside.yml"),
        *("out.yml", "away/outside.yml", "loop.yml", "dir.yml", "a.txt", "missing.yml"),
        *("./site.yml", "web//deploy.yaml", "site.yml/", "site.yml\0", "x" * 5000 + ".yml"),
        "\udcff.yml",
    ],
)
def test_everything_else_is_refused_by_the_name_of_its_field(root: Path, name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Playbooks(root).check(name)
    assert caught.value.field == "playbook"


def test_without_a_directory_there_are_no_playbooks() -> None:
    playbooks = Playbooks(None)
    playbooks.start()
    assert playbooks.list() == []
    with pytest.raises(InvalidValue, match="playbook_path"):
        playbooks.check("site.yml")


def test_a_directory_that_cannot_be_read_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"playbook_path.*missing"):
        Playbooks(tmp_path / "missing").start()
