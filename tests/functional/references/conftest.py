"""A server with TLS, and references that may speak to it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from craton import config
from craton.references import References
from tests.services import tls

MakeReferences = Callable[..., References]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tls.Authority:
    return tls.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: tls.Authority) -> Iterator[tls.Server]:
    with tls.started(authority) as server:
        yield server


@pytest.fixture
def make(authority: tls.Authority, tmp_path: Path) -> MakeReferences:
    """Make references with options; of one test, all share their cache."""

    def make(swift: str = "", **options: object) -> References:
        known = {"allow": "localhost", "ca_file": str(authority.file), "timeout": 5, **options}
        file = tmp_path / f"{len(list(tmp_path.glob('*.conf')))}.conf"
        lines = "".join(f"{name} = {value}\n" for name, value in known.items())
        file.write_text(
            f"[DEFAULT]\nstate_path = {tmp_path / 'state'}\n[references]\n{lines}"
            f"[swift]\n{textwrap.dedent(swift)}"
        )
        return References(config.settings(["--config-file", str(file)]))

    return make


@pytest.fixture
def references(make: MakeReferences) -> References:
    """References that ask every time."""
    return make(max_age=0)
