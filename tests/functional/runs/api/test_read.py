"""Reading runs, their hosts and events; ending them; and what somebody else's Ansible tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from craton.runs.models import EventType, HostState, Report, RunState
from craton.runs.store import RunStore, utcnow
from tests.functional.runs.api.conftest import Desk
from tests.functional.runs.api.following import messages
from tests.functional.secrets.elsewhere import Elsewhere

SSE = "text/event-stream"


def said(type: str, host: str | None = "web1", **more: Any) -> dict[str, Any]:
    """An event as a callback plugin sends it."""
    return {"type": type, "time": "2026-11-22T10:00:00.000Z", "host": host, **more}


class TestList:
    """Runs of a region."""

    def test_the_newest_is_first(self, desk: Desk) -> None:
        ids = [desk.start()["id"] for _ in range(5)]
        found = [run["id"] for run in desk.client.all_of("/v1/runs/r?limit=2")]
        assert found == ids[::-1]
        assert desk.client.get("/v1/runs/r2").json == {"runs": [], "links": []}

    def test_filters(self, desk: Desk) -> None:
        web = desk.start(filters={"group": ["web"]})["id"]
        all_ = desk.start()["id"]
        desk.client.delete(f"/v1/runs/r/{web}", 202)

        def found(query: str) -> list[str]:
            return [run["id"] for run in desk.client.get(f"/v1/runs/r?{query}").json["runs"]]

        assert found("host=db1") == found("host=h3") == [all_]
        assert found("host=web1") == [all_, web]
        assert found("host=nothing") == []
        assert found("state=cancelled") == [web]
        assert found("state=cancelled&state=queued") == [all_, web]
        assert found("host=web1&state=queued") == [all_]

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("state=ended", "state"),
            ("colour=1", "colour"),
            ("limit=0", "limit"),
            ("marker=x", "marker"),
        ],
    )
    def test_what_is_not_understood_is_refused(
        self, desk: Desk, query: str, parameter: str
    ) -> None:
        assert desk.client.get(f"/v1/runs/r?{query}", 400).json["parameter"] == parameter


class TestCancel:
    """Ending a run."""

    def test_a_run_that_waits_is_cancelled_at_once(self, desk: Desk) -> None:
        run = desk.start()
        answer = desk.client.delete(f"/v1/runs/r/{run['id']}", 202).json
        assert (answer["state"], answer["cancelling"]) == ("cancelled", True)
        again = desk.client.delete(f"/v1/runs/r/{run['id']}", 409).json
        assert (again["code"], again["state"]) == ("run_ended", "cancelled")

    def test_nothing_is_left_elsewhere_of_what_a_run_would_have_taken(
        self,
        monkeypatch: pytest.MonkeyPatch,
        make_desk: Callable[..., Desk],
        store: RunStore,
    ) -> None:
        elsewhere = Elsewhere()
        monkeypatch.setattr("craton.api.app.load_secret_store", lambda conf: elsewhere)
        desk = make_desk(store, elsewhere)
        before = set(elsewhere.kept)
        running = desk.start()
        needed = set(elsewhere.kept)
        assert needed > before
        waiting = desk.start()
        desk.store.claim(running["id"])
        for run in (running, waiting):
            desk.client.delete(f"/v1/runs/r/{run['id']}", 202)
        assert set(elsewhere.kept) == needed

    def test_a_run_that_runs_is_asked_to_end(self, desk: Desk) -> None:
        run = desk.start()
        desk.store.claim(run["id"])
        for _ in range(2):
            answer = desk.client.delete(f"/v1/runs/r/{run['id']}", 202).json
            assert (answer["state"], answer["cancelling"]) == ("running", True)

    def test_somebody_elses_ansible_is_not_ended_here(self, desk: Desk) -> None:
        run = desk.announce("web1")
        assert desk.client.delete(f"/v1/runs/r/{run['id']}", 409).json["code"] == "wrong_origin"
        assert not desk.store.get(run["id"]).cancelling


class TestHosts:
    """The hosts of a run."""

    def test_are_listed_by_name(self, desk: Desk) -> None:
        run = desk.start(batch_size=1)
        rows = desk.client.all_of(f"/v1/runs/r/{run['id']}/hosts?limit=1")
        assert [(row["host"], row["host_id"], row["batch"]) for row in rows] == [
            ("db1", "h3", 0),
            ("web1", "h1", 1),
            ("web2", "h2", 2),
        ]
        assert {row["state"] for row in rows} == {"pending"}
        assert {row["updated_at"] for row in rows} == {None}

    def test_are_filtered_by_state_and_name(self, desk: Desk) -> None:
        run = desk.announce("web1", "web2")
        desk.tell(run, said("host.failed", message="no space", task="Install"))
        path = f"/v1/runs/r/{run['id']}/hosts"
        (row,) = desk.client.get(f"{path}?state=failed").json["hosts"]
        assert (row["host"], row["state"], row["trouble"]) == ("web1", "running", "failed")
        assert (row["task"], row["message"]) == ("Install", "no space")
        assert row["updated_at"] == "2026-11-22T10:00:00.000Z"
        for one in ("web2", "h2"):
            (row,) = desk.client.get(f"{path}?host={one}").json["hosts"]
            assert (row["host"], row["state"]) == ("web2", "pending")
        assert desk.client.get(f"{path}?host=web2&state=failed").json["hosts"] == []
        assert desk.client.get(f"{path}?state=queued", 400).json["parameter"] == "state"


class TestEvents:
    """The events of a run, as a list."""

    def test_are_read_in_order_and_page_by_page(self, desk: Desk) -> None:
        run = desk.announce("web1")
        desk.tell(run, *(said("host.ok", task=f"task {number}") for number in range(5)))
        path = f"/v1/runs/r/{run['id']}/events"
        found = desk.client.all_of(f"{path}?limit=2")
        assert [event["id"] for event in found] == [1, 2, 3, 4, 5, 6, 7]
        assert [event["task"] for event in found[2:]] == [f"task {number}" for number in range(5)]
        assert {event["run_id"] for event in found} == {run["id"]}
        later = desk.client.get(f"{path}?after=5").json
        assert [event["id"] for event in later["events"]] == [6, 7]
        assert not later["missing"]

    def test_those_that_are_gone_are_said_to_be(self, desk: Desk) -> None:
        run = desk.announce("web1")
        for begin in (1, 801):
            desk.tell(run, *(said("host.ok") for _ in range(800)), first=begin)
        page = desk.client.get(f"/v1/runs/r/{run['id']}/events?after=1&limit=1").json
        assert page["missing"]
        assert page["events"][0]["id"] > 2

    def test_a_run_that_ended_is_streamed_to_its_end(self, desk: Desk) -> None:
        run = desk.announce("web1")
        desk.tell(run, said("host.ok"), run_state="failed")
        answer = desk.client.get(f"/v1/runs/r/{run['id']}/events", Accept=SSE)
        assert answer.content_type == SSE
        found = messages(answer.body)
        listed = desk.client.get(f"/v1/runs/r/{run['id']}/events").json["events"]
        assert [message.data for message in found[:-1]] == listed
        assert [message.id for message in found[:-1]] == [1, 2, 3, 4]
        assert [message.name for message in found[:-1]] == [event["type"] for event in listed]
        assert (found[-1].name, found[-1].data) == ("end", {"state": "failed"})
        rest = desk.client.get(f"/v1/runs/r/{run['id']}/events", Accept=SSE, Last_Event_ID="2")
        assert [message.id for message in messages(rest.body)] == [3, 4, None]
        nothing = desk.client.get(f"/v1/runs/r/{run['id']}/events?after=4", Accept=SSE)
        assert [message.name for message in messages(nothing.body)] == ["end"]

    def test_a_client_that_is_ahead_of_the_store_is_told_so(self, desk: Desk) -> None:
        run = desk.announce("web1")
        desk.tell(run, run_state="failed")
        answer = desk.client.get(f"/v1/runs/r/{run['id']}/events?after=50", Accept=SSE)
        first, last = messages(answer.body)
        assert (first.name, first.data) == ("events.missing", {"after": 50, "next": 4})
        assert last.name == "end"

    def test_what_is_no_id_is_refused(self, desk: Desk) -> None:
        run = desk.start()
        path = f"/v1/runs/r/{run['id']}/events"
        assert (
            desk.client.get(path, 400, Accept=SSE, Last_Event_ID="x").json["header"]
            == "Last-Event-ID"
        )
        desk.client.get(f"{path}?after=-1", 400)
        desk.client.get(path, 406, Accept="text/html")

    def test_the_document_knows_what_is_said_by_a_client_that_comes_back(self, desk: Desk) -> None:
        paths = desk.client.get("/v1/openapi.json").json["paths"]
        following = {
            (path, method)
            for path, operations in paths.items()
            for method, operation in operations.items()
            if {"$ref": "#/components/parameters/LastEventID"} in operation["parameters"]
        }
        assert following == {("/v1/runs/{region_id}/{id}/events", "get")}


class TestReported:
    """A run of somebody's own Ansible."""

    def test_it_runs_once_it_is_announced(self, desk: Desk) -> None:
        run = desk.announce("web1", "localhost", "web2", check=True)
        assert (run["state"], run["origin"], run["check"]) == ("running", "reported", True)
        assert run["bundle_sha256"] is None
        rows = desk.client.get(f"/v1/runs/r/{run['id']}/hosts").json["hosts"]
        assert [(row["host"], row["host_id"]) for row in rows] == [("web1", "h1"), ("web2", "h2")]

    @pytest.mark.parametrize("hosts", [[], ["localhost"], ["web1", "web1"], "web1", [1], [""]])
    def test_hosts_that_are_none_are_refused(self, desk: Desk, hosts: Any) -> None:
        body = {"origin": "reported", "playbook": "site.yml", "hosts": hosts}
        problem = desk.client.post("/v1/runs/r", body, 400).json
        assert problem["field"].startswith("hosts")

    def test_what_is_told_is_kept(self, desk: Desk) -> None:
        run = desk.announce("web1", "web2")
        desk.tell(
            run,
            said("task.started", None, task="Install"),
            said("host.changed", task="Install", data={"rc": 0}),
            said("host.finished", data={"state": "changed"}, host_state="changed"),
            said("host.unreachable", "web2", message="no route\0"),
            said("host.finished", "web2", host_state="unreachable"),
            said("host.ok", "localhost", host_state="ok"),
        )
        desk.tell(run, first=7, run_state="failed")
        known = desk.client.get(f"/v1/runs/r/{run['id']}").json
        assert known["state"] == "failed"
        assert known["progress"] == {
            **dict.fromkeys(known["progress"], 0),
            "total": 2,
            "changed": 1,
            "unreachable": 1,
        }
        events = desk.client.get(f"/v1/runs/r/{run['id']}/events?after=2").json["events"]
        assert [event["host_id"] for event in events] == [None, "h1", "h1", "h2", "h2", None, None]
        assert events[5]["host"] == "localhost"
        assert events[1]["data"] == {"rc": 0}

    def test_what_is_told_twice_is_kept_once(self, desk: Desk) -> None:
        run = desk.announce("web1")
        for _ in range(2):
            desk.tell(run, said("host.ok"), said("host.ok"))
        desk.tell(run, said("host.ok"), said("host.ok"), said("host.changed"), first=1)
        for _ in range(2):
            desk.tell(run, first=4, run_state="succeeded")
        events = desk.client.get(f"/v1/runs/r/{run['id']}/events?after=2").json["events"]
        assert [event["type"] for event in events] == [
            "host.ok",
            "host.ok",
            "host.changed",
            "run.state",
        ]

    def test_nothing_is_told_after_the_end(self, desk: Desk) -> None:
        run = desk.announce("web1")
        desk.tell(run, run_state="succeeded")
        problem = desk.tell(run, said("host.ok"), first=2, status=409)
        assert (problem["code"], problem["state"]) == ("run_ended", "succeeded")

    def test_what_is_left_out_is_noticed(self, desk: Desk) -> None:
        run = desk.announce("web1")
        assert desk.tell(run, said("host.ok"), first=3, status=409)["code"] == "lease_lost"

    def test_only_a_reported_run_is_told_of(self, desk: Desk) -> None:
        run = desk.start()
        assert desk.tell(run, said("host.ok"), status=409)["code"] == "wrong_origin"

    @pytest.mark.parametrize(
        ("event", "field"),
        [
            ({}, "events.0.type"),
            (said("run.state", None), "events.0.type"),
            (said("host.ok", None), "events.0.host"),
            ({**said("host.ok"), "time": "now"}, "events.0.time"),
            ({**said("host.ok"), "time": "2026-11-22T10:00:00"}, "events.0.time"),
            ({**said("host.ok"), "time": "0001-01-01T00:00:00+14:00"}, "events.0.time"),
            (said("host.ok", colour=1), "events.0.colour"),
            (said("host.ok", data=[]), "events.0.data"),
            (said("host.ok", message=5), "events.0.message"),
            (said("host.ok", host_state="gone"), "events.0.host_state"),
        ],
        ids=str,
    )
    def test_what_is_no_event_is_refused_by_name(
        self, desk: Desk, event: dict[str, Any], field: str
    ) -> None:
        run = desk.announce("web1")
        assert desk.tell(run, event, status=400)["field"] == field
        assert desk.store.get(run["id"]).last_event == 2

    def test_too_many_at_once_are_refused(self, desk: Desk) -> None:
        run = desk.announce("web1")
        problem = desk.tell(run, *(said("host.ok") for _ in range(1001)), status=413)
        assert problem["limit"] == 1000


class TestReachability:
    """What runs found out about reaching a host."""

    def test_is_unknown_at_first(self, desk: Desk) -> None:
        path = "/v1/hosts/r/h1/reachability"
        known = desk.client.get(path).json
        assert known == {
            "host_id": "h1",
            "reachable": None,
            "time": None,
            "run_id": None,
            "message": None,
        }
        desk.client.get("/v1/hosts/r2/h1/reachability", 404)
        desk.client.get("/v1/hosts/r/nothing/reachability", 404)

    def test_is_what_a_run_told_last(self, desk: Desk) -> None:
        run = desk.announce("web1", "web2")
        later = {**said("host.unreachable", message="no route"), "time": "2026-11-22T10:00:05Z"}
        desk.tell(run, said("host.ok"), said("host.ok", "web2"), later)
        assert desk.client.get("/v1/hosts/r/h1/reachability").json == {
            "host_id": "h1",
            "reachable": False,
            "time": "2026-11-22T10:00:05.000Z",
            "run_id": run["id"],
            "message": "no route",
        }
        assert desk.client.get("/v1/hosts/r/h2/reachability").json["reachable"] is True

    def test_a_host_links_to_it(self, desk: Desk) -> None:
        link = desk.client.get("/v1/hosts/r/h1").headers["Link"]
        assert link.startswith("</v1/hosts/r/h1/reachability>;")


def test_a_run_of_a_conductor_is_read_as_it_goes(desk: Desk) -> None:
    run = desk.start(filters={"name": ["web1"]})
    fence = desk.store.claim(run["id"])
    now = utcnow()
    desk.store.report(
        run["id"],
        fence,
        1,
        [
            Report(
                type=EventType.HOST_FINISHED,
                time=now,
                host_id="h1",
                host="web1",
                host_state=HostState.OK,
            ),
            Report(
                type=EventType.RUN_STATE,
                time=now,
                message="all is well",
                data={"state": "succeeded"},
                run_state=RunState.SUCCEEDED,
            ),
        ],
    )
    known = desk.client.get(f"/v1/runs/r/{run['id']}").json
    assert (known["state"], known["reason"], known["attempt"]) == ("succeeded", "all is well", 1)
    assert known["progress"]["ok"] == 1
    assert known["started_at"] <= known["finished_at"]
