"""The whole kit on a cluster of three nodes, which ``make galera`` runs."""

from __future__ import annotations

import pytest

from craton.testing import DriverSuite
from tests.functional.sql.test_conformance_mariadb import OnGalera, cluster, replicated

__all__ = ["cluster", "replicated"]


@pytest.mark.service
class TestGaleraWhole(OnGalera, DriverSuite):
    """Every clause."""
