"""Which node is asked first, and which error of a server means what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymysql
import pytest
from oslo_db import exception as oslo
from sqlalchemy.exc import OperationalError

from craton.backends.sql import nodes
from craton.backends.sql.errors import CommitLostError, is_conflict, is_lost, translated
from craton.backends.sql.nodes import Nodes
from craton.errors import BackendFault, ConfigurationError, CratonError, Indeterminate, Unavailable

A, B, C = ("a", 3306), ("b", 3307), ("c", 3306)


class Net:
    """Servers, some of which are away."""

    def __init__(self, *away: tuple[str, int], code: int = 2003) -> None:
        self.away, self.code = set(away), code
        self.asked: list[tuple[str, int]] = []

    def connect(self, parameters: Mapping[str, Any]) -> str:
        address = parameters["host"], parameters["port"]
        assert parameters["user"] == "craton"
        self.asked.append(address)
        if address in self.away:
            raise pymysql.err.OperationalError(self.code, "no")
        return str(address[0])


def ask(known: Nodes, net: Net) -> Any:
    return known.connect({"host": "a", "port": 3306, "user": "craton"}, net.connect)


@pytest.fixture
def known() -> Nodes:
    return Nodes(["b:3307", "c"])


def test_the_own_node_comes_first(known: Nodes) -> None:
    net = Net()
    assert ask(known, net) == "a"
    assert net.asked == [A]


def test_the_others_come_in_their_order(known: Nodes) -> None:
    net = Net(A, B)
    assert ask(known, net) == "c"
    assert net.asked == [A, B, C]


def test_who_failed_has_his_turn_last_for_a_while(
    known: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net(A)
    ask(known, net)
    net.asked.clear()
    assert ask(known, net) == "b"
    assert net.asked == [B]
    monkeypatch.setattr(nodes, "_REST", 0.0)
    net.away.clear()
    assert ask(known, net) == "a"


def test_the_last_error_is_raised_when_nobody_serves(known: Nodes) -> None:
    net = Net(A, B, C)
    with pytest.raises(pymysql.err.OperationalError):
        ask(known, net)
    assert net.asked == [A, B, C]


def test_a_refusal_is_no_reason_to_go_on(known: Nodes) -> None:
    net = Net(A, code=1045)
    with pytest.raises(pymysql.err.OperationalError):
        ask(known, net)
    assert net.asked == [A]


@pytest.mark.parametrize(
    ("text", "address"),
    [("h", ("h", 3306)), ("h:1", ("h", 1)), ("[::1]", ("::1", 3306)), ("[::1]:9", ("::1", 9))],
)
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    net = Net(A)
    ask(Nodes([text]), net)
    assert net.asked[-1] == address


@pytest.mark.parametrize("text", ["", ":1", "h:", "h:x", "h:0", "h:65536"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Nodes([text])


@pytest.mark.parametrize(
    ("code", "conflict", "lost", "error"),
    [
        (1213, True, False, Unavailable),
        (1205, True, False, Unavailable),
        (1020, True, False, Unavailable),
        (1180, False, True, Unavailable),
        (1047, False, True, Unavailable),
        (2006, False, True, Unavailable),
        (2013, False, True, Unavailable),
        (1114, False, False, Unavailable),
        (1146, False, False, BackendFault),
    ],
)
def test_an_error_of_the_server_has_its_meaning(
    code: int, conflict: bool, lost: bool, error: type[CratonError]
) -> None:
    raised = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(code, "secret"))
    for vendor in (raised, oslo.DBError(raised)):
        assert (is_conflict(vendor), is_lost(vendor)) == (conflict, lost)
        with pytest.raises(error) as caught, translated():
            raise vendor
        assert type(caught.value) is error
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("code", [1047, 1180, 2006, 2013])
def test_a_lost_commit_is_indeterminate_whatever_was_lost(code: int) -> None:
    raised = OperationalError("COMMIT", {}, pymysql.err.OperationalError(code, "no"))
    with pytest.raises(Indeterminate), translated():
        raise CommitLostError(raised)
