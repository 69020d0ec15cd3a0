"""A whole run with Ansible: its numbers are exact at the end, and never go backwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from craton.runs.board import Board
from craton.runs.models import EventType, HostState, Progress, RunState
from craton.secrets import SecretStore
from tests.functional.runs.carrying.conductors import LOCAL, NOBODY, House
from tests.functional.runs.carrying.making import accepted, bundle
from tests.services import redis
from tests.waiting import until

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("conductors")]

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Look
      ansible.builtin.raw: "true"
      changed_when: false
    - name: Fail on some
      ansible.builtin.fail:
        msg: there is something wrong with {{ inventory_hostname }}
      when: inventory_hostname in ["web-0007", "web-0123"]
    - name: Change some
      ansible.builtin.raw: "true"
      when: inventory_hostname is match("web-01")
"""

FINAL = "ok changed failed unreachable skipped".split()


@pytest.fixture
def house(tmp_path: Path, secrets: SecretStore) -> Iterator[House]:
    with redis.started(tmp_path / "redis") as server:
        house = House(tmp_path, server, secrets)
        (house.playbooks / "site.yml").write_text(PLAYBOOK)
        yield house
        house.close()


def final(progress: Progress) -> list[int]:
    return [getattr(progress, name) for name in FINAL]


def test_200_hosts_and_5_that_nobody_reaches(house: House) -> None:
    house.conductor("first", workers=2)
    names = [f"web-{number:04}" for number in range(205)]
    hosts = {name: LOCAL if number < 200 else NOBODY for number, name in enumerate(names)}
    run_id = accepted(
        house.store,
        house.secrets,
        hosts=205,
        batch_size=50,
        content=bundle(hosts=json.dumps({"all": {"hosts": hosts}})),
        forks=10,
    )
    board = Board(house.url, 9)
    board.post(run_id)
    board.close()
    seen: list[Progress] = []

    def ended() -> bool:
        run = house.store.get(run_id)
        seen.append(run.progress)
        return run.state.is_final

    until(ended, patience=300)
    run = house.store.get(run_id)
    assert run.state is RunState.FAILED
    assert run.reason == "of 205 hosts 2 failed, 5 could not be reached"
    assert run.progress == Progress(total=205, ok=99, changed=99, failed=2, unreachable=5)

    for before, after in pairwise(seen):
        assert sum(final(after)) + after.pending + after.running == 205
        assert after.pending <= before.pending
        assert all(new >= old for old, new in zip(final(before), final(after), strict=True))
    assert len({sum(final(progress)) for progress in seen}) > 5

    rows = {row.host: row for row in house.store.hosts(run_id, limit=1000).items}
    assert Counter(row.state for row in rows.values()) == {
        HostState.OK: 99,
        HostState.CHANGED: 99,
        HostState.FAILED: 2,
        HostState.UNREACHABLE: 5,
    }
    assert rows["web-0007"].message.endswith("something wrong with web-0007")
    assert "refused" in rows["web-0203"].message
    finished = [event.host for event in house.events(run_id, [EventType.HOST_FINISHED])]
    assert sorted(map(str, finished)) == names
