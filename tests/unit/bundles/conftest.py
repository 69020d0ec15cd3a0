import pytest

from tests.unit.bundles.fleets import Fleet


@pytest.fixture
def fleet():
    return Fleet()
