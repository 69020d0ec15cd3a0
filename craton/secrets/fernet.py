"""Payloads sealed with keys that lie on the service's own disk.

The box is Fernet (AES-128 in CBC mode, then HMAC-SHA256; the digest is checked first, in constant
time) from the library ``cryptography``, which rotates keys and is reviewed by many. Craton adds
what a payload belongs to, and the id of the key, so that a missing key can be told from tampering.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import InvalidToken
from oslo_config import cfg

from craton.errors import ConfigurationError, SealBroken, Unavailable
from craton.secrets import binding
from craton.secrets.keys import Key, Keyring
from craton.secrets.repository import KeyRepository, State
from craton.secrets.store import SecretStore

LOG = logging.getLogger(__name__)

GROUP = "secrets"

OPTIONS: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "key_repository",
        default="$state_path/secret-keys",
        help="Directory with the keys of the fernet store, the same on every node. Made by "
        "craton-manage secret-keys create; without the keys no secret can be opened again.",
    ),
    cfg.IntOpt(
        "max_active_keys",
        default=3,
        min=3,
        help="How many keys craton-manage secret-keys reseal leaves: the staged, the primary and "
        "those before it. A key that a secret needs is never removed.",
    ),
)

_KEY_ID = re.compile("[0-9a-f]{16}")
_SEPARATOR = ":"


class FernetStore(SecretStore):
    """Keeps the payload in the sealed text itself: ``fernet:1:<key id>:<token>``."""

    mark = "fernet:1"

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        self.repository = repository(settings)
        self._known: tuple[State, Keyring] | None = None

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {GROUP: OPTIONS}

    def key_id(self, sealed: str) -> str | None:
        """Return the id of the key that a text says it was sealed with; ``None`` if it has none."""
        key_id, _, _ = sealed.removeprefix(f"{self.mark}:").partition(_SEPARATOR)
        return key_id if _KEY_ID.fullmatch(key_id) else None

    def _prepare(self) -> None:
        if not self.repository.directory.exists():
            self.repository.create()

    def _start(self) -> None:
        self._read()

    def _check(self) -> None:
        self._keyring()

    def _seal(self, payload: bytes, host_id: str, name: str) -> str:
        key = self._primary()
        token = key.fernet.encrypt(binding.bind(payload, host_id, name))
        return key.id + _SEPARATOR + token.decode("ascii")

    def _open(self, sealed: str, host_id: str, name: str) -> bytes:
        key_id, _, token = sealed.partition(_SEPARATOR)
        if not (_KEY_ID.fullmatch(key_id) and _is_canonical(token)):
            raise SealBroken(host_id, name, "what is stored was changed")
        key = self._keyring().find(key_id)
        if key is None:
            raise SealBroken(
                host_id,
                name,
                f"the key {key_id} is not in [secrets] key_repository; put it back from a copy",
            )
        try:
            frame = key.fernet.decrypt(token)
        except InvalidToken as error:
            raise SealBroken(host_id, name, "what is stored was changed") from error
        payload = binding.unbind(frame, host_id, name)
        if payload is None:
            raise SealBroken(host_id, name, "it was sealed for another host or another name")
        return payload

    def _is_current(self, sealed: str) -> bool:
        return sealed.partition(_SEPARATOR)[0] == self._primary().id

    def _primary(self) -> Key:
        primary = self._keyring().primary
        assert primary is not None
        return primary

    def _keyring(self) -> Keyring:
        try:
            return self._read()
        except ConfigurationError as error:
            LOG.error("%s", error)
            raise Unavailable("the keys for secrets cannot be read; the log says why") from error

    def _read(self) -> Keyring:
        """Return the keys, read again if their files changed."""
        # Asked before reading: what changes in between is noticed the next time.
        state = self.repository.state()
        known = self._known
        if known is None or known[0] != state:
            known = self._known = state, self.repository.read()
        return known[1]


def repository(settings: cfg.ConfigOpts) -> KeyRepository:
    """Return the key repository that the configuration names."""
    return KeyRepository(Path(settings.secrets.key_repository))


def _is_canonical(token: str) -> bool:
    """Tell whether a token is written in the one right way.

    A lenient decoder skips foreign characters and ignores the last bits, so that a changed text
    could give the same bytes.
    """
    try:
        raw = token.encode("ascii")
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(raw)) == raw
    except (UnicodeEncodeError, binascii.Error):
        return False
