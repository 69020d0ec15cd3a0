"""A request as the controllers see it: routed, its parameters read, its body read on demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import pecan
from webob.multidict import NoVars

from craton import jsontext
from craton.api import parameters
from craton.api.errors import (
    BodyStalled,
    MalformedRequest,
    NoSuchPath,
    NotAcceptable,
    TooLarge,
    UnsupportedMediaType,
)
from craton.errors import InvalidValue
from craton.jsontext import JsonValue

if TYPE_CHECKING:
    from craton.api.routes import Route

#: Where oslo.middleware puts the id that it gives to each request.
REQUEST_ID: Final = "openstack.request_id"

#: Where the path with the names of its variable parts stands, once it is found, and who asks.
ROUTE: Final = "craton.route"
CALLER: Final = "craton.caller"

#: Where a controller leaves what a client follows, for whoever can serve it without a thread.
SUBSCRIPTION: Final = "craton.subscription"

#: Where WSGI puts the header field.
_KEY: Final = "HTTP_IDEMPOTENCY_KEY"

_DIGITS = re.compile(r"[0-9]+\Z")


class Request(pecan.Request):
    """What Pecan hands to a controller.

    Pecan itself would read the body as JSON or as a form, without a bound, to find arguments for
    the controller in it; so it is shown a request without parameters.
    """

    GET = params = NoVars("read by their route's declaration")
    #: When it came, by ``perf_counter``.
    began: float = 0.0
    #: The values in the path by name.
    segments: Mapping[str, str] = {}
    #: The query's parameters as their route declares them.
    values: Mapping[str, Any] = {}
    #: The query's parameters as they came.
    pairs: list[tuple[str, str]] = []  # noqa: RUF012
    #: How old the inventory is in seconds, where it mirrors another system's.
    age: float | None = None
    #: The declaration of the route; ``None`` before it is found.
    route: Route | None = None

    def __init__(self, environ: dict[str, Any], **keywords: Any) -> None:
        super().__init__(environ, **keywords)
        self.began = perf_counter()

    @property
    def path_pattern(self) -> str:
        """The path with the names of its variable parts; empty where there is nothing."""
        return str(self.environ.get(ROUTE, ""))

    @property
    def json(self) -> Any:
        """Nothing, to Pecan."""
        raise ValueError("the body is read by its route's declaration")

    @property
    def path_info(self) -> str:
        """The path below the application.

        Raises:
            NoSuchPath: It is not UTF-8.
        """
        try:
            return str(self.environ["PATH_INFO"]).encode("latin-1").decode()
        except UnicodeError as error:
            raise NoSuchPath from error

    @property
    def request_id(self) -> str:
        """The id that the log and the answer name."""
        return str(self.environ.get(REQUEST_ID, ""))

    def begin(self, route: Route, segments: Mapping[str, str]) -> None:
        """Read the parameters, and find out what the client accepts.

        Raises:
            InvalidQuery: A parameter is unknown, repeated or malformed.
            NotAcceptable: The client does not accept what the route gives.
            MalformedRequest: It relies on a key that the route does not heed.
        """
        if _KEY in self.environ and route.method == "POST" and not route.creates:
            raise MalformedRequest("no Idempotency-Key is heeded here", header="Idempotency-Key")
        self.route, self.segments = route, segments
        # Negotiated here, so Pecan has nothing left to do.
        self.pecan["content_type"] = route.media_types[0]
        accepted = self.environ.get("HTTP_ACCEPT", "*/*")
        if accepted != "*/*" and not self.accept.acceptable_offers(route.media_types):
            raise NotAcceptable(route.media_types)
        self.pairs = parameters.split(self.environ.get("QUERY_STRING", ""))
        self.values = parameters.read(route.parameters_by_name, self.pairs)

    def body_bytes(self) -> bytes:
        """Read the whole body.

        Raises:
            UnsupportedMediaType: It is not of a type that the route takes.
            TooLarge: It is longer than the route takes.
            MalformedRequest: It ends before its announced length.
            BodyStalled: It does not come.
            InvalidValue: There is none.
        """
        body = self.octets()
        if not body:
            raise InvalidValue("body", "must not be empty")
        return body

    def octets(self) -> bytes:
        """Read the whole body, which may be empty.

        Raises:
            UnsupportedMediaType, TooLarge, MalformedRequest, BodyStalled: As for
                :meth:`body_bytes`.
        """
        assert self.route is not None
        assert self.route.body is not None
        takes = self.route.body
        coding = self.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if coding not in {"", "identity"} or not _is_json(
            self.environ.get("CONTENT_TYPE", ""), takes.media_types
        ):
            raise UnsupportedMediaType(takes.media_types)
        return self._read(takes.limit)

    def document(self) -> JsonValue:
        """Read the body as JSON.

        Raises:
            UnsupportedMediaType, TooLarge, MalformedRequest, BodyStalled, InvalidValue: As for
                :meth:`body_bytes`, and for what is not JSON as Craton reads it.
        """
        return jsontext.decode(self.body_bytes())

    def object(self) -> dict[str, JsonValue]:
        """Read the body as a JSON object.

        Raises:
            UnsupportedMediaType, TooLarge, MalformedRequest, BodyStalled, InvalidValue: As for
                :meth:`document`, and for what is no object.
        """
        document = self.document()
        if not isinstance(document, dict):
            raise InvalidValue("body", "must be an object")
        return document

    def _read(self, limit: int) -> bytes:
        """Read the body up to a limit, whether its length is announced or not."""
        announced = self.environ.get("CONTENT_LENGTH") or ""
        if announced and not _DIGITS.match(announced):
            raise MalformedRequest("Content-Length is not a number", header="Content-Length")
        if not announced and not self.environ.get("wsgi.input_terminated"):
            return b""
        length = int(announced[:20]) if announced else None
        if length is not None and length > limit:
            raise TooLarge("bytes", limit)
        body = self._input(limit + 1 if length is None else length)
        if len(body) > limit:
            raise TooLarge("bytes", limit)
        if length is not None and len(body) < length:
            raise MalformedRequest("the body is shorter than its Content-Length")
        return body

    def _input(self, size: int) -> bytes:
        """Read so many bytes, or what there is; in one piece where the server gives one."""
        parts: list[bytes] = []
        try:
            while size > 0 and (part := self.environ["wsgi.input"].read(size)):
                parts.append(part)
                size -= len(part)
        except (BlockingIOError, TimeoutError) as error:
            raise BodyStalled from error
        return b"".join(parts)


@lru_cache(maxsize=128)
def _is_json(content_type: str, accepted: tuple[str, ...]) -> bool:
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() not in accepted or ";" not in content_type:
        return content_type.strip().lower() in accepted
    # A parameter in the form of RFC 2231 comes as a tuple, and is none that JSON has.
    parameters = {
        name.lower(): str(value).lower() for name, value in header.get_params(failobj=[])[1:]
    }
    return parameters.keys() <= {"charset"} and parameters.get("charset", "utf-8") in {
        "utf-8",
        "utf8",
    }
