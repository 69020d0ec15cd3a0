"""Callers with a name and a password (RFC 7617), from a file in the manner of htpasswd."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from oslo_config import cfg
from oslo_middleware.basic_auth import authenticate, parse_header, parse_token, validate_auth_file
from oslo_middleware.exceptions import ConfigInvalid
from webob.exc import HTTPBadRequest, HTTPUnauthorized

from craton.api.errors import Unauthenticated
from craton.caller import Caller
from craton.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CHALLENGE: Final = 'Basic realm="Craton", charset="UTF-8"'

#: Whoever is not named.
_EVERYBODY_ELSE: Final = "*"

#: What comes with a role, as in Keystone.
_IMPLIED: Final = {
    "reader": frozenset({"reader"}),
    "member": frozenset({"reader", "member"}),
    "admin": frozenset({"reader", "member", "admin"}),
}


class HttpBasic:
    """Checks names and passwords; whoever has both acts on the whole service.

    The file is read for each request, so that a password which is taken out of it is worthless at
    once. oslo.middleware does that; its middleware would answer with 401 whatever goes wrong below
    it, so its parts are used.

    Raises:
        ConfigurationError: The file of users cannot be used, or a role is none.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._file = conf.api.http_basic_auth_user_file
        self._roles = {user: _roles(role) for user, role in conf.api.http_basic_roles.items()}
        try:
            validate_auth_file(self._file)
        except ConfigInvalid as error:
            raise ConfigurationError(
                f"[api] http_basic_auth_user_file: {self._file} cannot be read"
            ) from error
        except (HTTPBadRequest, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"[api] http_basic_auth_user_file: {self._file} may hold passwords by bcrypt only; "
                "make it with htpasswd -B"
            ) from error

    def __call__(self, environ: WSGIEnvironment) -> Caller:
        """Tell who sends a request.

        Raises:
            Unauthenticated: There is no name with this password.
            Unavailable: The file of users cannot be used any more.
        """
        try:
            user, password = parse_token(parse_header(environ))
        except (HTTPBadRequest, HTTPUnauthorized, binascii.Error) as error:
            raise Unauthenticated(_CHALLENGE) from error
        try:
            authenticate(self._file, user, password)
        except HTTPBadRequest as error:
            raise Unavailable("the file of users cannot be used") from error
        except (HTTPUnauthorized, ValueError) as error:
            # bcrypt takes neither long passwords nor what is no hash: ValueError.
            raise Unauthenticated(_CHALLENGE) from error
        roles = self._roles.get(user, self._roles.get(_EVERYBODY_ELSE, frozenset()))
        return Caller(user_id=user, roles=roles, is_system=True)


def _roles(role: str) -> frozenset[str]:
    if role not in _IMPLIED:
        raise ConfigurationError(
            f"[api] http_basic_roles: {role!r} must be one of {', '.join(_IMPLIED)}"
        )
    return _IMPLIED[role]
