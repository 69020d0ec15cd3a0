"""Of a mirrored CMDB a project is told how old it is, and of no region that is not its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from craton import caller
from craton.api.freshness import Freshness
from craton.api.mirrors import sync_document
from craton.caller import Caller
from craton.capabilities import Capability
from craton.driver import now
from craton.errors import SyncHeld
from craton.mirror import Held, MirrorStatus, Rejected, SyncReport
from tests.functional.access.worlds import CALLERS, World
from tests.functional.every_route import Example

HELD = (
    Held(region="own-r", name="own region", hosts=9, of=10),
    Held(region="far-r", name="far region", hosts=9, of=10),
)
REJECTED = (Rejected(kind="host", id="far-x", name="far host", reason="It has no name."),)


def mirror(world: World, *held: Held) -> Any:
    """The store of the world, as if it mirrored a CMDB whose last sync is held."""

    def status(*, rejected: int = 0) -> MirrorStatus:
        return MirrorStatus(
            adapter="test",
            owner="CMDB",
            max_age=60,
            synced_at=now(),
            held=held,
            rejected=REJECTED[:rejected],
            rejected_total=len(REJECTED),
        )

    return SimpleNamespace(
        get=world.driver.get,
        capabilities={Capability.MIRROR},
        mirror_status=status,
        sync=lambda: SyncReport(everything=True, held=held),
    )


def refused(world: World, who: Caller | None, *held: Held) -> SyncHeld:
    """Return what somebody is told who insists on news."""
    request = SimpleNamespace(
        method="GET",
        path_pattern="/v1/hosts/{region_id}",
        environ={"HTTP_CACHE_CONTROL": "no-cache"},
        age=None,
    )
    assert who is not None
    with caller.acting_as(who), pytest.raises(SyncHeld) as raised:
        Freshness(mirror(world, *held)).before(SimpleNamespace(request=request))
    return raised.value


def test_the_system_is_told_what_is_held_and_rejected(world: World) -> None:
    system = CALLERS["system reader"]
    assert system is not None
    with caller.acting_as(system):
        document = sync_document(mirror(world, *HELD))
    assert document is not None
    assert [region["name"] for region in document["held"]] == ["own region", "far region"]  # type: ignore[attr-defined]
    assert len(document["rejected"]) == 1  # type: ignore[arg-type]
    assert refused(world, system, *HELD).fields["regions"] == ["own region", "far region"]


def test_a_project_is_told_of_its_own_regions(world: World) -> None:
    admin = CALLERS["admin of p-own"]
    assert admin is not None
    with caller.acting_as(admin):
        document = sync_document(mirror(world, *HELD))
    assert document is not None
    assert (document["held"], document["rejected"]) == ([], [])
    assert document["age"] is not None
    assert "far" not in str(document)
    assert refused(world, admin, *HELD).fields["regions"] == ["own region"]
    hidden = refused(world, admin, HELD[1])
    assert hidden.fields["regions"] == ["another region"]
    assert "far" not in hidden.message


def test_the_capabilities_are_read_by_whoever_has_a_role(world: World) -> None:
    example = Example("GET", "", "/v1/capabilities")
    assert world.ask(CALLERS["reader of p-own"], example).status_int == 200
    assert world.ask(CALLERS["guest of p-own"], example).status_int == 403
