"""A fleet that looks like one, the same for the same numbers, as ``ansible-inventory`` exports it.

Groups stand on four levels, one in ten with two parents. A host is in a rack, in a role and, one
in three, in a second role. Its variables have every type; some strings are templates, and some
only look like it. Most hosts say how to reach them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

#: The levels of groups, from the top, and which share of all groups stands on each.
_LEVELS = (("site", 0.04), ("zone", 0.12), ("rack", 0.34), ("role", 0.50))

_WORDS = (
    "alpha bravo cedar delta ember falcon garnet harbor indigo juniper kelvin lumen meadow nectar "
    "onyx prairie quartz raven saffron tundra umber violet willow xenon yarrow zephyr"
).split()

#: A value for each host is drawn from these in turn; the name says which kind it is.
_KINDS: tuple[tuple[str, Callable[[random.Random, int], Any]], ...] = (
    ("kernel_version", lambda r, n: f"6.1.0-{r.randrange(40)}-amd64"),
    ("rack_unit", lambda r, n: r.randrange(1, 49)),
    ("monitored", lambda r, n: r.random() < 0.9),
    ("load_limit", lambda r, n: round(r.uniform(0.5, 64.0), 2)),
    ("serial_number", lambda r, n: f"SN{r.getrandbits(48):012X}"),
    ("ntp_servers", lambda r, n: [f"ntp{r.randrange(1, 4)}.example.net", "ntp9.example.net"]),
    ("owner", lambda r, n: {"team": r.choice(_WORDS), "pager": r.randrange(1000, 9999)}),
    ("description", lambda r, n: " ".join(r.choices(_WORDS, k=r.randrange(3, 10)))),
    ("memory_bytes", lambda r, n: r.choice((16, 32, 64, 128, 256)) * 2**30),
    ("maintenance_window", lambda r, n: r.choice(("sun 02:00", "sat 23:30", None))),
    ("banner", lambda r, n: _banner(r, n)),
    ("disks", lambda r, n: [f"/dev/nvme{i}n1" for i in range(r.randrange(1, 5))]),
    ("package_mirror", lambda r, n: f"https://mirror{r.randrange(9)}.example.net/debian"),
    ("tls_enabled", lambda r, n: r.random() < 0.5),
    ("max_connections", lambda r, n: r.randrange(100, 20_000)),
    ("contact", lambda r, n: f"{r.choice(_WORDS)}@example.net"),
    ("limits", lambda r, n: {"nofile": r.randrange(1024, 65536), "nproc": r.randrange(512, 4096)}),
    ("deployed_release", lambda r, n: f"{r.randrange(9)}.{r.randrange(20)}.{r.randrange(50)}"),
    ("cost_center", lambda r, n: f"cc-{r.randrange(300):04d}"),
    ("tuning_factor", lambda r, n: round(r.gauss(1.0, 0.2), 4)),
)


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A fleet of a certain size.

    Attributes:
        hosts: How many there are.
        variables: How many each of them has, those that fill fields apart.
        groups: How many there are.
        seed: Another one makes another fleet.
    """

    hosts: int
    variables: int
    groups: int
    seed: int = 20

    def document(self) -> bytes:
        """Return what ``ansible-inventory --list --export`` would print of it."""
        chance = random.Random(self.seed)
        groups = self._groups(chance)
        racks = [name for name in groups if name.startswith("rack")] or list(groups)
        roles = [name for name in groups if name.startswith("role")] or list(groups)
        names = self._variable_names()
        hostvars = {}
        for number in range(self.hosts):
            name = f"{chance.choice(_WORDS)}-{number:06d}.example.net"
            hostvars[name] = self._variables(chance, number, names)
            roles_of_host = chance.sample(roles, min(len(roles), 1 + (number % 3 == 0)))
            for group in {chance.choice(racks), *roles_of_host}:
                groups[group].setdefault("hosts", []).append(name)
        top = {"children": [name for name in groups if name.startswith("site")]}
        shared = {"vars": {"domain": "example.net", "dns_servers": ["192.0.2.53", "192.0.2.54"]}}
        whole = {"_meta": {"hostvars": hostvars}, "all": {**top, **shared}, **groups}
        return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)

    def filter_value(self) -> tuple[str, str]:
        """Return a variable and a value of it, as JSON, that few hosts have."""
        if self.variables < 19:
            return "kernel_version", '"6.1.0-17-amd64"'
        return "cost_center", '"cc-0017"'

    def _groups(self, chance: random.Random) -> dict[str, dict[str, Any]]:
        levels: list[list[str]] = []
        left = self.groups
        for position, (level, share) in enumerate(_LEVELS):
            last = position == len(_LEVELS) - 1
            count = left if last else min(left, max(1, round(self.groups * share)))
            levels.append([f"{level}-{number:03d}" for number in range(count)])
            left -= count
        groups: dict[str, dict[str, Any]] = {}
        for number, name in enumerate(name for level in levels for name in level):
            groups[name] = {"vars": {f"{name.partition('-')[0]}_number": number}}
            for kind, value in chance.sample(_KINDS, 3):
                groups[name]["vars"][f"default_{kind}"] = value(chance, number)
            if number % 10 == 3:
                groups[name]["vars"]["ansible_group_priority"] = 2 + chance.randrange(5)
        for above, below in itertools.pairwise(levels):
            for number, name in enumerate(below):
                for parent in chance.sample(above, min(len(above), 1 + (number % 10 == 0))):
                    groups[parent].setdefault("children", []).append(name)
        return groups

    def _variable_names(self) -> list[tuple[str, Callable[[random.Random, int], Any]]]:
        """Name as many variables as asked for: the kinds, again and again with a number."""
        named = []
        for number in range(self.variables):
            lap, position = divmod(number, len(_KINDS))
            name, value = _KINDS[position]
            named.append((f"{name}_{lap}" if lap else name, value))
        return named

    def _variables(
        self,
        chance: random.Random,
        number: int,
        names: list[tuple[str, Callable[[random.Random, int], Any]]],
    ) -> dict[str, Any]:
        variables = {name: value(chance, number) for name, value in names}
        if number % 10:
            variables["ansible_host"] = (
                f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            )
        if number % 5 == 0:
            variables["ansible_port"] = 2222
        if number % 4 == 0:
            variables["ansible_user"] = "deploy"
        return variables


def _banner(chance: random.Random, number: int) -> Any:
    """Return a string: plain, a template (1 in 20), or data that looks like one (1 in 50)."""
    if number % 20 == 0:
        return "{{ inventory_hostname }} in {{ domain }}"
    if number % 50 == 1:
        return {"__ansible_unsafe": f"literally {{{{ {chance.choice(_WORDS)} }}}}"}
    return f"{chance.choice(_WORDS)} {chance.choice(_WORDS)}"
