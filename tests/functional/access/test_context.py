"""A caller is known as long as something is done for them, and never to anybody else's request."""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from webob import Request

from craton import caller
from craton.api.auth.context import OwnContext
from craton.caller import ANYBODY, Caller
from craton.secrets import audit
from tests.functional.access.worlds import CALLERS, World
from tests.functional.every_route import Example


class Streaming:
    """An application that answers by what it knows of the caller while its body is made."""

    def __init__(self) -> None:
        self.closed_for: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        caller.begin(Caller(user_id=environ["PATH_INFO"]), environ["PATH_INFO"])
        start_response("200 OK", [])
        return Pieces(self)


class Pieces:
    def __init__(self, owner: Streaming) -> None:
        self._owner = owner

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(3):
            yield f"{caller.current().user_id} {caller.request_id()}\n".encode()

    def close(self) -> None:
        self._owner.closed_for.append(caller.current().user_id)


def start(app: Any, path: str) -> Any:
    return app(Request.blank(path).environ, lambda *_: lambda _: None)


def test_a_body_is_made_for_its_caller_and_the_thread_forgets_them() -> None:
    application = Streaming()
    app = OwnContext(application)
    bodies = {path: iter(start(app, path)) for path in ("/a", "/b")}
    assert caller.current() is ANYBODY
    for _ in range(3):  # in turn, by one thread, as a server may do
        for path, body in bodies.items():
            assert next(body) == f"{path} {path}\n".encode()
            assert caller.current() is ANYBODY
    for body in bodies.values():
        with pytest.raises(StopIteration):
            next(body)
        body.close()
    assert application.closed_for == ["/a", "/b"]
    assert (caller.current(), caller.request_id()) == (ANYBODY, "")


def test_a_body_may_be_made_by_another_thread() -> None:
    body = start(OwnContext(Streaming()), "/a")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(list, body).result() == [b"/a /a\n"] * 3
        assert pool.submit(caller.current).result() is ANYBODY


def test_what_was_known_before_is_known_in_the_request() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")
    mark.set("here")
    seen = []

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.append(mark.get())
        return []

    start(OwnContext(application), "/")
    assert seen == ["here"]


def test_threads_that_serve_at_once_take_nobody_for_another(world: World) -> None:
    """The audit log names who read a secret, whoever else is served by then."""
    lines: list[dict[str, str]] = []
    barrier = threading.Barrier(2)

    def note(**fields: str) -> None:
        barrier.wait(30)
        lines.append({**fields, "thread": caller.current().user_id})

    users = [Caller(user_id=f"u{n}", roles=frozenset({"member"}), is_system=True) for n in (1, 2)]

    def read(user: Caller) -> None:
        request = Request.blank(
            "/v1/secrets/own-h1/own-s/payload", headers={"X-Test": user.user_id}
        )
        assert request.get_response(app).status_int == 200

    by_name = {user.user_id: user for user in users}
    app = world.served_for(lambda environ: by_name[environ["HTTP_X_TEST"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("craton.api.controllers.secrets.record", note)
        with ThreadPoolExecutor(2) as pool:
            for _ in range(20):
                list(pool.map(read, users))
            assert {pool.submit(caller.current).result() for _ in range(4)} == {ANYBODY}
    assert len(lines) == 40
    assert all(line["caller"] == line["thread"] for line in lines)
    assert {line["caller"] for line in lines} == {"u1", "u2"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/secrets/own-h1/own-s/payload", {"action": "read payload", "secret_id": "own-s"}),
        ("/v1/inventory/own-r.tgz", {"action": "read bundle", "region_id": "own-r"}),
        ("/v1/inventory/own-r.zip", {"action": "read bundle", "region_id": "own-r"}),
        ("/v1/inventory/own-r.tgz?secrets=omit", None),
        ("/v1/inventory/own-r.tgz?name=db1", None),
        ("/v1/inventory/own-r.json", None),
    ],
)
def test_the_audit_log_names_the_caller_and_what_they_read(
    world: World, caplog: pytest.LogCaptureFixture, path: str, expected: dict[str, str] | None
) -> None:
    answer = world.ask(CALLERS["member of p-own"], Example("GET", "", path))
    assert answer.status_int == 200
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == audit.LOGGER]
    for line in lines:
        assert line.pop("time")
        assert line.pop("request_id") == answer.headers["X-Openstack-Request-Id"]
    assert lines == ([] if expected is None else [{"caller": "member-p-own", **expected}])
