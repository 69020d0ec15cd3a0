"""Random references and secrets for a random region: files as people write them, and paths."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

import yaml

from craton.bundles.references import ReferencedFile, ReferencedFiles
from craton.jsontext import JsonValue
from craton.models import E, Group, GroupReference, Host, Payload, Region, RegionReference, Secret
from craton.references import Fetched
from craton.secrets import SecretStore

if TYPE_CHECKING:
    from tests.oracle.regions import Fleet

#: Makes the variables of one file: as the file has them, and as Ansible shows them.
MakeValues: TypeAlias = Callable[[random.Random], tuple[dict[str, JsonValue], dict[str, JsonValue]]]

#: Names whose files sort otherwise than they do.
_NAMES = ("a", "a-b", "a b", "a.b", "A", "b", "é", "own", "tenant", "x" * 200, ".a", "a~", "1")


class _Unsafe(str):
    """A string that the file calls unsafe."""


class _Vault(str):
    """A value for the vault."""


class _Dumper(yaml.SafeDumper):
    """Writes the tags that Ansible knows."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))
_Dumper.add_representer(
    _Vault, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|")
)


class OpenStore(SecretStore):
    """Seals nothing: what is under test is where secrets go."""

    mark = "open:1"

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]

    def _seal(self, payload: bytes, host_id: str, name: str) -> str:
        return payload.hex()

    def _open(self, sealed: str, host_id: str, name: str) -> bytes:
        return bytes.fromhex(sealed)


@dataclass(frozen=True, kw_only=True)
class Attached:
    """What is attached to a region.

    Attributes:
        files: The referenced files.
        marked: The variables of each, as Ansible shows them, by the id of the reference.
        secrets: The secrets by the name of the host, sorted by name.
        payloads: What the bundle must hold, by path.
    """

    files: ReferencedFiles
    marked: dict[str, dict[str, JsonValue]]
    secrets: dict[str, list[Secret]]
    payloads: dict[str, bytes]


NOTHING = Attached(files=ReferencedFiles(), marked={}, secrets={}, payloads={})


def attach(fleet: Fleet, seed: int, make_values: MakeValues) -> Attached:
    """Attach references and secrets to a region, and return them.

    Args:
        fleet: The region.
        seed: Says what.
        make_values: Makes the variables of one file.
    """
    rng = random.Random(f"{seed} attached")
    files, marked = [], {}
    owners: tuple[Region | Group, ...] = (fleet.region, *fleet.groups)
    for owner in owners:
        for name in rng.sample(_NAMES, rng.choice((0, 0, 0, 1, 2, 4))):
            values, shown = make_values(rng)
            reference = _stored(fleet, _reference(owner, fleet.region.id, name))
            content = _written(rng, values)
            files.append(ReferencedFile(reference, _fetched(content)))
            marked[reference.id] = shown
    secrets: dict[str, list[Secret]] = {}
    payloads: dict[str, bytes] = {}
    for host in fleet.driver.scan(Host):
        for name in sorted(rng.sample(_NAMES, rng.choice((0, 0, 1, 3)))):
            payload = rng.randbytes(rng.choice((0, 1, 100)))
            has_payload = rng.random() < 0.8
            secret = _stored(
                fleet,
                Secret(
                    region_id=fleet.region.id,
                    host_id=host.id,
                    name=name,
                    variable=rng.choice((None, "a", "key_file", "ansible_ssh_private_key_file")),
                    size=len(payload) if has_payload else None,
                ),
            )
            secrets.setdefault(host.name, []).append(secret)
            if has_payload:
                sealed = OpenStore().seal(payload, host.id, name)
                _stored(fleet, Payload(secret_id=secret.id, sealed=sealed))
                payloads[f"secrets/{host.name}/{name}"] = payload
    return Attached(files=ReferencedFiles(files), marked=marked, secrets=secrets, payloads=payloads)


def as_written(value: JsonValue, rng: random.Random) -> tuple[JsonValue, JsonValue]:
    """Return a value as a file has it, with tags here and there, and as Ansible shows it."""
    if isinstance(value, dict):
        if list(value) == ["__ansible_vault"]:
            return _Vault(value["__ansible_vault"]), value
        pairs = {key: as_written(item, rng) for key, item in value.items()}
        return {k: p[0] for k, p in pairs.items()}, {k: p[1] for k, p in pairs.items()}
    if isinstance(value, list):
        items = [as_written(item, rng) for item in value]
        return [item[0] for item in items], [item[1] for item in items]
    # What looks like a number is one to Ansible under this tag, quoted or not.
    plain = _Dumper.yaml_implicit_resolvers
    if isinstance(value, str) and value[:1] not in plain and value and rng.random() < 0.3:
        return _Unsafe(value), {"__ansible_unsafe": value}
    return value, value


def _reference(
    owner: Region | Group, region_id: str, name: str
) -> RegionReference | GroupReference:
    url = f"https://example.org/{name}"
    if isinstance(owner, Group):
        return GroupReference(region_id=region_id, group_id=owner.id, name=name, url=url)
    return RegionReference(region_id=region_id, name=name, url=url)


def _stored(fleet: Fleet, entity: E) -> E:
    return fleet.driver.create(entity)


def _written(rng: random.Random, values: Mapping[str, object]) -> bytes:
    # In ASCII: the writer does not escape every character that the reader takes for a space.
    text = yaml.dump(
        values,
        Dumper=_Dumper,
        default_flow_style=rng.choice((False, True, None)),
        explicit_start=rng.random() < 0.5,
        sort_keys=False,
    )
    return text.encode()


def _fetched(content: bytes) -> Fetched:
    return Fetched(
        content=content,
        sha256=sha256(content).hexdigest(),
        commit=None,
        stale=False,
        fetched_at=datetime.now(UTC),
    )
