"""How old an answer is, where the inventory is another system's, and how a client asks for news."""

from __future__ import annotations

from typing import Any, Final

import pecan.hooks

from craton import caller
from craton.api.auth.tenancy import Sight
from craton.api.request import Request
from craton.api.routes import WEB
from craton.api.run_routes import RUNS
from craton.capabilities import Capability
from craton.driver import InventoryDriver, now
from craton.errors import SyncHeld
from craton.models import Region

#: Methods whose answers are a part of the inventory.
_READING: Final = frozenset({"GET", "HEAD"})

#: Paths that tell of the service and not of the inventory.
_ELSEWHERE: Final = frozenset(
    {"", "/", "/v1", "/v1/capabilities", "/v1/openapi.json", "/healthcheck", "/metrics"}
)

#: What paths begin with that tell of nothing which is mirrored.
_NOT_MIRRORED: Final = (WEB, RUNS)


class Freshness(pecan.hooks.PecanHook):
    """Says with ``Age`` how old the mirror is, and heeds ``Cache-Control: no-cache``.

    The age is taken before anything is read, so an answer is never older than it says.

    Args:
        driver: The inventory; of one that mirrors nobody, answers are never old.
    """

    def __init__(self, driver: InventoryDriver) -> None:
        self._driver = driver
        self._mirrors = Capability.MIRROR in driver.capabilities

    def before(self, state: Any) -> None:
        """Bring the mirror up to date if the client insists, and take its age."""
        request: Request = state.request
        if not self._mirrors or not _reads(request):
            return
        if _insists(request):
            self._sync()
        request.age = self._driver.mirror_status().age(now())

    def after(self, state: Any) -> None:
        """Say how old the answer is."""
        age = state.request.age
        if age is not None and state.response.status_int < 500:
            state.response.headers["Age"] = str(int(age))

    def _sync(self) -> None:
        report = self._driver.sync()
        if report.held:
            owner = self._driver.mirror_status().owner
            sight = Sight(self._driver, caller.current())
            names = [held.name for held in report.held if sight.sees_id(Region, held.region)]
            raise SyncHeld(owner, names or ["another region"])


def _reads(request: Request) -> bool:
    path = request.path_pattern
    reads = request.method in _READING and path not in _ELSEWHERE
    return reads and not path.startswith(_NOT_MIRRORED)


def _insists(request: Request) -> bool:
    directives = request.environ.get("HTTP_CACHE_CONTROL", "").split(",")
    return any(directive.strip().lower() == "no-cache" for directive in directives)
