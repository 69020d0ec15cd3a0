"""How often one caller may ask."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, Final

import pecan.hooks
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError as LimitsError
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from oslo_config import cfg

from craton import caller
from craton.api.errors import TooManyRequests
from craton.api.request import Request
from craton.errors import ConfigurationError

LOG = logging.getLogger(__name__)

#: A load balancer asks this, however busy the service is.
_FREE: Final = "/healthcheck"


class Rates(pecan.hooks.PecanHook):
    """Counts requests by caller, and refuses those that are too many.

    The window slides, so that nobody has twice as many around the turn of a minute, and takes two
    numbers for a caller, whatever the rate.

    Args:
        conf: The service's configuration.

    Raises:
        ConfigurationError: The rate, or the storage, is not what their options take.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._rate: RateLimitItem | None = None
        if not conf.api.rate_limit:
            return
        try:
            self._rate = parse(conf.api.rate_limit)
        except ValueError as error:
            raise ConfigurationError(
                f"[api] rate_limit: {conf.api.rate_limit!r} is no rate such as '100/second'"
            ) from error
        try:
            storage = storage_from_string(conf.api.rate_limit_storage, wrap_exceptions=True)
        except (LimitsError, ValueError) as error:
            raise ConfigurationError(
                "[api] rate_limit_storage must be memory:// or redis://host:port"
            ) from error
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    def before(self, state: Any) -> None:
        """Count a request, once it is known whose it is, and before anything is done for it.

        Raises:
            TooManyRequests: It is one too many.
        """
        request: Request = state.request
        if self._rate is None or request.environ["PATH_INFO"] == _FREE:
            return
        key = _key(request)
        try:
            if self._limiter.hit(self._rate, *key):
                return
            reset = self._limiter.get_window_stats(self._rate, *key).reset_time
        except StorageError:
            # Whoever counts is away. To refuse everybody would be worse than what it guards from.
            LOG.warning("Requests cannot be counted, and so they are not limited", exc_info=True)
            return
        raise TooManyRequests(str(self._rate), max(1, math.ceil(reset - time.time())))


def _key(request: Request) -> tuple[str, str]:
    asking = caller.current()
    if asking == caller.ANYBODY or not asking.user_id:
        return "address", str(request.environ.get("REMOTE_ADDR", ""))
    return "user", asking.user_id
