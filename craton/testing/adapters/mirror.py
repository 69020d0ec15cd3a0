"""What streams mean: a mirror in a dict, kept as Craton keeps its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from craton.cmdb import CmdbAdapter, End, Gone, Item, Present, Unusable
from craton.models import Entity, Group, Host, links, parent_field

Key = tuple[type[Entity], str]


@dataclass
class Mirror:
    """What is known of a CMDB from its streams.

    Attributes:
        present: The entities by kind and id.
        unusable: What was said last of objects that made none; an entity of the same id is what
            was known before.
        token: Where to go on.
    """

    present: dict[Key, Present] = field(default_factory=dict)
    unusable: dict[Key, Unusable] = field(default_factory=dict)
    token: str | None = None

    def follow(self, adapter: CmdbAdapter) -> list[Item]:
        """Read what changed since the last time, and return it."""
        items = list(adapter.changes(self.token))
        self.take(items)
        return items

    def take(self, items: Iterable[Item]) -> None:
        """Take a whole stream in."""
        seen: set[Key] = set()
        for item in items:
            match item:
                case Present():
                    key: Key = type(item.entity), item.entity.id
                    self.unusable.pop(key, None)
                    self.present[key] = item
                    seen.add(key)
                case Unusable():
                    key = item.kind, item.id
                    self.unusable[key] = item
                    seen.add(key)
                case Gone():
                    key = item.kind, item.id
                    seen.discard(key)
                    self._lose(key)
                case End():
                    self.token = item.token
                    if item.everything:
                        for lost in {*self.present, *self.unusable} - seen:
                            self._lose(lost)

    def copy(self) -> Mirror:
        """Return another one that knows the same."""
        return Mirror(dict(self.present), dict(self.unusable), self.token)

    @property
    def hosts(self) -> dict[str, Host]:
        """The usable hosts by id."""
        return {
            id: found.entity
            for (kind, id), found in self.present.items()
            if isinstance(found.entity, Host) and (kind, id) not in self.unusable
        }

    @property
    def addresses(self) -> list[tuple[str, str | None]]:
        """Names and addresses of the usable hosts, sorted by name."""
        return sorted((host.name, host.ip_address) for host in self.hosts.values())

    def host(self, name: str) -> Host:
        """Return the one host of a name."""
        (found,) = (host for host in self.hosts.values() if host.name == name)
        return found

    def groups_of(self, name: str) -> list[str]:
        """Return the names of the groups that a host is in, sorted."""
        found = [self.present[Group, id].entity for id in self.host(name).groups]
        return sorted(group.name for group in found if isinstance(group, Group))

    def dangling(self) -> list[str]:
        """Return a line for each parent and each link that names nothing that is known."""
        lines = []
        for entity in (found.entity for found in self.present.values()):
            kind, parent = type(entity), parent_field(type(entity))
            if kind.parent and parent and (kind.parent, getattr(entity, parent)) not in self.known:
                lines.append(f"{parent} of {entity!r}")
            for name, _ in links(kind):
                unknown = [id for id in getattr(entity, name) if (Group, id) not in self.known]
                lines += [f"{name} of {entity!r}: {id}" for id in unknown]
        return lines

    @property
    def known(self) -> set[Key]:
        """Whatever the streams had."""
        return {*self.present, *self.unusable}

    def _lose(self, key: Key) -> None:
        self.present.pop(key, None)
        self.unusable.pop(key, None)
