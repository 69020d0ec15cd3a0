"""What holds when several writers, on one node or on two, want things at the same moment."""

from __future__ import annotations

import dataclasses

from craton.capabilities import Capability
from craton.driver import InventoryDriver
from craton.errors import (
    AlreadyExists,
    CratonError,
    Cycle,
    InvalidReference,
    NotFound,
    RevisionConflict,
    Unavailable,
)
from craton.models import Group, Host
from craton.testing.promises import clause
from craton.testing.suite.base import Suite
from craton.testing.suite.fleet import Fleet, in_parallel, lost, won
from craton.variables import Variables

_ROUNDS = 8

#: How often a store that is too busy may refuse one worker.
_PATIENCE = 200

_changed = dataclasses.replace


class ConcurrencyClauses(Suite):
    """Races, again and again; a store that is too busy may refuse all of one round."""

    @clause("LINK-3", writes=(Group,))
    def test_link_3_opposing_edges_never_form_a_cycle(self, fleet: Fleet) -> None:
        winners = 0
        with fleet.node() as other:
            for round_ in range(_ROUNDS):
                a, b = (fleet.given(fleet.group(f"{name}{round_}")) for name in "ab")
                outcomes = in_parallel(
                    lambda a=a, b=b: fleet.driver.replace(_changed(a, parents=(b.id,))),  # type: ignore[misc]
                    lambda a=a, b=b: other.replace(_changed(b, parents=(a.id,))),  # type: ignore[misc]
                )
                winners += _one_winner(outcomes, Cycle)
        assert winners

    @clause("LINK-3", writes=(Host, Group))
    def test_link_3_equal_names_have_one_winner(self, fleet: Fleet) -> None:
        winners = 0
        with fleet.node() as other:
            for round_ in range(_ROUNDS):
                name = f"n{round_}"
                outcomes = in_parallel(
                    lambda name=name: fleet.driver.create(fleet.host(name)),  # type: ignore[misc]
                    lambda name=name: fleet.driver.create(fleet.group(name)),  # type: ignore[misc]
                    lambda name=name: other.create(fleet.host(name)),  # type: ignore[misc]
                    lambda name=name: other.create(fleet.group(name)),  # type: ignore[misc]
                )
                winners += _one_winner(outcomes, AlreadyExists)
        assert winners
        hosts, groups = fleet.driver.scan(Host), fleet.driver.scan(Group)
        names = [*(host.name for host in hosts), *(group.name for group in groups)]
        assert len(names) == len(set(names))

    @clause("LINK-3", writes=(Host,))
    def test_link_3_the_controller_has_one_name(self, fleet: Fleet) -> None:
        winners = 0
        with fleet.node() as other:
            for _ in range(_ROUNDS):
                outcomes = in_parallel(
                    lambda: fleet.driver.create(fleet.host("localhost")),
                    lambda: other.create(fleet.host("127.0.0.1")),
                    lambda: other.create(fleet.host("::1")),
                )
                winners += _one_winner(outcomes, AlreadyExists)
                for host in list(fleet.driver.scan(Host)):
                    fleet.driver.delete(Host, host.id)
        assert winners

    @clause("LINK-3", writes=(Host, Group))
    def test_link_3_no_link_to_a_group_that_goes(self, fleet: Fleet) -> None:
        with fleet.node() as other:
            for round_ in range(_ROUNDS):
                group = fleet.given(fleet.group(f"g{round_}"))
                host = fleet.given(fleet.host(f"h{round_}"))
                outcomes = in_parallel(
                    lambda group=group: fleet.driver.delete(Group, group.id),  # type: ignore[misc]
                    lambda g=group, h=host: other.replace(_changed(h, groups=(g.id,))),  # type: ignore[misc]
                )
                assert all(
                    isinstance(error, InvalidReference | Unavailable) for error in lost(outcomes)
                )
                groups = {found.id for found in fleet.driver.scan(Group)}
                assert set(fleet.driver.get(Host, host.id).groups) <= groups

    @clause("REPLACE-3", Capability.CAS, writes=(Host,))
    def test_replace_3_one_of_concurrent_writers_wins(self, fleet: Fleet) -> None:
        winners = 0
        with fleet.node() as other:
            for round_ in range(_ROUNDS):
                host = fleet.given(fleet.host(f"h{round_}"))

                def write(driver: InventoryDriver, port: int, host: Host = host) -> None:
                    driver.replace(_changed(host, ssh_port=port), if_revision=host.revision)

                outcomes = in_parallel(
                    lambda: write(fleet.driver, 1),
                    lambda: write(fleet.driver, 2),
                    lambda: write(other, 3),
                )
                winners += _one_winner(outcomes, RevisionConflict)
        assert winners

    @clause("DELETE-2", Capability.CAS, writes=(Host,))
    def test_delete_2_of_a_delete_and_a_replace_one_wins(self, fleet: Fleet) -> None:
        winners = 0
        with fleet.node() as other:
            for round_ in range(_ROUNDS):
                host = fleet.given(fleet.host(f"h{round_}"))
                revision = host.revision
                outcomes = in_parallel(
                    lambda h=host, r=revision: fleet.driver.delete(Host, h.id, if_revision=r),  # type: ignore[misc]
                    lambda h=host, r=revision: other.replace(h, if_revision=r),  # type: ignore[misc]
                )
                winners += _one_winner(outcomes, RevisionConflict, NotFound)
        assert winners

    @clause("REPLACE-6", Capability.CAS, writes=(Host,))
    def test_replace_6_no_update_is_lost(self, fleet: Fleet) -> None:
        host = fleet.given(fleet.host("h", variables=Variables({"n": 0})))
        each = 8

        def increment(found: Host) -> Host:
            count = found.variables["n"]
            assert isinstance(count, int)
            return _changed(found, variables=Variables({"n": count + 1}))

        def work(driver: InventoryDriver) -> None:
            done = refused = 0
            while done < each:
                try:
                    driver.update(Host, host.id, increment)
                    done += 1
                except (RevisionConflict, Unavailable):
                    refused += 1
                    if refused > _PATIENCE:
                        raise

        with fleet.node() as other:
            workers = [fleet.driver, fleet.driver, other, other]
            outcomes = in_parallel(*(lambda d=driver: work(d) for driver in workers))
        assert outcomes == [None] * len(workers)
        assert fleet.driver.get(Host, host.id).variables["n"] == each * len(workers)


def _one_winner(outcomes: list[CratonError | None], *errors: type[CratonError]) -> int:
    """Check that one at most has won and the others have lost for the right reason."""
    assert won(outcomes) <= 1, "both went through"
    for error in lost(outcomes):
        assert isinstance(error, (*errors, Unavailable)), error
    return won(outcomes)
