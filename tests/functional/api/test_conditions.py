"""If-Match and If-None-Match, and who wins when two write at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from craton.driver import Change, InventoryDriver
from craton.models import Host
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths


@pytest.fixture
def host(paths: Paths) -> str:
    """The path of a host."""
    return f"{paths.hosts}/{paths.host('h', variables={'a': 1})['id']}"


def tag(api: Client, path: str) -> str:
    found: str = api.get(path).headers["ETag"]
    return found


@pytest.mark.parametrize("part", ["", "/variables", "/variables/a"])
def test_a_reader_who_has_it_gets_304(api: Client, host: str, part: str) -> None:
    current = tag(api, host)
    for header in (current, f"W/{current}", f'"x", {current}', f'"x",W/{current}', "*"):
        answer = api.get(host + part, 304, If_None_Match=header)
        assert answer.body == b""
        assert answer.headers["ETag"] == current
        assert "Content-Type" not in answer.headers
    for header in ('"x"', 'W/"x", "y"', '""'):
        assert api.get(host + part, 200, If_None_Match=header).headers["ETag"] == current


def test_a_reader_may_insist_on_what_it_knows(api: Client, host: str) -> None:
    current = tag(api, host)
    api.get(host, 200, If_Match=current)
    api.get(host, 412, If_Match='"x"')


WRITES = [
    ("PUT", "", {"name": "h2"}),
    ("PATCH", "", {"ssh_port": 22}),
    ("PUT", "/variables", {"b": 1}),
    ("PATCH", "/variables", {"b": 1}),
    ("PUT", "/variables/b", 1),
    ("DELETE", "/variables/a", None),
    ("DELETE", "", None),
]


@pytest.mark.parametrize(("method", "part", "body"), WRITES)
def test_a_stale_or_weak_tag_writes_nothing(
    api: Client, host: str, method: str, part: str, body: object, state: Callable[[], list[str]]
) -> None:
    stale = tag(api, host)
    api.patch(host, {"ssh_port": 1})
    current, before = tag(api, host), state()
    for header in (stale, f'{stale}, "x"', f"W/{current}", f"W/{current}, {stale}", '""'):
        answer = api.request(method, host + part, body, If_Match=header)
        assert (answer.status_int, answer.json["code"]) == (412, "precondition_failed")
    for header in (current, "*", f"W/{current}"):
        answer = api.request(method, host + part, body, If_None_Match=header)
        assert answer.status_int == 412
    assert state() == before


@pytest.mark.parametrize(("method", "part", "body"), WRITES)
@pytest.mark.parametrize("form", ["{}", '"x", {}', "*"])
def test_a_current_tag_writes(
    api: Client, host: str, method: str, part: str, body: object, form: str
) -> None:
    answer = api.request(method, host + part, body, If_Match=form.format(tag(api, host)))
    assert answer.status_int in {200, 201, 204}
    if part or method != "DELETE":
        assert answer.headers["ETag"] == tag(api, host)


@pytest.mark.parametrize("header", ["abc", '"abc', 'w/"x"', '"a" "b"', ",", "", '*, "a"', '"a";'])
def test_what_is_no_entity_tag_is_refused(
    api: Client, host: str, header: str, state: Callable[[], list[str]]
) -> None:
    before = state()
    assert api.patch(host, {"ssh_port": 9}, 400, If_Match=header).json["header"] == "If-Match"
    assert api.get(host, 400, If_None_Match=header).json["header"] == "If-None-Match"
    assert state() == before


@pytest.mark.parametrize(("method", "part", "body"), WRITES)
def test_a_service_may_insist_on_if_match(
    configured: Callable[..., Client],
    host: str,
    method: str,
    part: str,
    body: object,
    state: Callable[[], list[str]],
) -> None:
    strict, before = configured(require_if_match=True), state()
    answer = strict.request(method, host + part, body)
    assert (answer.status_int, answer.json["code"]) == (428, "precondition_required")
    assert state() == before
    answer = strict.request(method, host + part, body, If_Match=tag(strict, host))
    assert answer.status_int < 300


def test_posts_need_no_condition(configured: Callable[..., Client], paths: Paths) -> None:
    strict = configured(require_if_match=True)
    strict.post(paths.hosts, {"name": "new"})
    strict.post(paths.batch, {"changes": []}, 200)


@pytest.mark.parametrize(
    ("method", "part", "bodies"),
    [
        ("PUT", "", [{"name": f"h{number}"} for number in range(4)]),
        ("PATCH", "", [{"ssh_port": number} for number in range(1, 5)]),
        ("PUT", "/variables/b", [1, 2, 3, 4]),
        ("DELETE", "", [None] * 4),
    ],
)
def test_of_writers_with_the_same_tag_exactly_one_wins(
    api: Client, host: str, method: str, part: str, bodies: list[object]
) -> None:
    current = tag(api, host)
    at_once = Barrier(len(bodies))

    def write(body: object) -> int:
        at_once.wait()
        status: int = api.request(method, host + part, body, If_Match=current).status_int
        return status

    with ThreadPoolExecutor(len(bodies)) as pool:
        statuses = sorted(pool.map(write, bodies))
    lost = {404, 412} if method == "DELETE" else {412}
    assert statuses[0] in {200, 201, 204}
    assert set(statuses[1:]) <= lost


@pytest.fixture
def rival(driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let somebody else write to a host between the next request's reading and its writing."""
    write = driver._write

    def interfere(path: str) -> None:
        def second(changes: Iterator[Change]) -> None:
            monkeypatch.setattr(driver, "_write", write)
            driver.update(
                Host, path.split("/")[-1], lambda host: dataclasses.replace(host, ssh_user="rival")
            )
            write(changes)

        monkeypatch.setattr(driver, "_write", second)

    return interfere


@pytest.mark.parametrize(("method", "part", "body"), WRITES)
def test_comparing_and_writing_are_one_step(
    api: Client,
    host: str,
    method: str,
    part: str,
    body: object,
    rival: Callable[[str], None],
) -> None:
    current = tag(api, host)
    rival(host)
    answer = api.request(method, host + part, body, If_Match=current)
    assert (answer.status_int, answer.json["code"]) == (412, "revision_conflict")
    after = api.get(host).json
    assert (after["ssh_user"], after["name"], after["variables"]) == ("rival", "h", {"a": 1})


@pytest.mark.parametrize(("method", "part", "body"), WRITES[1:-1])
def test_a_partial_write_without_a_tag_keeps_what_a_rival_wrote(
    api: Client,
    host: str,
    method: str,
    part: str,
    body: object,
    rival: Callable[[str], None],
) -> None:
    rival(host)
    assert api.request(method, host + part, body).status_int < 300
    after = api.get(host).json
    assert after["ssh_user"] == "rival"
    assert after["ssh_port"] == 22 or after["variables"] != {"a": 1}


def test_writers_without_a_tag_lose_no_update(api: Client, host: str) -> None:
    names = [f"v{number}" for number in range(12)]

    def write(name: str) -> int:
        status: int = api.request("PUT", f"{host}/variables/{name}", 1).status_int
        return status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(write, names)) == {201}
    assert api.get(f"{host}/variables").json == {"a": 1, **dict.fromkeys(names, 1)}
