"""How a mirror does, for people and for Prometheus."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from craton import caller
from craton.api.representation import moment_text
from craton.capabilities import Capability
from craton.driver import InventoryDriver, now
from craton.errors import CratonError
from craton.mirror import MirrorStatus

#: Of how many objects that are not mirrored the service tells.
_TOLD: Final = 100


def sync_document(driver: InventoryDriver) -> dict[str, object] | None:
    """Return how the mirror does, ready for orjson; ``None`` if the driver mirrors nobody.

    What names parts of the inventory is for those who see all of it.

    Raises:
        Unavailable: The store is away.
    """
    if Capability.MIRROR not in driver.capabilities:
        return None
    sees_all = caller.current().is_system
    status = driver.mirror_status(rejected=_TOLD if sees_all else 0)
    return {
        "adapter": status.adapter,
        "owner": status.owner,
        "interval": status.max_age,
        "age": status.age(now()),
        "synced_at": _text(status.synced_at),
        "changed_at": _text(status.changed_at),
        "attempted_at": _text(status.attempted_at),
        "last_error": status.error,
        "held": [dataclasses.asdict(region) for region in status.held if sees_all],
        "rejected": [dataclasses.asdict(rejected) for rejected in status.rejected],
        "rejected_total": status.rejected_total,
    }


def exposition(driver: InventoryDriver) -> bytes:
    """Return the numbers of the mirror in the format that Prometheus reads; mostly there are none.

    They are read when they are asked for, so that every process gives the same.
    """
    if Capability.MIRROR not in driver.capabilities:
        return b""
    try:
        status = driver.mirror_status()
    except CratonError:
        # The other numbers tell that the store is away.
        return b""
    registry = CollectorRegistry()
    for name, help, value in _gauges(status):
        if value is not None:
            Gauge(f"craton_mirror_{name}", help, registry=registry).set(value)
    return generate_latest(registry)


def _gauges(status: MirrorStatus) -> list[tuple[str, str, float | None]]:
    synced_at = None if status.synced_at is None else status.synced_at.timestamp()
    return [
        ("age_seconds", "How old the mirror is.", status.age(now())),
        ("last_success_timestamp_seconds", "When the last good sync began.", synced_at),
        ("failing", "Whether the last sync failed.", float(status.error is not None)),
        ("held_hosts", "Hosts that a held sync would drop.", sum(h.hosts for h in status.held)),
        ("rejected_objects", "Objects that are not mirrored.", status.rejected_total),
    ]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)
