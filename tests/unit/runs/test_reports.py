"""What is made of the events of ansible-runner, as ansible-core 2.19 was seen to send them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from craton.runs import wire
from craton.runs.models import MAX_MESSAGE, EventType, HostState, Report, RunHost
from craton.runs.reports import Reporter

RECORDED = [
    json.loads(line) for line in Path(__file__).with_name("recorded.jsonl").read_text().splitlines()
]
HOSTS = (
    "async changed failed forgiven hidden ignored loop lost ok rescued shell skipped unreachable "
    "untouched"
).split()


def reporter(*names: str) -> Reporter:
    hosts = [RunHost(host_id=f"id of {name}", host=name, batch=3) for name in names]
    return Reporter(hosts, 3)


def reports_of(events: Sequence[dict[str, Any]], *names: str) -> list[Report]:
    made = reporter(*names)
    return [report for event in events for report in made.feed(event)]


@pytest.fixture(scope="module")
def told() -> list[Report]:
    return reports_of(RECORDED, *HOSTS)


def result(host: str = "a", *, event: str = "runner_on_failed", **res: Any) -> dict[str, Any]:
    data = {"host": host, "task": "do", "task_action": "command", "res": res}
    return {"event": event, "created": "2026-11-23T01:02:03+00:00", "event_data": data}


def test_every_host_is_finished_once(told: list[Report]) -> None:
    finished = [report.host for report in told if report.type is EventType.HOST_FINISHED]
    assert sorted(map(str, finished)) == HOSTS


def test_the_final_states_are_those_of_the_recap(told: list[Report]) -> None:
    states = {report.host: report.data["state"] for report in told if "state" in report.data}
    bad = {host: state for host, state in states.items() if state not in {"ok", "changed"}}
    assert bad == {
        "failed": "failed",
        "hidden": "failed",
        "loop": "failed",
        "lost": "failed",
        "shell": "failed",
        "skipped": "skipped",
        "unreachable": "unreachable",
        "untouched": "skipped",
    }


def test_a_host_runs_from_its_first_event_to_its_last(told: list[Report]) -> None:
    for host in set(HOSTS) - {"untouched"}:
        states = [report.host_state for report in told if report.host == host]
        assert states[0] is HostState.RUNNING
        assert [state for state in states if state is not None] == [states[0], states[-1]] or (
            host == "unreachable"
        )


def test_ids_times_and_batches_are_there(told: list[Report]) -> None:
    for report in told:
        assert report.time.tzinfo is not None
        assert report.host is None or report.host_id == f"id of {report.host}"
        if report.type in {EventType.PLAY_STARTED, EventType.TASK_STARTED}:
            assert report.data["batch"] == 3


def test_a_host_that_failed_ends_with_its_failure_whatever_came_after(told: list[Report]) -> None:
    (last,) = (
        report
        for report in told
        if report.host == "lost" and report.host_state is not None and report.host_state.is_final
    )
    assert (last.task, last.message) == ("fail to mend", "not mended")


def test_only_a_failure_that_ansible_is_done_with_is_final_at_once(told: list[Report]) -> None:
    before = told[: next(n for n, report in enumerate(told) if report.task == "second play")]
    early = {report.host for report in before if report.type is EventType.HOST_FINISHED}
    assert early == {"failed", "hidden", "loop", "shell", "unreachable"}


def test_events_of_other_hosts_are_left_out() -> None:
    assert {report.host for report in reports_of(RECORDED, "ok")} == {None, "ok"}


def test_reports_survive_the_wire(told: list[Report]) -> None:
    line = wire.packed(told)
    assert line.count(b"\n") == 1
    assert wire.unpacked(json.loads(line)["reports"]) == told


@pytest.mark.parametrize(
    ("res", "message"),
    [
        ({"msg": "no luck"}, "no luck"),
        (
            {"msg": "non-zero return code", "stderr": "why", "stdout": "x"},
            "non-zero return code\nwhy",
        ),
        ({"msg": "MODULE FAILURE", "module_stderr": "Traceback"}, "MODULE FAILURE\nTraceback"),
        ({"msg": "MODULE FAILURE", "module_stdout": "so"}, "MODULE FAILURE\nso"),
        ({"msg": "why: this", "stderr": "this"}, "why: this"),
        ({"reason": "syntax"}, "syntax"),
        ({"exception": "Traceback"}, "Traceback"),
        ({"censored": "hidden", "msg": "secret"}, "hidden"),
        ({"msg": ["two", "lines"]}, "two\nlines"),
        ({"msg": {"a": 1}}, "{'a': 1}"),
        ({"msg": "\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \ud800"}, "red bell\ufffd \ufffd"),
        ({"msg": "one\r\ntwo\tthree"}, "one\ntwo\tthree"),
        ({"msg": "x" * 10_000}, "x" * MAX_MESSAGE),
        ({}, "the result of the task is too long to be told"),
        (
            {
                "msg": "One or more items failed",
                "results": [
                    {"item": "good", "failed": False, "msg": "fine"},
                    {"item": "bad", "failed": True, "msg": "broken", "stderr": "why"},
                    {
                        "item": {"a": 1},
                        "_ansible_item_label": "label",
                        "failed": True,
                        "msg": "too",
                    },
                    {"item": "x", "failed": True, "censored": "hidden", "msg": "secret"},
                ],
            },
            "One or more items failed\nbad: broken why\nlabel: too\nx: hidden",
        ),
    ],
)
def test_a_failure_carries_what_was_said(res: dict[str, Any], message: str) -> None:
    (_, report) = [None, *reports_of([result(**res)], "a")]
    assert report is not None
    assert (report.type, report.message) == (EventType.HOST_FAILED, message)
    json.loads(wire.packed([report]))


def test_many_failed_items_are_counted() -> None:
    items = [{"item": number, "failed": True, "msg": "no"} for number in range(50)]
    (report,) = reports_of([result(msg="items failed", results=items)], "a")
    assert "19: no" in report.message
    assert report.message.endswith("… and 30 more")


def test_output_is_the_message_of_what_went_well() -> None:
    (report,) = reports_of([result(event="runner_on_ok", stdout="done", changed=True, rc=0)], "a")
    assert (report.type, report.message) == (EventType.HOST_CHANGED, "done")
    assert report.data == {"action": "command", "rc": 0}


def test_without_a_recap_nothing_is_complete_and_errors_win_over_the_rest_of_the_output() -> None:
    made = reporter("a")
    made.feed({"event": "verbose", "stdout": "some output"})
    assert (made.complete, made.output) == (False, "some output")
    made.feed({"event": "error", "stdout": "\x1b[31m[ERROR]: broken\x1b[0m"})
    assert (made.complete, made.output) == (False, "[ERROR]: broken")
    for _ in range(10):
        made.feed({"event": "verbose", "stdout": "x" * 10_000})
    assert len(made.output) <= MAX_MESSAGE


@pytest.mark.parametrize("event", [{}, {"event": "EOF"}, {"event": "runner_on_ok"}])
def test_an_event_that_says_nothing_is_no_report(event: dict[str, Any]) -> None:
    assert reports_of([event], "a") == []
