"""A run that is started through the API: what is fixed, what is refused, and that it is one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from craton.errors import NotFound
from craton.runs.material import open_material
from craton.runs.memory import MemoryRunStore
from craton.runs.models import RunState
from tests.functional.every_route import CONTENT
from tests.functional.runs.api.conftest import Desk


def test_a_run_is_accepted_with_everything_that_it_takes(desk: Desk) -> None:
    answer = desk.client.post(
        "/v1/runs/r",
        {
            "playbook": "site.yml",
            "filters": {"group": ["web"]},
            "extra_vars": {"colour": "red"},
            "check": True,
            "tags": ["packages"],
            "batch_size": 1,
            "forks": 3,
        },
        202,
    )
    run = answer.json
    assert answer.headers["Location"].endswith(f"/v1/runs/r/{run['id']}")
    assert desk.client.get(f"/v1/runs/r/{run['id']}").json == run
    assert (run["state"], run["origin"], run["region_id"]) == ("queued", "conductor", "r")
    assert (run["playbook"], run["filters"]) == ("site.yml", {"group": ["web"]})
    assert (run["check"], run["tags"], run["batch_size"], run["forks"]) == (
        True,
        ["packages"],
        1,
        3,
    )
    assert run["requested_by"] == "anonymous"
    assert run["progress"]["total"] == run["progress"]["pending"] == 2
    hosts = desk.store.hosts(run["id"]).items
    assert [(host.host_id, host.host, host.batch) for host in hosts] == [
        ("h1", "web1", 0),
        ("h2", "web2", 1),
    ]
    assert [taken.id for taken in desk.dispatcher.taken] == [run["id"]]
    material = open_material(desk.secrets, run["id"], desk.store.material(run["id"]))
    assert material.extra_vars == {"colour": "red"}
    assert hashlib.sha256(material.bundle).hexdigest() == run["bundle_sha256"]
    with tarfile.open(fileobj=io.BytesIO(material.bundle)) as bundle:
        contents = [
            member.read()
            for name in bundle.getnames()
            if (member := bundle.extractfile(name)) is not None
        ]
    assert CONTENT in contents


def test_batches_follow_the_names(desk: Desk) -> None:
    run = desk.start(batch_size=2)
    hosts = desk.store.hosts(run["id"]).items
    assert [(host.host, host.batch) for host in hosts] == [("db1", 0), ("web1", 0), ("web2", 1)]


def test_what_is_not_said_is_as_configured(
    make_desk: Callable[..., Desk],
) -> None:
    store = MemoryRunStore(max_events=1000, keep_days=1)
    run = make_desk(store, batch_size=7, forks=5).start()
    assert (run["batch_size"], run["forks"], run["check"], run["tags"]) == (7, 5, False, [])


def test_what_is_sealed_is_nowhere_to_be_read(desk: Desk) -> None:
    run = desk.start(extra_vars={"password": "hunter2"})
    sealed = desk.store.material(run["id"])
    assert b"hunter2" not in sealed
    assert CONTENT not in sealed
    for path in ("", "/hosts", "/events"):
        assert "hunter2" not in desk.client.get(f"/v1/runs/r/{run['id']}{path}").text


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, {"field": "playbook"}),
        ({"playbook": "site.yml", "colour": 1}, {"field": "colour"}),
        ({"playbook": "../site.yml"}, {"field": "playbook"}),
        ({"playbook": "missing.yml"}, {"field": "playbook"}),
        ({"playbook": None}, {"field": "playbook"}),
        ({"playbook": "site.yml", "forks": 0}, {"field": "forks"}),
        ({"playbook": "site.yml", "forks": True}, {"field": "forks"}),
        ({"playbook": "site.yml", "batch_size": 0}, {"field": "batch_size"}),
        ({"playbook": "site.yml", "batch_size": "5"}, {"field": "batch_size"}),
        ({"playbook": "site.yml", "check": "yes"}, {"field": "check"}),
        ({"playbook": "site.yml", "extra_vars": []}, {"field": "extra_vars"}),
        ({"playbook": "site.yml", "extra_vars": {"a": "x" * 2**18}}, {"field": "extra_vars"}),
        ({"playbook": "site.yml", "tags": "packages"}, {"field": "tags"}),
        ({"playbook": "site.yml", "tags": ["a,b"]}, {"field": "tags.0"}),
        ({"playbook": "site.yml", "filters": ["web"]}, {"field": "filters"}),
        ({"playbook": "site.yml", "filters": {"colour": ["red"]}}, {"parameter": "colour"}),
        ({"playbook": "site.yml", "filters": {"group": "web"}}, {"parameter": "group"}),
        ({"playbook": "site.yml", "filters": {"group": ["nothing"]}}, {"parameter": "group"}),
        ({"playbook": "site.yml", "filters": {"vars": ["x"]}}, {"parameter": "vars"}),
        ({"playbook": "site.yml", "filters": {"name": ["nothing"]}}, {"code": "empty_selection"}),
        ({"playbook": "site.yml", "origin": "elsewhere"}, {"field": "origin"}),
        ({"playbook": "site.yml", "hosts": ["web1"]}, {"field": "hosts"}),
        ([], {"field": "body"}),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused_by_name(
    desk: Desk, body: Any, named: dict[str, str]
) -> None:
    problem = desk.client.request("POST", "/v1/runs/r", body).json
    assert problem["status"] == 400
    assert {name: problem[name] for name in named} == named
    assert desk.client.get("/v1/runs/r").json["runs"] == []
    assert desk.dispatcher.taken == []


def test_a_region_that_is_not_there_has_no_runs(desk: Desk) -> None:
    run = desk.start()
    assert (
        desk.client.post("/v1/runs/nowhere", {"playbook": "site.yml"}, 404).json["kind"] == "region"
    )
    for path in ("", "/hosts", "/events"):
        assert desk.client.get(f"/v1/runs/r2/{run['id']}{path}", 404).json["kind"] == "run"
    desk.client.delete(f"/v1/runs/r2/{run['id']}", 404)
    assert desk.store.get(run["id"]).state is RunState.QUEUED
    desk.client.get("/v1/runs/r/%00", 404)


def test_without_playbooks_nothing_is_run_and_all_is_read(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(MemoryRunStore(max_events=1000, keep_days=1), playbook_path=None)
    problem = desk.start(status=501)
    assert problem["capability"] == "RUNS"
    assert "playbook_path" in problem["detail"]
    assert desk.client.get("/v1/playbooks").json["playbooks"] == []
    run = desk.announce("web1")
    assert desk.client.get("/v1/runs/r").json["runs"] == [run]


def test_the_playbooks_that_may_be_run_are_listed(desk: Desk) -> None:
    found = desk.client.get("/v1/playbooks").json["playbooks"]
    assert found == [{"name": "other.yml"}, {"name": "site.yml"}]


def test_a_board_that_is_away_gets_the_run_later(desk: Desk) -> None:
    desk.dispatcher.is_away = True
    run = desk.start()
    assert [waiting.id for waiting in desk.store.unfinished()] == [run["id"]]


class TestIdempotencyKey:
    """A request that is sent again with its key starts no second run."""

    def test_the_same_request_is_the_same_run(self, desk: Desk) -> None:
        body = {"playbook": "site.yml", "filters": {"group": ["web"]}}
        first = desk.client.post("/v1/runs/r", body, 202, Idempotency_Key='"a"')
        again = desk.client.post("/v1/runs/r", body, 202, Idempotency_Key='"a"')
        assert again.json == first.json
        assert again.headers["Location"] == first.headers["Location"]
        other = desk.client.post("/v1/runs/r", body, 202, Idempotency_Key='"b"')
        assert other.json["id"] != first.json["id"]
        assert len(desk.dispatcher.taken) == 2

    def test_another_body_is_refused(self, desk: Desk) -> None:
        desk.client.post("/v1/runs/r", {"playbook": "site.yml"}, 202, Idempotency_Key='"a"')
        problem = desk.client.post(
            "/v1/runs/r", {"playbook": "other.yml"}, 422, Idempotency_Key='"a"'
        )
        assert problem.json["code"] == "idempotency_key_reused"
        assert len(desk.dispatcher.taken) == 1

    def test_a_request_that_came_half_way_is_done_by_the_next(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(*args: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(desk.store, "create", gone)
            desk.client.post("/v1/runs/r", {"playbook": "site.yml"}, 500, Idempotency_Key='"a"')
        run = desk.client.post("/v1/runs/r", {"playbook": "site.yml"}, 202, Idempotency_Key='"a"')
        assert [kept["id"] for kept in desk.client.get("/v1/runs/r").json["runs"]] == [
            run.json["id"]
        ]

    def test_an_announcement_is_made_once(self, desk: Desk) -> None:
        body = {"origin": "reported", "playbook": "site.yml", "hosts": ["web1"]}
        first = desk.client.post("/v1/runs/r", body, Idempotency_Key='"a"').json
        desk.tell(first, run_state="succeeded")
        again = desk.client.post("/v1/runs/r", body, Idempotency_Key='"a"').json
        assert (again["id"], again["attempt"], again["state"]) == (first["id"], 1, "succeeded")


def test_the_material_of_a_run_is_gone_when_it_has_ended(desk: Desk) -> None:
    run = desk.start()
    desk.client.delete(f"/v1/runs/r/{run['id']}", 202)
    with pytest.raises(NotFound):
        desk.store.material(run["id"])
