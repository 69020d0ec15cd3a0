"""The errors that only HTTP knows, and the status of every error."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from craton.errors import (
    Conflict,
    CratonError,
    InvalidInput,
    InvalidQuery,
    NotFound,
    OwnerUnavailable,
    PermissionDenied,
    ReferenceUnusable,
    RevisionConflict,
    Unavailable,
    Unsupported,
)


class MalformedRequest(InvalidInput):
    """The request does not follow the rules of HTTP."""

    code = "malformed"


class NoSuchPath(CratonError):
    """The path leads nowhere."""

    code = "no_such_path"

    def __init__(self) -> None:
        super().__init__("there is nothing at this path; mind that paths end without a slash")


class MethodNotAllowed(CratonError):
    """The path has no such method.

    Args:
        allowed: The methods that it has.
    """

    code = "method_not_allowed"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        self.allowed = sorted(allowed)
        super().__init__(f"{method} is not allowed here", allowed=self.allowed)


class UnknownMethod(CratonError):
    """No path has such a method."""

    code = "unknown_method"

    def __init__(self) -> None:
        super().__init__("the service does not know this method")


class NotAcceptable(CratonError):
    """The client accepts nothing of what the path can give.

    Args:
        offered: The media types that it can give.
    """

    code = "not_acceptable"

    def __init__(self, offered: Iterable[str]) -> None:
        types = list(offered)
        super().__init__(f"the answer can only be {' or '.join(types)}", offered=types)


class UnsupportedMediaType(CratonError):
    """The body is of a type that the path does not take.

    Args:
        accepted: The media types that it takes.
    """

    code = "unsupported_media_type"

    def __init__(self, accepted: Iterable[str]) -> None:
        self.accepted = list(accepted)
        super().__init__(
            f"the body must be {' or '.join(self.accepted)} in UTF-8, not compressed",
            accepted=self.accepted,
        )


class TooLarge(CratonError):
    """The request holds more than the service takes at once.

    Args:
        what: What there is too much of.
        limit: How much there may be.
    """

    code = "too_large"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"no more than {limit} {what} in one request", limit=limit)


class BodyStalled(CratonError):
    """The client announced a body and did not send it."""

    code = "body_stalled"

    def __init__(self) -> None:
        super().__init__("the body did not come in time; send the request again")


class Busy(CratonError):
    """As much of this is done already as the service does at once.

    Args:
        what: What is done.
        limit: How much of it is done at once.
        retry_after: Seconds after which another try is sensible.
    """

    code = "busy"

    def __init__(self, what: str, limit: int, retry_after: int = 5) -> None:
        super().__init__(f"no more than {limit} {what} at once", limit=limit)
        self.retry_after = retry_after


class TooManyRequests(CratonError):
    """The caller asks more often than they may.

    Args:
        limit: How often they may.
        retry_after: Seconds after which they may again.
    """

    code = "too_many_requests"

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"no more than {limit}", limit=limit)
        self.retry_after = retry_after


class PreconditionFailed(CratonError):
    """The entity is not in the state that the client's condition names."""

    code = "precondition_failed"


class PreconditionRequired(CratonError):
    """A write without If-Match, where the service insists on one."""

    code = "precondition_required"

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag of what you read", header="If-Match")


class IdempotencyKeyReused(CratonError):
    """The key was sent before, with another body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key came before with another body; take a new key for a new request",
            header="Idempotency-Key",
        )


class Unauthenticated(CratonError):
    """Nobody vouches for whoever sends the request.

    Args:
        challenge: What WWW-Authenticate says: how to prove who one is.
    """

    code = "unauthenticated"

    def __init__(self, challenge: str) -> None:
        super().__init__("send credentials that are good; these are missing, wrong or out of date")
        self.challenge = challenge


#: The status of each class and of all below it that are not named themselves.
STATUS: Final[dict[type[BaseException], HTTPStatus]] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NoSuchPath: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    Conflict: HTTPStatus.CONFLICT,
    ReferenceUnusable: HTTPStatus.BAD_GATEWAY,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    BodyStalled: HTTPStatus.REQUEST_TIMEOUT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unsupported: HTTPStatus.NOT_IMPLEMENTED,
    UnknownMethod: HTTPStatus.NOT_IMPLEMENTED,
    OwnerUnavailable: HTTPStatus.BAD_GATEWAY,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    BaseException: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: BaseException, conditional: bool) -> HTTPStatus:
    """Return the status that tells of an error.

    Args:
        error: Any error at all.
        conditional: Whether the request carried If-Match: a lost race then is a failed condition.
    """
    if conditional and isinstance(error, RevisionConflict):
        return HTTPStatus.PRECONDITION_FAILED
    return next(STATUS[base] for base in type(error).__mro__ if base in STATUS)


def headers_of(error: BaseException) -> dict[str, str]:
    """Return the header fields that go with an error."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": error.challenge}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, Unavailable | Busy | TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return {}


def invalid_parameter(name: str, rule: str) -> InvalidQuery:
    """Make the error for a query parameter; it names the parameter."""
    return InvalidQuery(f"the parameter {name!r} {rule}", parameter=name)
