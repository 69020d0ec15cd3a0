"""How much the service does at once, for how long, and for whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from limits.storage import MemoryStorage

from craton import caller, config, deadline
from craton.api.errors import TooManyRequests
from craton.api.rates import Rates
from craton.api.request import Request
from craton.bundles import Spool
from craton.driver import InventoryDriver
from craton.errors import ConfigurationError, TooSlow
from craton.models import Host, Tenant
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths


@pytest.fixture
def region(driver: InventoryDriver) -> Callable[[Client], Paths]:
    """Make a tenant and a region by a client."""

    def make(api: Client) -> Paths:
        tenant = api.post("/v1/tenants", {"name": "acme"}).json["id"]
        made = api.post(f"/v1/regions/{tenant}", {"name": "north"}).json["id"]
        return Paths(api=api, tenant=tenant, region=made)

    return make


class TestConcurrentBundles:
    """So many bundles are made and sent at once."""

    @pytest.fixture
    def two(self, configured: Callable[..., Client], region: Callable[[Client], Paths]) -> Paths:
        return region(configured(max_concurrent_bundles=2))

    def test_beyond_them_a_client_is_told_to_come_back(self, two: Paths) -> None:
        path = f"{two.inventory}.tgz"
        with ExitStack() as held:
            for _ in range(2):
                held.callback(two.api.begin(path).close)
            refused = two.api.get(path, 503)
            assert refused.json["code"] == "busy"
            assert refused.json["limit"] == 2
            assert int(refused.headers["Retry-After"]) > 0
            two.api.get(two.hosts)
        assert two.api.get(path).body

    def test_what_builds_nothing_takes_no_place(self, two: Paths) -> None:
        path = f"{two.inventory}.tgz"
        tag = two.api.get(path).headers["ETag"]
        with ExitStack() as held:
            for _ in range(2):
                held.callback(two.api.begin(path).close)
            assert two.api.request("HEAD", path).status_int == 200
            two.api.get(path, 304, If_None_Match=tag)

    @pytest.mark.parametrize("pieces", [0, 1])
    def test_who_hangs_up_gives_the_place_back(self, two: Paths, pieces: int) -> None:
        path = f"{two.inventory}.zip"
        for _ in range(5):
            body = two.api.begin(path)
            for _, _ in zip(range(pieces), body, strict=False):
                pass
            body.close()
            body.close()
        assert two.api.get(path).body

    def test_a_bundle_that_fails_gives_the_place_back(
        self, two: Paths, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"{two.inventory}.tgz"
        with monkeypatch.context() as patched:
            patched.setattr(Spool, "__init__", _fail)
            for _ in range(3):
                assert two.api.get(path, 500).json["code"] == "internal_error"
        assert two.api.get(path).body


def _fail(*arguments: object) -> None:
    raise RuntimeError("the disk is gone")


class TestTime:
    """A request that takes too long is given up while nothing is written."""

    def test_what_reads_too_long_is_told_so(
        self,
        configured: Callable[..., Client],
        region: Callable[[Client], Paths],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        paths = region(configured())
        paths.host("h")
        clock = _Clock(monkeypatch, per_look=61)
        told = paths.api.get(paths.hosts, 503)
        assert told.json["code"] == "too_slow"
        assert told.headers["Retry-After"]
        clock.per_look = 50
        assert paths.api.get(f"{paths.inventory}.json").body, "a bundle has more time"

    def test_a_batch_that_takes_too_long_writes_nothing(
        self,
        paths: Paths,
        state: Callable[[], list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        before = state()
        with monkeypatch.context() as patched:
            _Clock(patched, per_look=400)
            changes = [
                {"op": "create", "kind": "host", "value": {"name": f"h{number}"}}
                for number in range(3)
            ]
            told = paths.api.request("POST", paths.batch, {"changes": changes})
        assert (told.status_int, told.json["code"]) == (503, "too_slow")
        assert state() == before

    def test_a_bundle_does_not_go_on_for_ever(
        self, paths: Paths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = paths.api.begin(f"{paths.inventory}.zip")
        _Clock(monkeypatch, per_look=10_000)
        with pytest.raises(TooSlow):
            list(body)
        body.close()

    def test_nobody_else_is_hurried(self, driver: InventoryDriver) -> None:
        with deadline.within(0.0):
            pass
        assert deadline.current() is None
        driver.create(Tenant(name="acme"))
        assert [one.name for one in driver.scan(Tenant)] == ["acme"]


class _Clock:
    """Time that passes by being looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, per_look: float) -> None:
        self.now = time.monotonic()
        self.per_look = per_look
        monkeypatch.setattr(deadline, "monotonic", self._look)

    def _look(self) -> float:
        self.now += self.per_look
        return self.now


class TestPages:
    """A page with variables is bounded by its bytes, too."""

    def test_a_page_that_is_full_ends_early_and_leads_on(
        self, configured: Callable[..., Client], region: Callable[[Client], Paths]
    ) -> None:
        paths = region(configured(max_page_bytes=20_000))
        names = [f"h{number:02}" for number in range(60)]
        changes = [
            {"op": "create", "kind": "host", "value": {"name": name, "variables": {"x": "y" * 500}}}
            for name in names
        ]
        paths.api.post(paths.batch, {"changes": changes}, 200)
        page = paths.api.get(f"{paths.hosts}?variables=true").json
        assert 20 <= len(page["hosts"]) < 60
        assert page["links"]
        everything = paths.api.all_of(f"{paths.hosts}?variables=true&limit=50")
        assert [host["name"] for host in everything] == names
        assert all(host["variables"] == {"x": "y" * 500} for host in everything)
        assert len(paths.api.get(paths.hosts).json["hosts"]) == 60, "without variables"

    def test_one_entity_is_always_on_it(
        self, configured: Callable[..., Client], region: Callable[[Client], Paths]
    ) -> None:
        paths = region(configured(max_page_bytes=1024))
        for name in "abc":
            paths.host(name, variables={"x": "y" * 5000})
        found = paths.api.all_of(f"{paths.hosts}?variables=true&limit=1")
        assert [host["name"] for host in found] == ["a", "b", "c"]

    @pytest.mark.parametrize("limit", [1, 7, 20, 21, 45, 1000])
    def test_a_page_that_is_not_full_by_bytes_is_full_by_number(
        self, paths: Paths, driver: InventoryDriver, limit: int
    ) -> None:
        for number in range(45):
            driver.create(Host(region_id=paths.region, name=f"h{number:02}"))
        page = paths.api.get(f"{paths.hosts}?variables=true&limit={limit}").json
        assert len(page["hosts"]) == min(limit, 45)
        assert bool(page["links"]) == (limit < 45)


class TestRates:
    """A caller may ask so often; nobody is counted unless the configuration says so."""

    @pytest.fixture
    def limited(self, configured: Callable[..., Client]) -> Client:
        return configured(rate_limit="3 per hour")

    def test_nobody_is_counted_unless_asked_for(self, api: Client) -> None:
        for _ in range(300):
            api.get("/v1")

    def test_beyond_the_rate_a_caller_is_told_when_to_come_back(self, limited: Client) -> None:
        for _ in range(3):
            limited.get("/v1")
        refused = limited.get("/v1", 429)
        assert refused.json["code"] == "too_many_requests"
        assert 0 < int(refused.headers["Retry-After"]) <= 2 * 3600
        limited.get("/v1/tenants", 429)
        limited.get("/healthcheck")

    def test_each_user_is_counted_alone(self) -> None:
        rates = Rates(config.settings(files=[], api__rate_limit="3 per hour"))
        state = SimpleNamespace(request=Request.blank("/v1", environ={"REMOTE_ADDR": "192.0.2.1"}))
        for user in ("alice", "bob"):
            with caller.acting_as(caller.Caller(user_id=user)):
                for _ in range(3):
                    rates.before(state)
                with pytest.raises(TooManyRequests):
                    rates.before(state)

    def test_each_address_is_counted_alone_while_nobody_is_asked(self, limited: Client) -> None:
        for address in ("192.0.2.1", "192.0.2.2"):
            for status in (200, 200, 200, 429):
                assert limited.bare("GET", "/v1", REMOTE_ADDR=address).status_int == status

    def test_they_come_through_while_nobody_can_count(
        self, configured: Callable[..., Client], caplog: pytest.LogCaptureFixture
    ) -> None:
        api = configured(rate_limit="1/hour", rate_limit_storage="redis://:hunter2@127.0.0.1:1")
        for _ in range(3):
            api.get("/v1")
        assert "not limited" in caplog.text
        assert "hunter2" not in caplog.text

    @pytest.mark.parametrize(
        "options",
        [{"rate_limit": "often"}, {"rate_limit": "1/hour", "rate_limit_storage": "elsewhere://"}],
    )
    def test_a_rate_that_is_none_ends_the_service(self, options: dict[str, Any]) -> None:
        conf = config.settings(files=[], **{f"api__{name}": v for name, v in options.items()})
        with pytest.raises(ConfigurationError, match=r"\[api\] rate_limit"):
            Rates(conf)

    def test_what_is_kept_of_callers_goes_with_the_window(
        self, configured: Callable[..., Client]
    ) -> None:
        api = configured(rate_limit="1000/second")
        for number in range(200):
            api.bare("GET", "/v1", REMOTE_ADDR=f"192.0.2.{number}")
        for _ in _until(lambda: _counted(api) < 20):
            api.bare("GET", "/v1", REMOTE_ADDR="192.0.2.1")


def _counted(api: Client) -> int:
    application: Any = api.app.app
    while not hasattr(application, "hooks"):
        application = getattr(application, "application", None) or application._application
    (rates,) = [hook for hook in application.hooks if isinstance(hook, Rates)]
    storage = rates._limiter.storage
    assert isinstance(storage, MemoryStorage)
    return len(storage.storage)


def _until(done: Callable[[], bool]) -> Iterator[None]:
    """Go on until something is so; longer than it ever takes, and it fails."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        yield
        time.sleep(0.05)
