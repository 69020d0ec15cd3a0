from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle.oracle import Oracle


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """Ansible in a process of its own, one for each worker."""
    with Oracle(tmp_path_factory.mktemp("oracle") / "home") as oracle:
        yield oracle
