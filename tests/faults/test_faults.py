"""Short forms of what ``make faults`` does at length; what is an aim there is no assertion here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import full, scenarios, service
from tests.faults.scenarios import Figure
from tests.faults.service import Service

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.xdist_group("galera")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Three API servers on three nodes."""
    with service.started(tmp_path_factory.mktemp("faults")) as place:
        yield place


def defects(figures: list[Figure]) -> list[str]:
    return [
        f"{figure.name}: {figure.value:g}"
        for figure in figures
        if figure.binding and not figure.reached
    ]


def acknowledged(figures: list[Figure]) -> float:
    return next(figure.value for figure in figures if figure.name == "acknowledged writes")


def test_no_acknowledged_write_is_lost_under_load(place: Service) -> None:
    figures = scenarios.hot_hosts(place, 4)
    assert defects(figures) == []
    assert acknowledged(figures) > 50


def test_nothing_is_lost_when_a_node_is_killed(place: Service) -> None:
    figures = scenarios.with_disturbance(place, scenarios.killing(place, 3), 3, clients=8)
    assert defects(figures) == []
    assert acknowledged(figures) > 20


def test_nothing_is_lost_when_a_node_hangs(place: Service) -> None:
    figures = scenarios.with_disturbance(place, scenarios.pausing(place, 6), 3, clients=8)
    assert defects(figures) == []
    assert acknowledged(figures) > 20


def test_opposing_edges_have_one_winner(place: Service) -> None:
    assert defects(scenarios.opposing_edges(place, 25)) == []


def test_equal_names_have_one_winner(place: Service) -> None:
    assert defects(scenarios.equal_names(place, 25)) == []


def test_ordinary_writes_do_not_collide(place: Service) -> None:
    assert defects(scenarios.ordinary_writes(place, 50)) == []


def test_another_node_has_what_was_written(place: Service) -> None:
    assert defects(scenarios.stale_reads(place, 200)) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    assert defects(full.figures(tmp_path)) == []
