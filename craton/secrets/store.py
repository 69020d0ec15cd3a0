"""The contract between Craton and what seals the payloads of its secrets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

from oslo_config import cfg

from craton.errors import InvalidValue, SealBroken

#: The longest payload, in bytes.
MAX_PAYLOAD: Final = 2**20

#: The longest sealed text of any store, in characters: the longest payload in base64, and room.
MAX_SEALED: Final = 1_500_000


class SecretStore(ABC):
    """Seals and opens payloads. One may be used by several threads at once.

    A store derives from this class and writes the hooks, whose names begin with an underscore.

    Args:
        settings: The service's configuration, with this store's own options registered.
    """

    #: The version of this contract that the store is written for.
    contract: ClassVar[int] = 1

    #: What stands before each text that the store made, so that another does not try to open it:
    #: the name of its entry point, and the version of its format.
    mark: ClassVar[str]

    #: Whether the store keeps something elsewhere, which :meth:`discard` lets go of.
    keeps: ClassVar[bool] = False

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        self.settings = settings

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        """Return the store's own options by group; they are registered before it is made."""
        return {}

    def prepare(self) -> None:
        """Make what the store needs and has not got yet, for a service that looks after itself.

        Raises:
            ConfigurationError: It cannot be made.
        """
        self._prepare()

    def start(self) -> None:
        """Get ready; what the store talks to may be away, no round trip is made.

        Raises:
            ConfigurationError: An option, or a file that it names, cannot be used.
        """
        self._start()

    def check(self) -> None:
        """Find out whether payloads could be sealed and opened now.

        Raises:
            Unavailable: They could not.
        """
        self._check()

    def seal(self, payload: bytes, host_id: str, name: str) -> str:
        """Return a text that :meth:`open` turns back into the payload, and nothing else does.

        Args:
            payload: At most ``MAX_PAYLOAD`` bytes, of any kind.
            host_id: The host that the secret belongs to.
            name: The name of the secret.

        Returns:
            ASCII, at most ``MAX_SEALED`` characters, another one each time.

        Raises:
            InvalidValue: The payload is too long.
            Unavailable: The store is away.
        """
        if len(payload) > MAX_PAYLOAD:
            raise InvalidValue("payload", f"must have at most {MAX_PAYLOAD} bytes")
        return self._head + self._seal(payload, host_id, name)

    def open(self, sealed: str, host_id: str, name: str) -> bytes:
        """Return the payload that was sealed for this host and this name.

        Raises:
            SealBroken: The text was changed, was sealed for another host or name, or what opens it
                is gone. Nothing of the payload is told.
            Unavailable: The store is away.
        """
        if not self.made(sealed):
            raise SealBroken(host_id, name, f"it was not sealed by {self.mark!r}")
        return self._open(sealed.removeprefix(self._head), host_id, name)

    def made(self, sealed: str) -> bool:
        """Tell whether a text says that this store made it, in its present format."""
        return sealed.startswith(self._head)

    def is_current(self, sealed: str) -> bool:
        """Tell whether sealing again would protect the payload no better. Nothing is opened."""
        return self.made(sealed) and self._is_current(sealed.removeprefix(self._head))

    def discard(self, sealed: str) -> None:
        """Let go of what the store keeps elsewhere for a text that nobody will open again.

        What is gone already is no error; of another store's text nothing is kept here.

        Raises:
            Unavailable: The store is away.
        """
        if self.made(sealed):
            self._discard(sealed.removeprefix(self._head))

    @property
    def _head(self) -> str:
        return f"{self.mark}:"

    # -- hooks ---------------------------------------------------------------------------------

    def _prepare(self) -> None:  # noqa: B027
        """Make what is not there yet; what is there stays as it is."""

    def _start(self) -> None:  # noqa: B027 - not every store has something to do
        """Get ready, without a round trip."""

    def _check(self) -> None:  # noqa: B027
        """Find out whether payloads could be sealed and opened now."""

    @abstractmethod
    def _seal(self, payload: bytes, host_id: str, name: str) -> str:
        """Return what stands behind the mark."""

    @abstractmethod
    def _open(self, sealed: str, host_id: str, name: str) -> bytes:
        """Open what stands behind the mark; the text may be anything."""

    def _is_current(self, sealed: str) -> bool:
        """Tell whether sealing again would do nothing better."""
        return True

    def _discard(self, sealed: str) -> None:  # noqa: B027
        """Let go of what is kept elsewhere; the text may be anything."""
