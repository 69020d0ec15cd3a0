"""The whole conformance kit for drivers, on the driver cmdb with a Nautobot behind it."""

from __future__ import annotations

from craton.testing import DriverSuite
from tests.functional.cmdb.nautobot.seeding import OnNautobot


class TestNautobot(OnNautobot, DriverSuite):
    """What the kit wants the CMDB to have is made through Nautobot's REST API."""
