"""The names of what Redis keeps.

All keys of one run hold its id in braces, so that a cluster would keep them on one node. What is
found by region stands in keys of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The ids of regions that had runs: a set.
REGIONS: Final = "craton:runs:regions"

#: The ids of runs that have not ended, and of a few that have: a sorted set, by id.
UNFINISHED: Final = "craton:runs:unfinished"

#: Scripts get the keys of a run in this order; ``common.lua`` names them.
_PARTS: Final = (
    "run",
    "events",
    "material",
    "running",
    "states",
    "tasks",
    "messages",
    "hosts",
    "started",
    "finished",
    "order",
    "draft",
)


def region(region_id: str) -> str:
    """Return the key of the ids of a region's runs, some of which may be gone: a sorted set."""
    return f"craton:runs:region:{region_id}"


def reached(region_id: str) -> str:
    """Return the key of what is known of reaching a region's hosts: a hash, by the host's id."""
    return f"craton:runs:reached:{region_id}"


@dataclass(frozen=True, slots=True)
class RunKeys:
    """The keys of one run.

    * ``run``, a hash: what the run is, its state, its fence, its counts.
    * ``events``, a stream: event 7 has the id ``7-0``.
    * ``material``, a string.
    * ``running``, a set: the ids of hosts that are running.
    * ``states``, ``tasks``, ``messages``, hashes by the host's id; a pending host is in none.
    * ``hosts``, a hash by id, and ``order``, a sorted set by name: what never changes of hosts.
    * ``started``, ``finished``, sets: the numbers of batches.
    * ``draft``, a string: the run is just being made.
    """

    run_id: str

    def part(self, name: str) -> str:
        """Return the key of one part."""
        return f"craton:run:{{{self.run_id}}}:{name}"

    @property
    def all(self) -> list[str]:
        """The keys, as scripts take them."""
        return [self.part(name) for name in _PARTS]

    @property
    def run(self) -> str:
        return self.part("run")

    @property
    def events(self) -> str:
        return self.part("events")
