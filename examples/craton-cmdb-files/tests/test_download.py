"""A URL: whom the adapter trusts, what it asks for, and what it does not take for an answer."""

from __future__ import annotations

import base64
import os
import time
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from craton_cmdb_files.adapter import FilesAdapter

from craton.cmdb import End, Item, Present
from craton.errors import Unavailable
from craton.models import Host

if TYPE_CHECKING:  # pytest imports it under a name of its own
    from conftest import Authority, Server

BODY = b"id,name\n1,a\n2,b\n"
Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def at(
    make: Callable[..., FilesAdapter], server: Server, secret_file: Path
) -> Callable[..., FilesAdapter]:
    """Make an adapter on the server."""
    server.body = BODY

    def at(**options: object) -> FilesAdapter:
        return make(
            **{
                "url": server.url,
                "ca_file": server.authority.certificate,
                "secret_file": secret_file,
                "timeout": 10,
                **options,
            }
        )

    return at


@pytest.fixture
def other(serve: Callable[..., Server]) -> Server:
    return serve(body=BODY)


def names(items: Iterable[Item]) -> list[str]:
    found = (item.entity for item in items if isinstance(item, Present))
    return [entity.name for entity in found if isinstance(entity, Host)]


def reply(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with just this; names of headers have underscores."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_an_export_that_has_not_changed_costs_an_answer_without_a_body(
    at: Callable[..., FilesAdapter], server: Server
) -> None:
    adapter = at()
    *items, end = adapter.changes(None)
    assert names(items) == ["a", "b"]
    for _ in range(2):
        assert list(adapter.changes(end.token)) == [End(token=end.token, everything=False)]
    assert [status for _, status in server.requests] == [200, 304, 304]
    server.body = BODY + b"3,c\n"
    assert names(adapter.changes(end.token)) == ["a", "b", "c"]


def test_the_same_export_under_another_tag_is_no_change(
    at: Callable[..., FilesAdapter], server: Server
) -> None:
    adapter = at()
    token = list(adapter.changes(None))[-1].token
    server.headers = {"Content-Language": "en"}
    server.etag = False
    (end,) = adapter.changes(token)
    assert not end.everything


def test_other_settings_ask_for_the_whole_export(
    at: Callable[..., FilesAdapter], server: Server
) -> None:
    token = list(at().changes(None))[-1].token
    assert names(at(region="south").changes(token)) == ["a", "b"]
    assert "If-None-Match" not in server.requests[-1][0]


@pytest.mark.parametrize(("age", "asked"), [(3600, True), (0, False)])
def test_a_time_is_asked_with_unless_it_is_too_fresh_to_tell(
    at: Callable[..., FilesAdapter], server: Server, age: int, asked: bool
) -> None:
    server.etag = False
    modified = formatdate(time.time() - age, usegmt=True)
    server.headers = {"Last-Modified": modified}
    adapter = at()
    token = list(adapter.changes(None))[-1].token
    (end,) = adapter.changes(token)
    assert end.token == token
    assert server.requests[-1][0].get("If-Modified-Since") == (modified if asked else None)
    if asked:
        server.answer = reply(304)
        assert list(adapter.changes(token)) == [end]


def test_not_modified_is_no_answer_for_who_knows_nothing(
    at: Callable[..., FilesAdapter], server: Server
) -> None:
    server.answer = reply(304)
    with pytest.raises(Unavailable, match="answers with 304"):
        list(at().changes(None))


def test_the_query_of_the_address_is_shown_nowhere(
    at: Callable[..., FilesAdapter], server: Server, another_authority: Callable[..., Authority]
) -> None:
    stranger, secret = another_authority("stranger"), os.urandom(8).hex()
    for options in ({"ca_file": stranger.certificate}, {"url": "https://127.0.0.1:1/x"}):
        url = options.get("url", server.url)
        with pytest.raises(Unavailable, match=url) as caught:
            list(at(**{**options, "url": f"{url}?sig={secret}"}).changes(None))
        assert caught.value.__cause__ is not None
        assert secret not in "".join(traceback.format_exception(caught.value))


def test_who_cannot_prove_who_he_is_is_not_trusted(
    at: Callable[..., FilesAdapter],
    make: Callable[..., FilesAdapter],
    serve: Callable[..., Server],
    another_authority: Callable[..., Authority],
) -> None:
    stranger = another_authority("stranger")
    with pytest.raises(Unavailable, match="is not who its certificate should say"):
        list(at(ca_file=stranger.certificate).changes(None))
    with pytest.raises(Unavailable, match="is not who its certificate should say"):
        list(at(ca_file="").changes(None))
    impostor = serve(another_authority("impostor", "127.0.0.2"), BODY)
    options = {"url": impostor.url, "ca_file": impostor.authority.certificate}
    with pytest.raises(Unavailable, match="is not who its certificate should say"):
        list(make(**options).changes(None))
    assert impostor.requests == []


def test_the_environment_decides_nothing(
    at: Callable[..., FilesAdapter], server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.devnull)
    assert names(at().changes(None)) == ["a", "b"]
    server.answer = reply(200, BODY, Content_Length=str(len(BODY)))
    assert names(at(secret_file="").changes(None)) == ["a", "b"]
    assert "Authorization" not in server.requests[-1][0]


def test_the_secret_is_read_again_and_may_be_a_password(
    at: Callable[..., FilesAdapter], server: Server, secret_file: Path
) -> None:
    adapter, secret = at(), secret_file.read_text().strip()
    secret_file.write_text("old")
    with pytest.raises(Unavailable, match="refuses the credentials"):
        list(adapter.changes(None))
    secret_file.write_text(secret)
    assert names(adapter.changes(None)) == ["a", "b"]
    server.answer = reply(200, BODY, Content_Length=str(len(BODY)))
    list(at(username="me").changes(None))
    wanted = base64.b64encode(f"me:{secret}".encode()).decode()
    assert server.requests[-1][0]["Authorization"] == f"Basic {wanted}"


def test_a_redirect_leads_to_tls_alone(
    at: Callable[..., FilesAdapter], server: Server, other: Server
) -> None:
    server.answer = reply(302, Location=other.url.replace("https:", "http:"), Content_Length="0")
    with pytest.raises(Unavailable, match="without TLS"):
        list(at().changes(None))
    assert other.requests == []


def test_a_redirect_takes_the_secret_to_the_same_host_alone(
    at: Callable[..., FilesAdapter], server: Server, other: Server
) -> None:
    server.answer = reply(307, Location=other.url, Content_Length="0")
    with pytest.raises(Unavailable, match="refuses the credentials"):
        list(at().changes(None))
    assert "Authorization" not in other.requests[-1][0]

    def once(handler: BaseHTTPRequestHandler) -> None:
        server.answer = None
        reply(301, Location="/export/elsewhere", Content_Length="0")(handler)

    server.answer = once
    assert names(at().changes(None)) == ["a", "b"]
    server.answer = reply(302, Location="/again", Content_Length="0")
    with pytest.raises(Unavailable, match="from place to place"):
        list(at().changes(None))


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry_After": "120"}, 120),
        (503, {"Retry_After": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30),
        (429, {"Retry_After": "0"}, 1),
        (404, {}, 30),
        (401, {}, 300),
    ],
)
def test_an_error_says_when_to_try_again(
    at: Callable[..., FilesAdapter],
    server: Server,
    status: int,
    headers: dict[str, str],
    seconds: int,
) -> None:
    server.answer = reply(status, Content_Length="0", **headers)
    with pytest.raises(Unavailable, match=str(status)) as caught:
        list(at().changes(None))
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(200, BODY), "does not say where the answer ends"),
        (reply(200, BODY, Content_Length=str(len(BODY) + 8)), "was cut off"),
        (reply(200, b"10\r\n" + BODY, Transfer_Encoding="chunked"), "was cut off"),
        (reply(200, BODY, Content_Length=str(len(BODY)), Content_Encoding="gzip"), "is packed"),
        (reply(200, b"", Content_Length="0"), "may be cut off"),
        (reply(206, BODY, Content_Length=str(len(BODY))), "answers with 206"),
        (reply(302, Content_Length="0"), "answers with 302"),
        (reply(302, Location="https://[::", Content_Length="0"), "is no answer"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"), "was cut off|reached"),
        (lambda handler: None, "cannot be reached"),
    ],
    ids=range(10),
)
def test_what_is_no_whole_answer_is_no_export(
    at: Callable[..., FilesAdapter], server: Server, answer: Answer, words: str
) -> None:
    server.answer = answer
    with pytest.raises(Unavailable, match=words):
        list(at().changes(None))


def test_an_answer_may_be_too_large(at: Callable[..., FilesAdapter], server: Server) -> None:
    server.body = b"id,name\n" + b"1,a\n" * 50_000
    with pytest.raises(Unavailable, match="more than 100000 bytes"):
        list(at(max_bytes=100_000).changes(None))


def test_an_answer_that_drips_is_given_up(at: Callable[..., FilesAdapter], server: Server) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"id,name\n")
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    server.answer = drip
    with pytest.raises(Unavailable, match="takes longer than 1 seconds"):
        list(at(download_time=1).changes(None))


def test_the_number_of_rows_can_be_held_against_the_answer(
    at: Callable[..., FilesAdapter], server: Server
) -> None:
    adapter = at(count_header="X-Total-Count")
    server.headers = {"X-Total-Count": "2"}
    assert names(adapter.changes(None)) == ["a", "b"]
    for said, words in (("3", "has 2 rows, and says that it has 3"), ("two", "X-Total-Count")):
        server.headers = {"X-Total-Count": said}
        with pytest.raises(Unavailable, match=words):
            list(adapter.changes(None))
