"""Every request passes here: who sends it, and may they use this route?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from craton import caller
from craton.api.auth.access import Access, denied
from craton.api.auth.identity import anybody
from craton.api.auth.rules import rules_of
from craton.api.errors import Unauthenticated
from craton.api.request import CALLER, Request
from craton.api.routes import Route
from craton.caller import ANYBODY, NOBODY, Caller
from craton.errors import Unavailable

if TYPE_CHECKING:
    from craton.api.auth.identity import Identify

Routes: TypeAlias = Mapping[tuple[str, str], Route]


class Gate:
    """Lets those in who may use a route.

    Args:
        identify: Tells who sends a request.
        access: Tells what they may do.
        routes: The table of routes.

    Raises:
        ConfigurationError: A route has no rule.
    """

    def __init__(self, identify: Identify, access: Access, routes: Routes) -> None:
        self._identify = identify
        self._access = access
        self._rules = rules_of(routes.values())

    def admit(self, request: Request, route: Route, segments: Mapping[str, str]) -> None:
        """Work for whoever sends a request from here on, in the context of the request.

        Raises:
            Unauthenticated: The route is not open, and they do not prove who they are.
            PermissionDenied: They may not use it.
            Unavailable: Nobody can be asked who they are.
        """
        rule = self._rules[route.method, route.path]
        who = ANYBODY if self._identify is anybody else self._caller(request, rule)
        request.environ[CALLER] = who.user_id
        caller.begin(who, request.request_id)
        if not self._access.allows(rule, who, segments):
            raise denied(rule)

    def _caller(self, request: Request, rule: str) -> Caller:
        try:
            return self._identify(request.environ)
        except (Unauthenticated, Unavailable):
            if self._access.allows(rule, NOBODY):
                return NOBODY
            raise
