"""The contract of a fetcher: how files of one URL scheme are fetched.

A fetcher is found by an entry point of the group ``craton.references``, whose name is the URL's
scheme up to a ``+`` (``git`` has ``git+https://…``). It speaks HTTP through the session that it is
given, which sees to time, size, addresses and certificates; one that speaks something else has to
see to all that itself. It keeps no state that grows, and may be called by several threads at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from oslo_config import cfg

from craton.references.http import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What a server said of a file.

    Attributes:
        content: The file; ``None`` when it is still what was fetched before.
        commit: The commit in which it was found, where there are commits.
        validators: Texts by which the next fetch can ask whether it changed, such as an ETag.
    """

    content: bytes | None
    commit: str | None = None
    validators: Mapping[str, str] = field(default_factory=dict)


class Fetcher(ABC):
    """Fetches the files of one scheme.

    Args:
        settings: The service's configuration, with this fetcher's own options registered.

    Raises:
        ConfigurationError: An option, or a file that it names, cannot be used.
    """

    #: The version of this contract that the fetcher is written for.
    contract: ClassVar[int] = 1

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        self.settings = settings

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        """Return the fetcher's own options by group; they are registered before it is made."""
        return {}

    @property
    def traffic(self) -> int:
        """How many bytes a fetch may receive in all, which is more than the file is long."""
        return int(self.settings.references.max_bytes) + 2**20

    @abstractmethod
    def check(self, url: str) -> None:
        """Check the form of a URL; nothing is asked of anybody.

        Raises:
            InvalidValue: It is not a URL of this scheme, or one that is never fetched.
        """

    @abstractmethod
    def fetch(self, url: str, known: Mapping[str, str], http: Session) -> Document:
        """Fetch a file, or learn that it did not change.

        Args:
            url: A URL that passed :meth:`check`.
            known: The validators that an earlier fetch returned; empty to fetch in any case.
            http: Good for this fetch, and closed after it.

        Raises:
            FetchFailed: The file cannot be had.
        """
