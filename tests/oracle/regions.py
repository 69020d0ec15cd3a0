"""Random regions that hold whatever once made an inventory say something else."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Any

from craton import config
from craton.backends.memory.driver import MemoryDriver
from craton.driver import Create, InventoryDriver
from craton.jsontext import JsonValue
from craton.models import Group, Host, Region, Tenant
from craton.rules import rivals
from craton.variables import Variables
from tests.oracle.attached import NOTHING, Attached, as_written, attach

E_COMPOSED, E_DECOMPOSED = "\u00e9", "e\u0301"

#: Names that sort, shadow or read otherwise than they look. Those of one line are best together.
NAMES = (
    ("web", "web.yml", "web.yaml", "web.json", "web.yml.json", "web-1", "web-", "web 1", "web+"),
    ("Z", "a", "z", "A", "aa", "AA", "B", "b", E_COMPOSED, E_DECOMPOSED, "e", "f"),
    (E_COMPOSED, E_DECOMPOSED, f"caf{E_COMPOSED}", f"caf{E_DECOMPOSED}", "cafe", "cafz", "CAFE"),
    ("a", "a-", "a-b", "a_b", "a b", "a.b", "ab", "a\u00a0b", "a\u00adb", "a!", "a%"),
    ("all.yml", "all.json", "ungrouped.yml", "ungrouped.json", "All", "UNGROUPED", "al", "l"),
    ("children", "hosts", "vars", "plugin", "hostvars", "_", "__", "meta", "_meta_", "_metaa"),
    ("group_vars", "host_vars", "inventory", "manifest.json", "0-tenant.json", "2-own.json"),
    ("null", "true", "no", "~", "~x", "x~", "1", "01", "1.0", "1e3", "0x10", "12:30:45", "-", "--"),
    (".hidden", "...", "#x", "!x", "&x", "*", "@x", "%41", "it's", '"q"', "a=b", "{x}", "<x>", "|"),
    ("fe80::1", "::1", "10.0.0.1", "a:b", "a;b", "a&b", "(x)", "localhost", "10", "9", "1", "2"),
    ("x" * 250, "\u00e9" * 125, "A" * 99, "B" * 100, "C" * 101, "D" * 245, "E" * 246),
    (
        "\u00df",
        "ss",
        "\u0131",
        "I",
        "i",
        "\U0001f600",
        "\uff21",
        "\U0001d4d0",
        "\u202etxet",
        "\ufffd",
    ),
)

#: Variables; there are few, so that they override each other.
VARIABLES = ("a", "b", "B", "_x", "ansible_host", "ansible_port", "ansible_user")

TEMPLATES = (
    "{{ 1 + 1 }}",
    "a {{ b }} c",
    "{% if x %}{% endif %}",
    "{# remark #}",
    "#jinja2:variable_start_string:'[%'\n[% 1 %]",
    "{{",
    "}} {%",
    "\\{{",
    "{{ {'a': lookup('pipe', 'id')}['a'] }}",
)

STRINGS = (
    *(
        "",
        " ",
        "x",
        "1",
        "1.0",
        "true",
        "null",
        "no",
        "~",
        "0123",
        "12:30:45",
        "2026-11-22",
        "=",
        "- a",
    ),
    *(
        "a: b",
        "#",
        "a #b",
        "!unsafe x",
        "&a",
        "*a",
        "%x",
        "@x",
        "`",
        "'",
        '"',
        "\\",
        "\\n",
        "/",
        "\n",
    ),
    *(
        "\t",
        "\r\n",
        "a\n",
        "\x01",
        "\x1b[0m",
        "\x7f",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
    ),
    *(E_COMPOSED, E_DECOMPOSED, "\U0001f600", "\U0010ffff", "}}", "%}", "{", "{ {", " #jinja2:x"),
    *("$HOME", "~root", "vault", "$ANSIBLE_VAULT;1.1;AES256", "x" * 500, "a,b", "[1]", "{}"),
    *TEMPLATES,
)

NUMBERS = (
    *(0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**64), 10**40, 10**4000),
    *(0.0, -0.0, 1.0, 0.1, 1e16, 1e-7, 1.5e300, 5e-324, 1e22, 123456789.123456789, -2.5),
)

VAULT = "$ANSIBLE_VAULT;1.1;AES256\n6162636465\n"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A region in a driver of its own, with what the driver was given."""

    driver: InventoryDriver
    tenant: Tenant
    region: Region
    groups: tuple[Group, ...]
    hosts: tuple[Host, ...]
    attached: Attached = NOTHING


def random_fleet(seed: int) -> Fleet:
    """Return the region of a seed; the same seed gives the same, on any machine."""
    return _Builder(random.Random(seed)).fleet()


def random_fleet_with_more(seed: int) -> Fleet:
    """Return the region of a seed with references and secrets."""
    fleet = random_fleet(seed)

    def make_values(rng: random.Random) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
        builder = _Builder(rng)
        names = rng.sample(VARIABLES, rng.choice((0, 1, 2, 4)))
        pairs = {name: as_written(builder.value(3), rng) for name in names}
        return {k: p[0] for k, p in pairs.items()}, {k: p[1] for k, p in pairs.items()}

    return dataclasses.replace(fleet, attached=attach(fleet, seed, make_values))


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        names = sorted({name for line in rng.sample(NAMES, 2) for name in line})
        rng.shuffle(names)
        size = rng.choice((0, 1, 3, 5, 8, 10))
        self.group_names = names[:size]
        self.host_names: list[str] = []
        for name in names[size : size + rng.choice((0, 1, 2, 4, 6))]:
            if not rivals(name).intersection(self.host_names):
                self.host_names.append(name)
        #: Some regions are flat, so that names decide; some deep, so that depth does.
        self.parents = rng.choice(((0,), (0, 0, 1), (0, 1, 1, 2, 3), (1, 2, 3)))
        self.priorities = rng.choice(((1,), (1, 1, 0, 2, 10, -1, -(2**31), 2**31 - 1)))

    def fleet(self) -> Fleet:
        rng = self.rng
        driver = MemoryDriver(config.settings(files=[]))
        driver.open()
        tenant = driver.create(Tenant(name="tenant", **self.variables()))
        region = driver.create(Region(name="region", tenant_id=tenant.id, **self.variables()))
        groups = self.groups(region)
        hosts = [self.host(region, name, groups) for name in self.host_names]
        entities = [*groups, *hosts]
        rng.shuffle(entities)
        driver.apply(Create(entity=entity) for entity in entities)
        return Fleet(
            driver=driver, tenant=tenant, region=region, groups=tuple(groups), hosts=tuple(hosts)
        )

    def groups(self, region: Region) -> list[Group]:
        groups: list[Group] = []
        depths: dict[str, int] = {}
        for number, name in enumerate(self.group_names):
            id = f"g{number}"
            possible = [group.id for group in groups if depths[group.id] < 6]
            parents = self.rng.sample(possible, min(len(possible), self.rng.choice(self.parents)))
            depths[id] = 1 + max((depths[parent] for parent in parents), default=0)
            group = Group(
                id=id,
                region_id=region.id,
                name=name,
                priority=self.rng.choice(self.priorities),
                parents=tuple(parents),
                **self.variables(),
            )
            groups.append(group)
        return groups

    def host(self, region: Region, name: str, groups: list[Group]) -> Host:
        rng = self.rng
        count = min(len(groups), rng.choice((0, 1, 2, 4, 6)))
        return Host(
            region_id=region.id,
            name=name,
            active=rng.random() < 0.85,
            ip_address=rng.choice((None, None, "10.0.0.1", "::1", "fe80::1%eth0", "fe80::1%{{x}}")),
            ssh_port=rng.choice((None, None, 22, 65535)),
            ssh_user=rng.choice((None, None, "root", "{{ x }}", "#jinja2:x", "no", "'")),
            groups=tuple(group.id for group in rng.sample(groups, count)),
            **self.variables(),
        )

    def variables(self) -> dict[str, Any]:
        rng = self.rng
        names = rng.sample(VARIABLES, rng.choice((0, 0, 1, 2, 3, 5)))
        values = {name: self.value(3) for name in names}
        templated = tuple(name for name in names if rng.random() < 0.3)
        return {"variables": Variables(values), "templated": templated}

    def value(self, depth: int) -> JsonValue:
        rng = self.rng
        kind = rng.random()
        if depth and kind < 0.2:
            return {self.key(): self.value(depth - 1) for _ in range(rng.choice((0, 1, 2, 3)))}
        if depth and kind < 0.35:
            return [self.value(depth - 1) for _ in range(rng.choice((0, 1, 2, 3)))]
        if kind < 0.4:
            return {"__ansible_vault": VAULT + rng.choice(("", "{{ x }}"))}
        if kind < 0.5:
            return rng.choice((None, True, False))
        if kind < 0.65:
            return rng.choice(NUMBERS)
        return rng.choice(STRINGS)

    def key(self) -> str:
        return self.rng.choice((*VARIABLES, *STRINGS))
