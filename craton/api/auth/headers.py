"""What a client says of itself without proof is dropped before anything reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Variables of the environment by which servers and middleware tell who somebody is. Not all of
#: them come from header fields; behind Craton's own server nobody has a right to set them.
_DROPPED: Final = frozenset(
    {
        "REMOTE_USER",
        "REMOTE_IDENT",
        "AUTH_TYPE",
        "HTTP_FORWARDED",
        "HTTP_REMOTE_USER",
        "HTTP_X_REAL_IP",
        "HTTP_X_STORAGE_TOKEN",
        "HTTP_X_ROLE",
        "HTTP_X_ROLES",
        "HTTP_X_IS_ADMIN_PROJECT",
        "HTTP_X_IDENTITY_STATUS",
        "HTTP_X_SYSTEM_SCOPE",
        "HTTP_OPENSTACK_SYSTEM_SCOPE",
    }
)

#: How the names of others begin: ``X-User-Id``, ``X-Project-Domain-Name``, ``X-Forwarded-For`` ….
_FAMILIES: Final = tuple(
    f"HTTP_X_{family}"
    for family in ("USER", "PROJECT", "TENANT", "DOMAIN", "SERVICE", "FORWARDED", "REMOTE")
)


def is_identity(name: str) -> bool:
    """Tell whether a variable of a WSGI environment would say who a caller is."""
    return name in _DROPPED or name.startswith(_FAMILIES)


class WithoutIdentity:
    """Middleware that drops what a client says of itself; credentials are left to be checked.

    Args:
        application: What answers.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        for name in [name for name in environ if is_identity(name)]:
            del environ[name]
        return self._application(environ, start_response)
