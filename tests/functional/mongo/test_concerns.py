"""Every command asks for what Craton promises, whatever the URI and the server's defaults say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any

import pymongo
import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from craton.backends.mongo import client
from craton.driver import Create, InventoryDriver
from craton.models import Group, Host, Region, Tenant
from craton.query import AllOf, Compare, Exists, Operator
from tests import backends

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("mongo")]


class Commands(CommandListener):
    """The commands that were sent, as they were."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        taken, self.sent = self.sent, []
        return [(name, command) for name, command in taken if name != "endSessions"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    listening = partial(pymongo.MongoClient, event_listeners=[commands])
    monkeypatch.setattr(client, "MongoClient", listening)
    return commands


@pytest.fixture
def driver(commands: Commands) -> Iterator[InventoryDriver]:
    """A driver whose URI asks for less than it must."""
    server = backends.databases().server
    weaker = "/?w=1&readConcernLevel=local&retryWrites=false&readPreference=secondaryPreferred"
    with (
        backends.databases().lent() as name,
        backends.make_mongo(f"{server.uri}{weaker}", name) as driver,
    ):
        driver.create(Tenant(id="t", name="t"))
        driver.create(Region(id="r", tenant_id="t", name="r"))
        driver.create(Host(id="h", region_id="r", name="h"))
        commands.take()
        yield driver


def test_a_read_of_one_is_confirmed_by_a_majority(
    driver: InventoryDriver, commands: Commands
) -> None:
    driver.get(Host, "h")
    [(name, command)] = commands.take()
    assert (name, command["readConcern"]["level"]) == ("find", "majority")
    assert "maxTimeMS" in command
    assert command.get("$readPreference", {"mode": "primary"})["mode"] == "primary"


def test_a_read_of_many_sees_one_state(driver: InventoryDriver, commands: Commands) -> None:
    list(driver.scan(Host))
    driver.count(Host)
    driver.digest(Host)
    sent = commands.take()
    assert [name for name, _ in sent] == ["find", "aggregate", "find"]
    assert {command["readConcern"]["level"] for _, command in sent} == {"snapshot"}
    assert not any(command.get("startTransaction") for _, command in sent)


def test_a_digest_is_read_from_an_index_alone(driver: InventoryDriver, commands: Commands) -> None:
    region = Compare(("region_id",), Operator.EQ, "r")
    for where, index in (
        (region, "by_region_id_id_revision_active"),
        (AllOf(region, Compare(("active",), Operator.EQ, True)), "by_region_id_id_revision_active"),
        (AllOf(region, Compare(("ssh_port",), Operator.EQ, 22)), None),
        (AllOf(region, Exists(("variables", "a"))), None),
        (Compare(("active",), Operator.EQ, True), None),
    ):
        driver.digest(Host, where)
        [(_, command)] = commands.take()
        assert command.get("hint") == index
        assert command["projection"] == {"revision": True}


def test_a_single_write_is_confirmed_by_a_majority_and_can_be_sent_again(
    driver: InventoryDriver, commands: Commands
) -> None:
    host = driver.get(Host, "h")
    commands.take()
    driver.replace(dataclasses.replace(host, ssh_port=22))
    [_, (name, command)] = commands.take()
    assert name == "update"
    assert command["writeConcern"]["w"] == "majority"
    assert "txnNumber" in command


def test_a_transaction_reads_one_state_and_is_confirmed_by_a_majority(
    driver: InventoryDriver, commands: Commands
) -> None:
    driver.apply([Create(entity=Group(id="g", region_id="r", name="g")), Create(entity=_host("i"))])
    sent = commands.take()
    assert sent[0][1]["startTransaction"] is True
    assert sent[0][1]["readConcern"]["level"] == "snapshot"
    assert all(command["autocommit"] is False for _, command in sent)
    name, commit = sent[-1]
    assert (name, commit["writeConcern"]["w"]) == ("commitTransaction", "majority")


def test_a_snapshot_is_one_transaction(driver: InventoryDriver, commands: Commands) -> None:
    with driver.snapshot() as reader:
        reader.get(Host, "h")
        list(reader.scan(Host))
    sent = commands.take()
    assert sent[0][1]["readConcern"]["level"] == "snapshot"
    assert len({command["txnNumber"] for _, command in sent}) == 1
    assert sent[-1][0] == "abortTransaction"


def _host(name: str) -> Host:
    return Host(region_id="r", name=name, groups=("g",))
