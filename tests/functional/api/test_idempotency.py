"""``Idempotency-Key``: what is sent again is done once, and the answer is the first one's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from craton.api import idempotency
from craton.driver import Change, InventoryDriver, now
from craton.errors import Indeterminate
from craton.models import Host, Record
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


def test_a_request_that_is_sent_again_gets_the_first_answer(
    api: Client, paths: Paths, driver: InventoryDriver
) -> None:
    body = {"name": "web1", "variables": {"a": 1, "b": [None, 1.0]}}
    first = api.post(paths.hosts, body, Idempotency_Key=KEY)
    path = f"{paths.hosts}/{first.json['id']}"
    assert api.get(path).body == first.body
    api.patch(path, {"active": False})
    again = api.post(paths.hosts, body, Idempotency_Key=KEY)
    assert again.body == first.body
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Location"] == first.headers["Location"]
    assert driver.count(Host) == 1
    assert api.get(path).json["active"] is False


def test_the_answer_outlives_what_was_created(
    api: Client, paths: Paths, driver: InventoryDriver
) -> None:
    first = api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
    api.delete(f"{paths.hosts}/{first.json['id']}")
    assert api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY).body == first.body
    assert driver.count(Host) == 0


def test_a_body_that_says_the_same_is_the_same(api: Client, paths: Paths) -> None:
    first = api.post(paths.hosts, {"name": "a", "active": True}, Idempotency_Key=KEY)
    again = api.post(paths.hosts, {"active": True, "name": "a"}, Idempotency_Key=KEY)
    assert again.body == first.body


@pytest.mark.parametrize("body", [{"name": "web2"}, {"name": "web1", "active": False}])
def test_a_key_with_another_body_is_refused(
    api: Client, paths: Paths, driver: InventoryDriver, body: dict[str, object]
) -> None:
    api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
    answer = api.post(paths.hosts, body, 422, Idempotency_Key=KEY)
    assert answer.json["code"] == "idempotency_key_reused"
    assert driver.count(Host) == 1


def test_a_key_belongs_to_its_path(api: Client, paths: Paths) -> None:
    host = api.post(paths.hosts, {"name": "x"}, Idempotency_Key=KEY).json
    group = api.post(paths.groups, {"name": "y"}, Idempotency_Key=KEY).json
    assert host["id"] != group["id"]


def test_another_key_asks_anew(api: Client, paths: Paths) -> None:
    api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
    answer = api.post(paths.hosts, {"name": "web1"}, 409, Idempotency_Key='"other"')
    assert answer.json["code"] == "already_exists"


def test_quotes_may_be_left_out(api: Client, paths: Paths) -> None:
    first = api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
    again = api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY.strip('"'))
    assert again.body == first.body


@pytest.mark.parametrize("key", ["", '""', '"a', 'a"b"', "a b", '"é"', f'"{"x" * 300}"'])
def test_what_is_no_key_is_malformed(
    api: Client, paths: Paths, driver: InventoryDriver, key: str
) -> None:
    answer = api.post(paths.hosts, {"name": "web1"}, 400, Idempotency_Key=key)
    assert answer.json["header"] == "Idempotency-Key"
    assert driver.count(Host) == 0


def test_a_key_is_refused_where_it_would_not_be_heeded(api: Client, paths: Paths) -> None:
    answer = api.post(paths.batch, {"changes": []}, 400, Idempotency_Key=KEY)
    assert answer.json["header"] == "Idempotency-Key"


def test_an_error_is_not_kept(api: Client, paths: Paths) -> None:
    api.post(paths.hosts, {"name": "web1"})
    api.post(paths.hosts, {"name": "web1"}, 409, Idempotency_Key=KEY)
    [host] = api.all_of(paths.hosts)
    api.delete(f"{paths.hosts}/{host['id']}")
    api.post(paths.hosts, {"name": "web1"}, 201, Idempotency_Key=KEY)


def test_a_parent_that_is_not_there_is_not_found(api: Client, paths: Paths) -> None:
    api.post("/v1/hosts/nowhere", {"name": "web1"}, 404, Idempotency_Key=KEY)


def test_an_answer_of_any_length_is_kept(
    api: Client, paths: Paths, driver: InventoryDriver
) -> None:
    body = {"name": "web1", "variables": {"long": "é\U0001f600" * 700_000}}
    first = api.post(paths.hosts, body, Idempotency_Key=KEY)
    assert api.post(paths.hosts, body, Idempotency_Key=KEY).body == first.body
    assert driver.count(Record) > 1


def test_of_equal_requests_at_once_one_is_done(
    api: Client, paths: Paths, driver: InventoryDriver
) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = [
            pool.submit(api.post, paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
            for _ in range(6)
        ]
        answers = {answer.result().body for answer in asked}
    assert len(answers) == 1
    assert driver.count(Host) == 1


@pytest.mark.parametrize("stored", [True, False])
def test_what_nobody_can_tell_is_sent_again_and_done_once(
    api: Client,
    paths: Paths,
    driver: InventoryDriver,
    monkeypatch: pytest.MonkeyPatch,
    stored: bool,
) -> None:
    write = driver._write

    def lost(changes: Iterator[Change]) -> None:
        if stored:
            write(changes)
        raise Indeterminate("the store was lost", retry_after=7)

    with monkeypatch.context() as patched:
        patched.setattr(driver, "_write", lost)
        answer = api.post(paths.hosts, {"name": "web1"}, 503, Idempotency_Key=KEY)
    assert answer.json["code"] == "indeterminate"
    assert answer.headers["Retry-After"] == "7"
    assert driver.count(Host) == int(stored)
    made = api.post(paths.hosts, {"name": "web1"}, 201, Idempotency_Key=KEY)
    assert [host.id for host in driver.scan(Host)] == [made.json["id"]]


def test_a_key_that_is_too_old_is_new(api: Client, paths: Paths, driver: InventoryDriver) -> None:
    first = api.post(paths.hosts, {"name": "web1"}, Idempotency_Key=KEY)
    _age(driver, timedelta(hours=25))
    api.post(paths.hosts, {"name": "web1"}, 409, Idempotency_Key=KEY)
    api.delete(f"{paths.hosts}/{first.json['id']}")
    second = api.post(paths.hosts, {"name": "web1"}, 201, Idempotency_Key=KEY)
    assert second.json["id"] != first.json["id"]


def test_old_answers_go(
    api: Client, paths: Paths, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "_CLEANS_ONE_IN", 1)
    driver.create(Record(name="somebody/else"))
    for number in range(3):
        api.post(paths.hosts, {"name": f"web{number}"}, Idempotency_Key=f'"{number}"')
    _age(driver, timedelta(hours=25))
    api.post(paths.hosts, {"name": "web9"}, Idempotency_Key='"9"')
    names = [record.name for record in driver.scan(Record)]
    assert len(names) == 2
    assert "somebody/else" in names


def test_how_long_answers_are_kept_is_told_and_can_be_set(
    configured: Callable[..., Client],
) -> None:
    limits = configured(idempotency_key_hours=3).get("/v1/capabilities").json["limits"]
    assert limits["idempotency_key_hours"] == 3


def _age(driver: InventoryDriver, by: timedelta) -> None:
    """Make every record older than it is."""
    for record in list(driver.scan(Record)):
        then = now() - by
        driver.delete(Record, record.id)
        driver.create(dataclasses.replace(record, created_at=then, updated_at=then), verbatim=True)
