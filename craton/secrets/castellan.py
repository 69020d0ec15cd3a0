"""Payloads kept in Barbican, reached through castellan with the service's own credentials.

The inventory keeps a reference, ``castellan:1:<id>:<digest>``. What lies in Barbican is the payload
with its host and name before it, and a salt before those; the digest is of all that. So neither a
reference that was moved, nor another object in Barbican's place opens, and without the salt the
digest says nothing about the payload.

The object is opaque data in Barbican's words: a text would lose its last newline there.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from barbicanclient.exceptions import BarbicanException, HTTPError
from castellan.common.credentials.credential import Credential
from castellan.common.exception import CastellanException, ManagedObjectNotFoundError
from castellan.common.objects.opaque_data import OpaqueData
from castellan.common.utils import credential_factory, credential_opts
from castellan.key_manager import key_manager_opts
from keystoneauth1.exceptions import ClientException
from oslo_config import cfg

from craton.errors import BackendFault, ConfigurationError, InvalidValue, SealBroken, Unavailable
from craton.secrets import barbican, binding
from craton.secrets.barbican import Barbican
from craton.secrets.store import SecretStore

LOG = logging.getLogger(__name__)

GROUP: Final = "key_manager"

_BACKEND: Final = "barbican"
_SALT_BYTES: Final = 32
_SEALED = re.compile("([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9a-f]{64})")
_CHANGED: Final = "what is stored was changed"

#: The answers to an object that is larger than Barbican is told to take.
_TOO_LARGE: Final = frozenset({400, 413})


class CastellanStore(SecretStore):
    """Keeps payloads in Barbican; the sealed text is a reference."""

    mark = "castellan:1"
    keeps = True

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self._manager: Barbican | None = None

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {GROUP: [*key_manager_opts, *credential_opts], barbican.GROUP: barbican.OPTIONS}

    def _start(self) -> None:
        self._made()

    def _check(self) -> None:
        with _translated("be reached"):
            self._barbican.ping()

    def _seal(self, payload: bytes, host_id: str, name: str) -> str:
        content = secrets.token_bytes(_SALT_BYTES) + binding.bind(payload, host_id, name)
        with _translated("keep a payload"):
            id = self._barbican.store(None, OpaqueData(content, name=f"craton host {host_id}"))
        sealed = f"{id}:{hashlib.sha256(content).hexdigest()}"
        if not _SEALED.fullmatch(sealed):
            raise BackendFault("Barbican gave an id that is no UUID")
        return sealed

    def _open(self, sealed: str, host_id: str, name: str) -> bytes:
        match = _SEALED.fullmatch(sealed)
        if match is None:
            raise SealBroken(host_id, name, _CHANGED)
        try:
            with _translated("give a payload back"):
                content = self._barbican.get(None, match[1]).get_encoded()
        except ManagedObjectNotFoundError as error:
            reason = "Barbican has no such object (any more), or what is stored was changed"
            raise SealBroken(host_id, name, reason) from error
        except ValueError as error:
            raise SealBroken(host_id, name, "the object in Barbican has no content") from error
        if not isinstance(content, bytes) or not hmac.compare_digest(
            hashlib.sha256(content).hexdigest(), match[2]
        ):
            reason = "the object in Barbican is not the one that was put there"
            raise SealBroken(host_id, name, reason)
        payload = binding.unbind(content[_SALT_BYTES:], host_id, name)
        if payload is None:
            raise SealBroken(host_id, name, "it was sealed for another host or another name")
        return payload

    def _discard(self, sealed: str) -> None:
        match = _SEALED.fullmatch(sealed)
        if match is None:
            return
        try:
            with _translated("delete a payload"):
                self._barbican.delete(None, match[1], force=True)
        except ManagedObjectNotFoundError:
            LOG.debug("Barbican had no object %s to delete", match[1])

    @property
    def _barbican(self) -> Barbican:
        return self._manager or self._made()

    def _made(self) -> Barbican:
        manager = self._manager = Barbican(self.settings, _credential(self.settings))
        return manager


def _credential(settings: cfg.ConfigOpts) -> Credential:
    options = settings.key_manager
    if options.backend != _BACKEND:
        raise ConfigurationError(
            f"[key_manager] backend is {options.backend!r}: Craton keeps secrets in {_BACKEND} only"
        )
    if options.auth_type not in {"keystone_password", "keystone_token"} or not options.auth_url:
        raise ConfigurationError(
            "the secret store castellan needs the service's credentials: set [key_manager] "
            "auth_type to keystone_password, auth_url, username, password, project_name and the "
            "names of the domains"
        )
    try:
        return credential_factory(settings)
    except CastellanException as error:
        raise ConfigurationError(f"[key_manager]: {error}") from error


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what the libraries raise into errors of Craton, but for an object that is not there."""
    try:
        with barbican.patience():
            yield
    except ManagedObjectNotFoundError:
        raise
    except (CastellanException, ClientException, BarbicanException, HTTPError) as error:
        status = _status(error)
        # Not the message, which belongs to others.
        LOG.error("Barbican cannot %s: %s, HTTP status %s", what, type(error).__name__, status)
        if what == "keep a payload" and status in _TOO_LARGE:
            raise InvalidValue(
                "payload",
                "is more than Barbican takes; its operator may raise max_allowed_secret_in_bytes "
                "and max_allowed_request_size_in_bytes",
            ) from error
        raise Unavailable(f"Barbican cannot {what} now; the log says more") from error


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status behind an error; castellan wraps the error that has it."""
    while error is not None:
        status = getattr(error, "status_code", None) or getattr(error, "http_status", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None
