"""Callers with a token of Keystone, which keystonemiddleware checks."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from keystoneauth1.exceptions import ClientException
from keystonemiddleware import auth_token
from keystonemiddleware.auth_token import AuthProtocol
from oslo_config import cfg
from webob import Request

from craton.api.errors import Unauthenticated
from craton.caller import Caller
from craton.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GROUP: Final = "keystone_authtoken"

#: What differs from the middleware's own defaults. A token that is kept for minutes stays good for
#: as long after it was revoked, and a Keystone that is away must not hold requests up.
DEFAULTS: Final = {
    "token_cache_time": -1,
    "http_connect_timeout": 3,
    "http_request_max_retries": 1,
}

_TOKEN: Final = "HTTP_X_AUTH_TOKEN"
_CALLER: Final = "craton.confirmed"
_NO_ROLES: Final[frozenset[str]] = frozenset()


def set_defaults() -> None:
    """Change the defaults of options; the generator of the sample configuration calls it, too."""
    for _, options in auth_token.AUTH_TOKEN_OPTS:
        cfg.set_defaults(options, **DEFAULTS)


class Keystone:
    """Checks tokens.

    The middleware is asked for each request that needs to know its caller, and not put in front of
    all: some paths are open, an error is a problem document, and a Keystone that is away is told
    apart from a bad token.

    Raises:
        ConfigurationError: An option of ``[keystone_authtoken]`` is missing or wrong.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        set_defaults()
        try:
            self._middleware = AuthProtocol(
                _confirmed, {"oslo_config_config": conf, "delay_auth_decision": False}
            )
        except (cfg.Error, ValueError, ClientException) as error:
            raise ConfigurationError(f"[{GROUP}]: {error}") from error
        uri = conf[GROUP].www_authenticate_uri
        if not uri or not conf[GROUP].auth_type:
            raise ConfigurationError(
                f"[api] auth_strategy is keystone: set [{GROUP}] www_authenticate_uri, auth_type "
                "and what that type of authentication needs"
            )
        self._challenge = f'Keystone uri="{uri}"'

    def __call__(self, environ: WSGIEnvironment) -> Caller:
        """Tell who sends a request.

        Raises:
            Unauthenticated: There is no token, or none that Keystone vouches for.
            Unavailable: Keystone does not answer.
        """
        token = environ.pop(_TOKEN, None)
        if not token:
            raise Unauthenticated(self._challenge)
        request = Request(
            {**environ, _TOKEN: token, "wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"}
        )
        try:
            answer = request.get_response(self._middleware)
        except ClientException as error:
            raise Unavailable("Keystone cannot be asked who the caller is") from error
        if answer.status_int == HTTPStatus.UNAUTHORIZED:
            raise Unauthenticated(self._challenge)
        found: Any = request.environ.get(_CALLER)
        if not isinstance(found, Caller):
            raise Unavailable("Keystone cannot be asked who the caller is")
        return found


def _confirmed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer to a token that is good, and leave behind whose it is."""
    project = environ.get("HTTP_X_PROJECT_ID") or None
    is_system = environ.get("HTTP_OPENSTACK_SYSTEM_SCOPE") == "all"
    roles = (environ.get("HTTP_X_ROLES") or "").lower().split(",")
    environ[_CALLER] = Caller(
        user_id=environ["HTTP_X_USER_ID"],
        project_id=project,
        # What somebody is in a domain says nothing of a project or of the service.
        roles=frozenset(filter(None, roles)) if project or is_system else _NO_ROLES,
        is_system=is_system,
    )
    start_response("204 No Content", [])
    return []
