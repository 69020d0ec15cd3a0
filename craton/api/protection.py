"""Header fields that keep an answer from being taken for something else, or kept where it may not.

They are those of the OWASP REST Security Cheat Sheet
(https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers).
What an answer says itself stays: pages for browsers have a policy of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import TypeAlias

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo: TypeAlias = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    )

#: What every answer carries.
ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
)

#: Whoever has an answer with an entity tag may keep it and ask whether it still holds.
REVALIDATED: Final = ("Cache-Control", "private, no-cache")

#: Any other answer is for who asked, now.
UNKEPT: Final = ("Cache-Control", "no-store")

#: Said over https alone, where browsers heed it: a year. What other names under the same domain do
#: is not known here.
TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")


class Protection:
    """Middleware that adds these fields to whatever comes from the application.

    Args:
        application: What answers.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does, with more fields."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
        ) -> object:
            present = {name.lower() for name, _ in headers}
            for field in _fields(present, environ["wsgi.url_scheme"]):
                if field[0].lower() not in present:
                    headers.append(field)
            return start_response(status, headers, exc_info)

        return self._application(environ, start)  # type: ignore[arg-type]


def _fields(present: set[str], scheme: str) -> Iterable[tuple[str, str]]:
    yield from ALWAYS
    yield REVALIDATED if "etag" in present else UNKEPT
    if scheme == "https":
        yield TRANSPORT
