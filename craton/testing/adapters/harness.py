"""What the author of an adapter tells the kit: how to change the CMDB by its own ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from oslo_config import cfg

from craton import config
from craton.cmdb import CmdbAdapter


class NotExercised(Exception):
    """The harness has no way to do what a test asks for; the report says so, with the reason."""


class Trouble(Enum):
    """What can happen to a CMDB, or on the way to it."""

    AWAY = "away"
    """Nobody listens, or nothing is where it should be."""

    SILENT = "silent"
    """It takes the question, and does not answer."""

    DENIED = "denied"
    """It refuses the credentials."""

    NONSENSE = "nonsense"
    """It answers, as if nothing were wrong, with something that is not an answer."""

    FAILING = "failing"
    """It answers that something went wrong inside of it."""

    CUT = "cut"
    """It begins to answer, and the rest does not come."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine that the kit wants the CMDB to have.

    Attributes:
        name: Its name. Only one machine of the name is there, unless the kit asks for a twin.
        address: An IPv4 or IPv6 address, which the adapter gives as ``ip_address``.
        groups: What the CMDB files it under, if the harness says ``groups``.
    """

    name: str
    address: str
    groups: tuple[str, ...] = ()


class AdapterHarness(ABC):
    """One CMDB for the kit, which it fills and empties again and again."""

    #: The class under test.
    adapter: ClassVar[type[CmdbAdapter]]

    #: The clauses that the adapter does not keep, each with the reason. A waiver that is no longer
    #: needed fails the run.
    waivers: Mapping[str, str] = {}

    #: Whether the adapter makes groups of a machine's ``groups``, with their names.
    groups: ClassVar[bool] = False

    #: How many machines are surely more than the adapter takes at once.
    many: ClassVar[int] = 1000

    #: Seconds after which a CMDB that is silent must have been noticed; the contract's limit.
    patience: ClassVar[float] = 30.0

    @abstractmethod
    def settings(self) -> cfg.ConfigOpts:
        """Return the configuration, with the adapter's options in it.

        The kit is over sooner if it lets the adapter wait for a second only.
        """

    @abstractmethod
    def reset(self) -> None:
        """Leave no machine in the CMDB that the adapter would find. No adapter is open."""

    @abstractmethod
    def put(self, machines: Sequence[Machine]) -> None:
        """Let the CMDB have these machines: new ones, and those of a known name as they are now.

        The next stream that begins must see them. So it is with all changes below.
        """

    @abstractmethod
    def remove(self, names: Sequence[str]) -> None:
        """Delete machines from the CMDB."""

    def load(self) -> CmdbAdapter:
        """Make an adapter on the CMDB; it is not open yet.

        Raises:
            ConfigurationError: An option has a value that it does not take.
        """
        settings = self.settings()
        options = self.adapter.options()
        config.register(settings, options)
        config.check(settings, options)
        return self.adapter(settings)

    def secrets(self) -> Sequence[str]:
        """Return what nobody may see; the values of all options that are declared secret."""
        settings = self.load().settings
        return [
            str(value)
            for group, options in self.adapter.options().items()
            for option in options
            if option.secret and (value := settings[group][option.dest])
        ]

    # -- what not every CMDB can do: each of these raises NotExercised where there is no way ------

    def rename(self, name: str, new: str) -> None:
        """Give a machine another name; for the CMDB it is the same object."""
        raise NotExercised("the harness renames nothing")

    def spoil(self, name: str) -> None:
        """Change a machine into one that makes no valid entity, such as one without a name."""
        raise NotExercised("the harness spoils nothing")

    def twin(self, name: str) -> None:
        """Add a machine that cannot be told from one that is there, or that has its name."""
        raise NotExercised("the harness makes no twins")

    def forget(self) -> None:
        """Let the CMDB forget what has changed so far, so that tokens are too old."""
        raise NotExercised("the harness lets the CMDB forget nothing")

    def trouble(self, trouble: Trouble) -> AbstractContextManager[None]:
        """Return a context in which the CMDB is in trouble, also for adapters that are open."""
        raise NotExercised(f"the harness offers no CMDB that is {trouble.value}")
