"""castellan's way to Barbican, made fit for a service: silent, with time-outs, and not so chatty.

castellan's own class makes a new session for each call, which costs two more round trips, waits
for ever, and lets keystoneauth log whole requests, payloads in them, at the level DEBUG.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import requests
from barbicanclient.client import Client
from castellan.common.credentials.credential import Credential
from castellan.key_manager.barbican_key_manager import BarbicanKeyManager, _barbican_opts
from keystoneauth1.exceptions import ConnectTimeout
from keystoneauth1.session import Session
from oslo_config import cfg

GROUP: Final = "barbican"

#: Seconds for one round trip, and for all that a call needs: a token, the endpoint, the object.
_TIMEOUT: Final = 4.0
_PATIENCE: Final = 9.0
_deadline: ContextVar[float] = ContextVar("deadline")

_USED: Final = frozenset(
    """
    barbican_endpoint barbican_api_version verify_ssl verify_ssl_path barbican_endpoint_type
    barbican_region_name
    """.split()
)

#: castellan's options for Barbican, less those for what Craton does not ask of it.
OPTIONS: Final[Sequence[cfg.Opt]] = [option for option in _barbican_opts if option.dest in _USED]


@contextmanager
def patience() -> Iterator[None]:
    """Let everything that a block asks of Barbican and Keystone take 9 seconds together.

    A call makes several round trips, one after the other, and each may be slow without failing.
    """
    token = _deadline.set(time.monotonic() + _PATIENCE)
    try:
        yield
    finally:
        _deadline.reset(token)


class SilentSession(Session):
    """A session that logs neither requests nor answers, whatever the level, and gives up in time.

    Raises:
        ConnectTimeout: The patience is at its end.
    """

    def request(self, *args: Any, **keywords: Any) -> requests.Response:
        left = _deadline.get() - time.monotonic()
        if left <= 0:
            raise ConnectTimeout("there was no answer in time")
        return super().request(*args, **{**keywords, "log": False, "timeout": min(left, _TIMEOUT)})


class Barbican(BarbicanKeyManager):
    """Barbican, for the one credential of the service; to be used inside of :func:`patience`.

    Args:
        settings: The service's configuration.
        credential: Who the service is; what the methods are given as ``context`` does not matter.
    """

    def __init__(self, settings: cfg.ConfigOpts, credential: Credential) -> None:
        super().__init__(settings)
        self._credential = credential
        self._client: Any = None

    def ping(self) -> None:
        """Make a round trip that reads next to nothing."""
        self._get_barbican_client(self._credential).secrets.list(limit=1)

    def _get_barbican_client(self, context: object) -> Any:
        # Two threads may both make one; either will do.
        if self._client is None:
            auth = self._get_keystone_auth(self._credential)
            session = SilentSession(auth=auth, verify=self._verify)
            self._client = Client(
                version=self.conf.barbican.barbican_api_version,
                session=session,
                endpoint=self._get_barbican_endpoint(auth, session),
            )
        return self._client
