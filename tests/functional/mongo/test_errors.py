"""What a driver says when its server is away, hangs, refuses, or is not what it has to be."""

from __future__ import annotations

import dataclasses
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import errors as vendor

from craton import config, loader
from craton.backends.mongo.driver import MongoDriver
from craton.backends.mongo.errors import WriteLostError, single_write, translated
from craton.capabilities import Capability
from craton.driver import Create, InventoryDriver
from craton.errors import (
    BackendFault,
    ConfigurationError,
    CratonError,
    Indeterminate,
    Unavailable,
    Unsupported,
)
from craton.models import Host, Region, Tenant
from craton.query import Order, Query
from tests import backends
from tests.services import mongo
from tests.services.mongo import Mongo

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]

PASSWORD = "hunter2/s3cr3t"
QUOTED = "hunter2%2Fs3cr3t"
PARTS = PASSWORD.split("/")

#: How long a caller may be kept waiting, in seconds (ERROR-2).
PATIENCE = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    """A server that can be told to fail."""
    directory = tmp_path_factory.mktemp("mongo")
    with mongo.started(directory, ["--enable-test-commands"]) as server:
        yield server


@pytest.fixture
def driver(server: Mongo) -> Iterator[MongoDriver]:
    """An open driver with the default time-outs, on a store with the region ``r``."""
    with server.database() as name, region_in(server, name, timeout=5) as driver:
        yield driver


@contextmanager
def region_in(server: Mongo, name: str, **options: object) -> Iterator[MongoDriver]:
    made = backends.make_mongo(server.uri, name, **options)
    made.migrations().upgrade()
    with made as driver:
        assert isinstance(driver, MongoDriver)
        driver.create(Tenant(id="t", name="t"))
        driver.create(Region(id="r", tenant_id="t", name="r"))
        yield driver


@pytest.fixture
def fail(server: Mongo) -> Iterator[Callable[..., None]]:
    """Make commands fail, so many times or always."""

    def arm(*commands: str, times: int = 0, **how: Any) -> None:
        mode = {"times": times} if times else "alwaysOn"
        point = {"failCommands": list(commands), **how}
        with mongo.client(server.uri) as client:
            client.admin.command("configureFailPoint", "failCommand", mode=mode, data=point)

    yield arm
    with mongo.client(server.uri) as client:
        client.admin.command("configureFailPoint", "failCommand", mode="off")


def host(name: str) -> Host:
    return Host(region_id="r", name=name)


def names(driver: InventoryDriver) -> list[str]:
    return [host.name for host in driver.scan(Host)]


# -- a server that fails ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [112, 24])
def test_a_write_that_another_one_spoiled_is_made_again(
    driver: MongoDriver, fail: Callable[..., None], code: int
) -> None:
    fail("insert", times=3, errorCode=code, errorLabels=["TransientTransactionError"])
    driver.create(host("h"))
    assert names(driver) == ["h"]


def test_a_write_that_is_always_spoiled_is_unavailable(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    fail("insert", errorCode=112, errorLabels=["TransientTransactionError"])
    with pytest.raises(Unavailable):
        driver.create(host("h"))
    fail("insert", times=1, errorCode=112, errorLabels=["TransientTransactionError"])
    driver.create(host("h"))


def test_a_commit_whose_answer_is_lost_is_asked_for_again(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    for times in (1, 2, 3, 5):
        fail("commitTransaction", times=times, closeConnection=True)
        driver.create(host(f"h{times}"))
    assert names(driver) == ["h1", "h2", "h3", "h5"]


def test_a_commit_that_a_majority_did_not_confirm_is_asked_for_again(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    lag = {"code": 64, "errmsg": "waiting for replication timed out", "codeName": "x"}
    fail("commitTransaction", times=2, writeConcernError=lag)
    driver.create(host("h"))
    assert names(driver) == ["h"]
    fail("commitTransaction", writeConcernError=lag)
    with pytest.raises(Indeterminate):
        driver.create(host("i"))


def test_a_commit_that_is_never_answered_is_unavailable(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    fail("commitTransaction", closeConnection=True)
    with pytest.raises(Indeterminate):
        driver.create(host("h"))


def test_a_single_write_whose_answer_is_lost_is_not_called_undone(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    stored = driver.create(host("h"))
    fail("update", times=1, closeConnection=True)
    driver.replace(dataclasses.replace(stored, ssh_port=1))
    assert driver.get(Host, stored.id).ssh_port == 1
    fail("update", closeConnection=True)
    with pytest.raises(Indeterminate):
        driver.replace(dataclasses.replace(stored, ssh_port=2))


def test_a_transaction_that_breaks_off_before_its_commit_is_unavailable(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    fail("insert", closeConnection=True)
    with pytest.raises(Unavailable) as caught:
        driver.create(host("h"))
    assert not isinstance(caught.value, Indeterminate)
    assert names(driver) == []


def test_a_server_that_is_no_primary_now_is_unavailable(
    server: Mongo, fail: Callable[..., None]
) -> None:
    with server.database() as name, region_in(server, name, timeout=2) as driver:
        stored = driver.create(host("h"))
        fail("find", "update", "aggregate", errorCode=10107)
        actions: tuple[Callable[[], Host], ...] = (
            lambda: driver.get(Host, stored.id),
            lambda: driver.create(host("i")),
        )
        for action in actions:
            with pytest.raises(Unavailable) as caught:
                action()
            assert caught.value.retry_after > 0
            assert isinstance(caught.value.__cause__, vendor.PyMongoError)


def test_a_change_of_the_primary_is_not_noticed(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    stored = driver.create(host("h"))
    fail("find", times=1, errorCode=10107)
    assert driver.get(Host, stored.id) == stored
    fail("update", times=1, errorCode=189, errorLabels=["RetryableWriteError"])
    assert driver.replace(stored).name == "h"
    fail("insert", times=1, errorCode=189, errorLabels=["TransientTransactionError"])
    driver.create(host("i"))
    assert names(driver) == ["h", "i"]


def test_a_stream_that_breaks_off_says_so(driver: MongoDriver, fail: Callable[..., None]) -> None:
    driver.apply(Create(entity=host(f"h{number:03}")) for number in range(600))
    fail("getMore", errorCode=43)
    scan = driver.scan(Host)
    next(scan)
    with pytest.raises(Unavailable):
        list(scan)
    with driver.snapshot() as reader:
        scan = reader.scan(Host)
        next(scan)
        with pytest.raises(Unavailable):
            list(scan)


def test_a_snapshot_that_took_too_long_says_so(
    driver: MongoDriver, fail: Callable[..., None]
) -> None:
    with driver.snapshot() as reader:
        fail("find", errorCode=251, errorLabels=["TransientTransactionError"])
        with pytest.raises(Unavailable, match="too long"):
            list(reader.scan(Host))


def test_what_nobody_expects_is_a_fault(driver: MongoDriver, fail: Callable[..., None]) -> None:
    fail("find", "update", errorCode=8)
    for action in (lambda: driver.get(Host, "x"), lambda: list(driver.scan(Host))):
        with pytest.raises(BackendFault):
            action()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WriteLostError(), Indeterminate),
        (vendor.WTimeoutError("w", 64, {}), Indeterminate),
        (vendor.WriteConcernError("w", 91, {}), Indeterminate),
        (vendor.WaitQueueTimeoutError("w"), Unavailable),
        (vendor.NetworkTimeout("n"), Unavailable),
        (vendor.ServerSelectionTimeoutError("s"), Unavailable),
        (vendor.ExecutionTimeout("e", 50, {}), Unavailable),
        (vendor.AutoReconnect("a"), Unavailable),
        (vendor.DuplicateKeyError("d", 11000, {}), Unavailable),
        (vendor.BulkWriteError({"writeErrors": [{"code": 11000}]}), Unavailable),
        (vendor.BulkWriteError({"writeErrors": [{"code": 2}]}), BackendFault),
        *(
            (vendor.OperationFailure("o", code, {}), Unavailable)
            for code in (6, 43, 50, 89, 91, 112, 189, 239, 246, 251, 388, 10107, 11600, 11602)
        ),
        (vendor.OperationFailure("o", 14031, {}), Unavailable),
        (vendor.OperationFailure("o", 18, {}), ConfigurationError),
        (vendor.OperationFailure("o", 13, {}), ConfigurationError),
        (vendor.OperationFailure("o", 2, {}), BackendFault),
        (vendor.DocumentTooLarge("d"), BackendFault),
        (vendor.InvalidOperation("i"), BackendFault),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_a_translation(error: Exception, expected: type[CratonError]) -> None:
    with pytest.raises(expected) as caught, translated():
        raise error
    assert caught.value.__cause__ is error
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (vendor.AutoReconnect("a"), True),
        # pymongo raises it of itself, too, when time runs out between two tries.
        (vendor.ExecutionTimeout("e", 50, {}), True),
        (vendor.ServerSelectionTimeoutError("s"), False),
        (vendor.WaitQueueTimeoutError("w"), False),
        (vendor.OperationFailure("o", 112, {}), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_single_write_that_may_have_been_made_is_told_from_one_that_was_not(
    error: vendor.PyMongoError, is_lost: bool
) -> None:
    with pytest.raises(WriteLostError if is_lost else type(error)), single_write():
        raise error


# -- a server that hangs ---------------------------------------------------------------------


@contextmanager
def paused(server: Mongo) -> Iterator[None]:
    server.own.pause()
    try:
        yield
    finally:
        server.own.resume()
        server.own.wait_until_it_answers()


def test_nobody_waits_for_a_server_that_hangs(server: Mongo, driver: MongoDriver) -> None:
    stored = driver.create(host("h"))
    migrations = driver.migrations()
    outcomes: dict[str, BaseException | None] = {}

    def snapshot() -> None:
        with driver.snapshot():
            pass

    def run(name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:
            outcomes[name] = error

    actions: dict[str, Callable[[], object]] = {
        "ping": driver.ping,
        "get": lambda: driver.get(Host, stored.id),
        "scan": lambda: list(driver.scan(Host)),
        "create": lambda: driver.create(host("i")),
        "apply": lambda: driver.apply([Create(entity=host(name)) for name in "xyz"]),
        "delete": lambda: driver.delete(Host, stored.id),
        "snapshot": snapshot,
        "current": migrations.current,
    }
    threads = [threading.Thread(target=run, args=item, daemon=True) for item in actions.items()]
    with paused(server):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert {name: type(error) for name, error in outcomes.items()} == dict.fromkeys(
            actions, Unavailable
        )
    assert driver.get(Host, stored.id) == stored


def test_a_server_that_hangs_in_the_middle_of_a_batch(server: Mongo, driver: MongoDriver) -> None:
    outcome: list[BaseException] = []

    def changes() -> Iterator[Create]:
        for number in range(2500):
            if number == 1500:
                server.own.pause()
            yield Create(entity=host(f"h{number}"))

    def work() -> None:
        try:
            driver.apply(changes())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    server.own.resume()
    server.own.wait_until_it_answers()
    assert [type(error) for error in outcome] == [Unavailable]
    assert names(driver) == []
    # What the server was sent before and does now keeps nobody from writing.
    driver.create(host("after"))
    assert names(driver) == ["after"]


def test_a_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    with mongo.started(tmp_path, ["--sync-on-commit"]) as server:
        made = backends.make_mongo(server.uri, "craton", timeout=1)
        made.migrations().upgrade()
        with made as driver:
            tenant = driver.create(Tenant(name="t"))
            server.own.kill()
            with pytest.raises(Unavailable):
                driver.get(Tenant, tenant.id)
            with pytest.raises(Unavailable):
                backends.make_mongo(server.uri, "craton", timeout=1).open()
            server.own.start()
            assert driver.get(Tenant, tenant.id) == tenant
            driver.create(Tenant(name="u"))


# -- a server without transactions -----------------------------------------------------------------


def test_a_single_server_can_only_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mongo.started(tmp_path, ["--sync-on-commit"]) as server:
        made = backends.make_mongo(server.uri, "craton")
        made.migrations().upgrade()
        with made as driver:
            tenant = driver.create(Tenant(name="t"))
            region = driver.create(Region(tenant_id=tenant.id, name="r"))
            hosts = [driver.create(Host(region_id=region.id, name=name)) for name in "abc"]
            assert caplog.messages == []
    with mongo.started(tmp_path, ["--standalone"]) as server:
        made = backends.make_mongo(server.uri, "craton")
        assert Capability.WRITE in made.capabilities
        with caplog.at_level(logging.WARNING), made as driver:
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert "a replica set of one member is enough" in caplog.text
            assert driver.get(Host, hosts[0].id) == hosts[0]
            assert list(driver.scan(Host, Query(order=Order("name", True)))) == hosts[::-1]
            assert driver.count(Host) == 3
            page = driver.find(Host, Query(limit=2))
            assert driver.find(Host, Query(limit=2, page=page.next)).items == (hosts[2],)
            for refused, capability in (
                (lambda: driver.create(Tenant(name="u")), "write"),
                (lambda: driver.replace(tenant), "write"),
                (lambda: driver.delete(Host, hosts[0].id), "write"),
                (lambda: driver.apply([Create(entity=Tenant(name="u"))]), "atomic_batch"),
                (lambda: driver.snapshot(), "snapshot"),
            ):
                with pytest.raises(Unsupported) as caught:
                    refused()
                assert caught.value.capability == capability
            driver.migrations().upgrade()


# -- passwords -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    """A server with the user ``craton``."""
    directory = tmp_path_factory.mktemp("guarded")
    with (
        mongo.started(directory, ["--sync-on-commit"]) as server,
        mongo.client(server.uri) as client,
    ):
        client.admin.command("createUser", "craton", pwd=PASSWORD, roles=["root"])
    with mongo.started(directory, ["--auth"]) as server:
        yield server


def uri(server: Mongo, password: str) -> str:
    return server.uri.replace("//", f"//craton:{password}@") + "/?authSource=admin"


def test_the_right_password_opens(guarded: Mongo) -> None:
    made = backends.make_mongo(uri(guarded, QUOTED), "craton")
    made.migrations().upgrade()
    with made as driver:
        driver.create(Tenant(name="t"))


def test_a_wrong_password_is_told_and_not_shown(
    guarded: Mongo, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "wr0ng-passw0rd"
    made = backends.make_mongo(uri(guarded, wrong), "craton")
    with caplog.at_level(logging.DEBUG):
        for action in (made.open, made.migrations().upgrade, made.migrations().current):
            with pytest.raises(ConfigurationError, match=r"\[mongo\] uri") as caught:
                action()
            assert wrong not in "".join(traceback.format_exception(caught.value))
    assert wrong not in caplog.text


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://craton:{PASSWORD}@127.0.0.1/",
        f"mongodb://craton:{PASSWORD}",
        f"http://craton:{PASSWORD}@127.0.0.1/",
        f"mongodb://craton:{QUOTED}@127.0.0.1:{PASSWORD}/",
        f"mongodb://craton:{QUOTED}@127.0.0.1/?nonsense={QUOTED}",
        f"mongodb://craton:{QUOTED}@127.0.0.1/?tls=perhaps",
        f"mongodb://craton:{QUOTED}@127.0.0.1/?w=1&w=2&directConnection={QUOTED}",
        "",
    ],
)
def test_what_is_no_uri_is_told_and_not_shown(
    uri: str, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    made = backends.make_mongo(uri, "craton", timeout=1)
    for action in (made.open, made.migrations().current):
        with pytest.raises(ConfigurationError) as caught:
            action()
        shown = "".join(traceback.format_exception(caught.value))
        assert not any(part in shown for part in PARTS)
    assert not any(part in caplog.text for part in PARTS)
    assert not any(part in str(warning.message) for warning in recwarn for part in PARTS)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b"])
def test_what_is_no_database_is_told(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[mongo\] database"):
        backends.make_mongo("mongodb://127.0.0.1:1", name, timeout=1).open()


def test_the_uri_is_masked_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "craton.conf"
    file.write_text(f"[inventory]\ndriver = mongo\n[mongo]\nuri = mongodb://craton:{QUOTED}@h/\n")
    driver = loader.load(config.settings(files=[str(file)]))
    with caplog.at_level(logging.DEBUG):
        driver.settings.log_opt_values(logging.getLogger("test"), logging.DEBUG)
    assert "mongo.uri" in caplog.text
    assert not any(part in caplog.text for part in PARTS)
