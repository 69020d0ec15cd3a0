"""From a name in the configuration to a driver, or to an error that says what to do."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from craton import config, loader
from craton.backends.memory.driver import MemoryDriver
from craton.driver import InventoryDriver
from craton.errors import (
    ConfigurationError,
    ContractMismatch,
    DriverNotFound,
    DriverNotLoadable,
)


class OldDriver(MemoryDriver):
    contract = 0


class NotADriver:
    contract = 1


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that third parties have installed drivers."""
    points = [
        EntryPoint(name, f"{module}:{attribute}", loader.NAMESPACE)
        for name, module, attribute in (
            ("old", __name__, "OldDriver"),
            ("other", __name__, "NotADriver"),
            ("broken", "no_such_module_at_all", "Driver"),
            ("typo", __name__, "NoSuchName"),
        )
    ]

    class Manager:
        def __init__(self, namespace: str, **_: object) -> None:
            assert namespace == loader.NAMESPACE

        def list_entry_points(self) -> list[EntryPoint]:
            return points

    monkeypatch.setattr(loader, "ExtensionManager", Manager)


def test_the_configured_driver_is_made_with_the_configuration() -> None:
    conf = config.settings(files=[], inventory__driver="memory")
    driver = loader.load(conf)
    assert type(driver) is MemoryDriver
    assert driver.settings is conf


def test_an_unknown_driver_lists_those_installed() -> None:
    with pytest.raises(DriverNotFound, match=r"'nope'.*cmdb, .*memory, .*sql") as caught:
        loader.driver_named("nope")
    installed = importlib.metadata.entry_points(group=loader.NAMESPACE).names
    assert caught.value.fields["installed"] == sorted(installed)


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("old", ContractMismatch, "version 0 of the contract"),
        ("other", DriverNotLoadable, "not derived from InventoryDriver"),
        ("broken", DriverNotLoadable, "no_such_module_at_all"),
        ("typo", DriverNotLoadable, "NoSuchName"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_a_driver_that_cannot_be_used_says_why(
    name: str, error: type[ConfigurationError], text: str
) -> None:
    with pytest.raises(error, match=text):
        loader.driver_named(name)


def test_options_of_a_file_win_over_defaults_and_overrides_over_both(tmp_path: Path) -> None:
    file = tmp_path / "craton.conf"
    file.write_text("[api]\nport = 1234\n[inventory]\ndriver = memory\n")
    conf = config.settings(["--config-file", str(file)], api__port=4321)
    assert (conf.api.port, conf.inventory.driver) == (4321, "memory")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[api]\nport = high\n", "port"),
        ("[api]\nauth_strategy = magic\n", "auth_strategy"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_bad_configuration_is_one_error_that_names_the_option(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "craton.conf"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        config.settings(["--config-file", str(file)])
    with pytest.raises(ConfigurationError, match=r"missing\.conf"):
        config.settings(["--config-file", str(tmp_path / "missing.conf")])


def test_a_driver_inherits_every_default_it_does_not_write() -> None:
    assert InventoryDriver.options() == {}
