import pytest

from tests.oracle.oracle import Oracle


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """Ansible in a process of its own, one for each worker."""
    with Oracle(tmp_path_factory.mktemp("oracle") / "home") as oracle:
        yield oracle
