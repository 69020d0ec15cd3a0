"""Who asks, and by which request: known to whatever works for them, however deep down.

It is kept in the context of the thread, so that what notes who did something need not be handed it
through every layer. Whoever starts a thread for a caller runs it in a copy of the context.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody who asks for something.

    Attributes:
        user_id: The id of the user where users are kept, or the name of one who has no id.
        project_id: The Keystone project that they act in, if it is one.
        roles: What they are there, in lower case.
        is_system: Whether they act on the whole service, and not in one project.
    """

    user_id: str
    project_id: str | None = None
    roles: frozenset[str] = frozenset()
    is_system: bool = False


#: Somebody of whom nothing is known, where that is asked for.
NOBODY: Final = Caller(user_id="")

#: Whoever asks while nobody is asked who they are, and Craton's own commands: all is theirs to do.
ANYBODY: Final = Caller(user_id="anonymous", roles=frozenset({"admin"}), is_system=True)

_CALLER: Final[ContextVar[Caller]] = ContextVar("craton_caller", default=ANYBODY)
_REQUEST_ID: Final[ContextVar[str]] = ContextVar("craton_request_id", default="")


def current() -> Caller:
    """Return who asks, ``ANYBODY`` outside of :func:`acting_as`."""
    return _CALLER.get()


def request_id() -> str:
    """Return the id of the request that is worked on, empty outside of one."""
    return _REQUEST_ID.get()


def begin(caller: Caller, request_id: str = "") -> None:
    """Work for a caller from here on, in a context that is then dropped."""
    _CALLER.set(caller)
    _REQUEST_ID.set(request_id)


@contextmanager
def acting_as(caller: Caller, request_id: str = "") -> Iterator[None]:
    """Work for a caller until the end of the block, by the request of this id."""
    caller_before = _CALLER.set(caller)
    request_before = _REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        _REQUEST_ID.reset(request_before)
        _CALLER.reset(caller_before)
