"""How callers prove who they are, by ``[api] auth_strategy``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from oslo_config import cfg

from craton.caller import ANYBODY, Caller
from craton.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    #: Tells who sends a request, or raises :class:`craton.api.errors.Unauthenticated`.
    Identify: TypeAlias = Callable[[WSGIEnvironment], Caller]


def anybody(environ: WSGIEnvironment) -> Caller:
    """Ask nobody who they are."""
    return ANYBODY


def identity(conf: cfg.ConfigOpts) -> Identify:
    """Return what tells who sends a request.

    Raises:
        ConfigurationError: The strategy cannot be used as it is configured.
    """
    match conf.api.auth_strategy:
        case "http_basic":
            from craton.api.auth.basic import HttpBasic

            return HttpBasic(conf)
        case "keystone":
            try:
                from craton.api.auth.keystone import Keystone
            except ImportError as error:
                raise ConfigurationError(
                    "[api] auth_strategy is keystone, and keystonemiddleware is not installed: "
                    "install craton[keystone]"
                ) from error
            return Keystone(conf)
    return anybody
