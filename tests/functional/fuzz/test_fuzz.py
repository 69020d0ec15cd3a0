"""The short form of ``make fuzz``: some hundreds of requests to each backend, always the same."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import described, growth, own
from tests.fuzz.exchange import Answer, Fault, Request, fault
from tests.fuzz.stage import Stage, opened


@pytest.fixture(scope="module", params=["sql", "mongo"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """An application on SQLite, and on MongoDB."""
    with opened(request.param, tmp_path_factory.mktemp("fuzz")) as stage:
        yield stage


@pytest.mark.slow
def test_answers_are_as_they_are_described(stage: Stage) -> None:
    answered = 0
    for operation in described.operations(stage):
        described.run(stage, operation, 4, 1)
        stage.restore()
        answered += 1
    assert answered > 50


@pytest.mark.slow
def test_links_lead_on(stage: Stage) -> None:
    before = stage.sent
    described.walk(stage, 8, 8, 1)
    assert stage.sent > before + 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_what_nobody_would_send_is_no_fault(stage: Stage, seed: int) -> None:
    own.run(stage, 400, seed)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Stage]:
    with opened("memory", tmp_path) as stage:
        yield stage


def test_paths_leave_nothing_behind(memory: Stage) -> None:
    paths = growth.paths(1)
    growth.visit(memory, paths, 4000)
    warm = growth.kept(memory)
    growth.visit(memory, paths, 4000)
    now = growth.kept(memory)
    assert now["series"] - warm["series"] < 200, "metrics know paths"
    assert now["unbounded"] == warm["unbounded"], "a cache without a bound knows paths"
    assert now["objects"] - warm["objects"] < 2000, "something keeps what was asked for"


class TestTheFuzzer:
    """It finds what is planted."""

    def test_a_fault_ends_it_with_one_short_request(
        self, memory: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def decode(text: str) -> Any:
            raise ZeroDivisionError(text)

        monkeypatch.setattr("craton.filters._parsed_variable", decode)
        with pytest.raises(Fault) as caught:
            # It ends with the first; how soon that comes depends on what else was imported.
            own.run(memory, 20_000, 1)
        told = str(caught.value)
        assert "it is a fault of the service: 500" in told
        assert "curl -i -g --path-as-is -X GET" in told
        assert "?vars=" in told
        assert len(told.splitlines()[-1]) < 200, "it was not made short"

    def test_an_answer_that_is_not_as_described_ends_it(
        self, memory: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("craton.api.controllers.service._names", lambda kinds: [1])
        (operation,) = [
            one for one in described.operations(memory) if one.path == "/v1/capabilities"
        ]
        with pytest.raises(BaseException, match="schema"):
            described.run(memory, operation, 5, 1)

    def test_a_cache_that_grows_is_seen(self, memory: Stage) -> None:
        remembered = functools.lru_cache(maxsize=None)(str)
        before = growth.kept(memory)
        for request in islice(growth.paths(2), 100):
            remembered(request.path)
        assert growth.kept(memory)["unbounded"] > before["unbounded"]

    @pytest.mark.parametrize(
        ("method", "status", "headers", "body", "wrong"),
        [
            ("GET", 200, {}, b"{}", ""),
            ("GET", 500, {"content-type": "application/problem+json"},
             b'{"status": 500, "code": "internal_error"}', "fault of the service"),
            ("GET", 501, {"content-type": "application/problem+json"},
             b'{"status": 501, "code": "unknown_method"}', ""),
            ("GET", 404, {"content-type": "text/html"}, b"", "no problem document"),
            ("GET", 404, {"content-type": "application/problem+json"},
             b'{"status": 400, "code": "x"}', "another status"),
            ("HEAD", 200, {}, b"x", "a HEAD has a body"),
            ("HEAD", 500, {}, b"", "fault of the service"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_an_answer_is_told(
        self, method: str, status: int, headers: dict[str, str], body: bytes, wrong: str
    ) -> None:
        always = {"x-openstack-request-id": "req-1", "x-content-type-options": "nosniff"}
        told = fault(method, Answer(status, {**always, **headers}, body, 6.0))
        assert wrong in told
        assert bool(wrong) == bool(told)

    def test_what_is_slow_is_told_where_time_matters(self) -> None:
        always = {"x-openstack-request-id": "req-1", "x-content-type-options": "nosniff"}
        answer = Answer(200, always, b"", 6.0)
        assert fault("GET", answer) == ""
        assert "6.0 s" in fault("GET", answer, longest=5.0)

    def test_a_request_is_printed_so_that_a_shell_sends_it(self) -> None:
        request = Request("PUT", "/v1/a'b", "x=$(y)", {"If-Match": '"1"'}, b"\0'\xff")
        assert request.curl() == (
            "printf '\\000\\047\\377' | curl -i -g --path-as-is -X PUT -H 'If-Match: \"1\"' "
            "--data-binary @- 'http://127.0.0.1:7780/v1/a'\"'\"'b?x=$(y)'"
        )
