"""The driver cmdb keeps the contract on a Nautobot, where it is about what the CMDB owns.

``make nautobot`` runs the whole kit in this way, which takes ten minutes.
"""

from __future__ import annotations

import pytest

from craton.testing.suite.get import GetClauses
from craton.testing.suite.mirrors import MirrorClauses
from craton.testing.suite.scan import ScanClauses
from tests.functional.cmdb.nautobot.seeding import OnNautobot

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("nautobot")]


class TestOwned(OnNautobot, GetClauses, ScanClauses, MirrorClauses):
    """Reading it, going through it, and leaving it to its owner."""
