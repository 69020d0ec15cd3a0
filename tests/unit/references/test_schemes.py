"""Schemes that packages add."""

from __future__ import annotations

import re
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from craton import config, loader
from craton.errors import ContractMismatch, InvalidValue
from craton.references import References

CHAPTER = Path(__file__).parents[3] / "docs/references.rst"


def offer(monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> None:
    """Pretend that a package with an entry point is installed, and nothing else."""

    class Manager:
        def __init__(self, namespace: str, **_: object) -> None:
            self._points = [EntryPoint(name, target, namespace)]

        def list_entry_points(self) -> list[EntryPoint]:
            return self._points

    monkeypatch.setattr(loader, "ExtensionManager", Manager)


@pytest.fixture
def chapter(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example of the documentation, as a module."""
    block = re.search(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", CHAPTER.read_text())
    assert block is not None
    module = ModuleType("forge")
    exec(textwrap.dedent(block[1]), module.__dict__)
    monkeypatch.setitem(sys.modules, "forge", module)
    return module


@pytest.mark.usefixtures("chapter")
def test_the_example_of_the_documentation_adds_a_scheme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offer(monkeypatch, "forge", "forge:ForgeFetcher")
    references = References(config.settings(files=[], state_path=str(tmp_path)))
    references.check_url("forge://project/path")
    with pytest.raises(InvalidValue, match="fragment"):
        references.check_url("forge://project/path#x")
    with pytest.raises(InvalidValue, match=r"\(forge\), not https"):
        references.check_url("https://example.org/")


def test_a_fetcher_of_another_contract_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chapter: ModuleType
) -> None:
    chapter.ForgeFetcher.contract = 2
    offer(monkeypatch, "forge", "forge:ForgeFetcher")
    with pytest.raises(ContractMismatch, match="fetcher of references 'forge'"):
        References(config.settings(files=[], state_path=str(tmp_path)))


@pytest.mark.parametrize("target", ["no_such_module:Fetcher", "pathlib:Path"])
def test_a_fetcher_that_does_not_load_is_told_to_whoever_needs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str
) -> None:
    offer(monkeypatch, "forge", target)
    references = References(config.settings(files=[], state_path=str(tmp_path)))
    with pytest.raises(InvalidValue, match="'forge'") as caught:
        references.check_url("forge+x://project/path")
    assert caught.value.field == "url"
    with pytest.raises(InvalidValue, match="not https"):
        references.check_url("https://example.org/")
