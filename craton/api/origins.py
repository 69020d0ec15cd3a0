"""Who owns the values that an explanation names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from craton.bundles.precedence import Source
from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.mirror import Origin
from craton.models import INVENTORY_KINDS


class Origins:
    """The owners of entities, as far as they are not Craton's own.

    Args:
        driver: Knows them.
        sources: The entities to ask for.
    """

    def __init__(self, driver: InventoryDriver, sources: Iterable[Source]) -> None:
        self._found: dict[tuple[str, str], Origin] = {}
        if Capability.MIRROR not in driver.capabilities:
            return
        wanted: dict[str, set[str]] = defaultdict(set)
        for source in sources:
            wanted[source.kind].add(source.id)
        for kind in INVENTORY_KINDS:
            found = driver.origins(kind, wanted.get(kind.kind, ()))
            self._found |= {(kind.kind, id): origin for id, origin in found.items()}

    def document(self, source: Source, name: str) -> dict[str, object]:
        """Return the source of a variable as a JSON object, with its owner if it has one."""
        document: dict[str, object] = dict(source.document())
        origin = self._found.get((source.kind, source.id))
        if origin is not None and (source.field is not None or name in origin.variables):
            document |= {"owner": origin.owner, "url": origin.url}
        return document
