"""Servers and URLs that mean no good: each ends in an error that says why."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable

import pytest

from craton.errors import InvalidValue, ReferenceUnavailable
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import tls


def refused(references: References, url: str, reason: str) -> ReferenceUnavailable:
    with pytest.raises(ReferenceUnavailable, match=reason) as caught:
        references.fetch([Wanted(url=url)])
    return caught.value


def raw(*parts: bytes) -> Callable[[tls.Request], None]:
    """Answer with these bytes and hang up."""

    def answer(request: tls.Request) -> None:
        request.wfile.write(b"".join(parts))
        request.close_connection = True

    return answer


def endless(start: bytes, part: bytes, pause: float = 0) -> Callable[[tls.Request], None]:
    """Answer and never come to an end, until the client hangs up."""

    def answer(request: tls.Request) -> None:
        request.wfile.write(start)
        while True:
            request.wfile.write(part)
            request.wfile.flush()
            time.sleep(pause)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(OK + b"\r\n", b"a", 0.02), id="body"),
        pytest.param(endless(OK, b"X", 0.02), id="header"),
        pytest.param(endless(b"", b"H", 0.02), id="status"),
        pytest.param(endless(OK, b"", 0.02), id="silence"),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.02), id="chunk-size"
        ),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), id="continue"),
    ],
)
def test_a_server_that_drips_meets_the_time_limit_of_the_whole_fetch(
    server: tls.Server, make: MakeReferences, answer: Callable[[tls.Request], None]
) -> None:
    server.answer(answer)
    error = refused(make(timeout=0.5), f"{server.url}/file", "took longer than 0.5 seconds")
    assert error.temporary


def test_time_is_counted_over_all_redirects(server: tls.Server, make: MakeReferences) -> None:
    def answer(request: tls.Request) -> None:
        time.sleep(0.3)
        request.send(status=302, headers={"Location": f"/{len(server.requests)}"})

    server.answer(answer)
    refused(make(timeout=0.5), f"{server.url}/0", "took longer")
    assert len(server.requests) == 2


def test_a_server_that_never_finishes_the_handshake_meets_the_time_limit(
    make: MakeReferences,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        refused(make(timeout=0.3), f"https://localhost:{port}/", "took longer than 0.3 seconds")


def test_a_name_server_that_never_answers_meets_the_time_limit(
    make: MakeReferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stop.wait(30) and [])
    refused(make(timeout=0.3), "https://localhost/", "took longer than 0.3 seconds")
    stop.set()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(OK, b"Content-Length: 1001\r\n\r\n", b"a" * 1001), id="declared"),
        pytest.param(raw(OK, b"\r\n", b"a" * 1001), id="undeclared"),
        pytest.param(endless(OK + b"\r\n", b"a" * 10000), id="endless"),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"a" * 1000 + b"\r\n"),
            id="chunked",
        ),
        pytest.param(raw(OK, b"Content-Length: 9" + b"9" * 5000 + b"\r\n\r\n"), id="absurd"),
    ],
)
def test_a_file_is_no_larger_than_the_limit(
    server: tls.Server, make: MakeReferences, answer: Callable[[tls.Request], None]
) -> None:
    server.answer(answer)
    refused(make(max_bytes=1000), f"{server.url}/file", "is larger than 1000 bytes")


def test_a_file_may_be_as_large_as_the_limit(server: tls.Server, make: MakeReferences) -> None:
    server.answer(raw(OK, b"\r\n", b"a" * 1000))
    assert len(make(max_bytes=1000).refresh(f"{server.url}/file").content) == 1000


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 100), id="continue"),
        pytest.param(
            endless(
                OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
                b"X-Trailer: " + b"a" * 5000 + b"\r\n",
            ),
            id="trailers",
        ),
        pytest.param(
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 5000 + b"\r\na\r\n"),
            id="extensions",
        ),
    ],
)
def test_what_is_no_file_counts_too(
    server: tls.Server, make: MakeReferences, answer: Callable[[tls.Request], None]
) -> None:
    server.answer(answer)
    refused(make(timeout=20), f"{server.url}/file", "made its server send more than|breaks off")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(OK, b"X-Header: " + b"a" * 1000 + b"\r\n"), id="many"),
        pytest.param(endless(OK, b"a" * 1000), id="long"),
    ],
)
def test_headers_come_to_an_end(
    server: tls.Server, references: References, answer: Callable[[tls.Request], None]
) -> None:
    server.answer(answer)
    refused(references, f"{server.url}/file", "breaks off or is not HTTP")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "deflate"])
def test_what_comes_compressed_is_refused_unread(
    server: tls.Server, make: MakeReferences, encoding: str
) -> None:
    bomb = gzip.compress(b"a" * 2**20)
    server.answer(lambda request: request.send(bomb, headers={"Content-Encoding": encoding}))
    refused(make(max_bytes=2**21), f"{server.url}/file", "encoding")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(OK, b"Content-Length: 100\r\n\r\nshort: 1\n"), id="declared"),
        pytest.param(
            raw(OK, b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort: 1\n\r\n"), id="chunked"
        ),
        pytest.param(raw(b"SSH-2.0-OpenSSH\r\n"), id="other"),
        pytest.param(raw(), id="nothing"),
    ],
)
def test_a_file_that_breaks_off_is_no_file(
    server: tls.Server, references: References, answer: Callable[[tls.Request], None]
) -> None:
    server.answer(answer)
    refused(references, f"{server.url}/file", "breaks off or is not HTTP")


@pytest.mark.parametrize(
    "target",
    """
    http://localhost/ file:///etc/passwd gopher://localhost:70/_x ftp://localhost/ //127.0.0.2/
    https://user@localhost/ https://2130706433/ https://0x7f000001/ https://127.1/ https://0177.0.0.1/
    https://localhost\\@example.org/ https://[::ffff:127.0.0.1]/ https://%6cocalhost/
    https://169.254.169.254/latest/meta-data https://[::1]/ https://:443/
    """.split(),
)
def test_a_redirect_cannot_lead_where_a_url_cannot(
    server: tls.Server, references: References, target: str
) -> None:
    server.answer(lambda request: request.send(status=302, headers={"Location": target}))
    refused(references, f"{server.url}/file", "redirected to a URL that|not on the public internet")
    assert len(server.requests) == 1


def test_redirects_come_to_an_end(server: tls.Server, references: References) -> None:
    def answer(request: tls.Request) -> None:
        request.send(status=301, headers={"Location": f"/{len(server.requests)}"})

    server.answer(answer)
    refused(references, f"{server.url}/file", "redirected more than 5 times")
    assert len(server.requests) == 6


def test_a_redirect_to_a_private_address_is_refused(
    server: tls.Server, authority: tls.Authority, make: MakeReferences
) -> None:
    with tls.started(authority, names=["127.0.0.1"]) as private:
        server.answer(
            lambda request: request.send(
                status=302, headers={"Location": f"https://127.0.0.1:{private.port}/"}
            )
        )
        refused(make(), f"{server.url}/file", "not on the public internet")
        assert private.connections == 0


class Resolver:
    """A name server that says what it wants, each time something else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[object]:
        found = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (
                family[":" in a],
                socket.SOCK_STREAM,
                6,
                "",
                (a, port, 0, 0) if ":" in a else (a, port),
            )
            for a in found
        ]


def test_a_name_that_changes_its_mind_changes_nothing(
    authority: tls.Authority, make: MakeReferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["rebinding.example"]
    with (
        tls.started(
            authority, lambda r: r.send(b"good: 1"), names=names, address="127.0.0.2"
        ) as good,
        tls.started(authority, names=names, port=good.port) as private,
    ):
        resolver = Resolver(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
        references = make(allow="127.0.0.2", max_age=0)
        assert references.refresh(f"https://rebinding.example:{good.port}/").content == b"good: 1"
        assert (good.connections, private.connections, resolver.asked) == (1, 0, 1)
        refused(references, f"https://rebinding.example:{good.port}/", "not on the public internet")
        assert private.connections == 0


@pytest.mark.parametrize(
    "address",
    """
    127.0.0.1 10.0.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
    255.255.255.255 240.0.0.1 198.18.0.1 192.0.0.192 :: ::1 fe80::1 fc00::1 fec0::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 2002:7f00:1::1
    2001::1 2001:db8::1
    """.split(),
)
def test_a_name_must_lead_to_the_public_internet(
    make: MakeReferences, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: connected.append(to))
    Resolver(monkeypatch, [address])
    error = refused(make(), "https://name.example/file", "not on the public internet")
    assert address not in str(error)
    # One bad address among good ones is enough.
    Resolver(monkeypatch, ["8.8.8.8", address])
    refused(make(), "https://name.example/file", "not on the public internet")
    assert connected == []


def test_the_certificate_is_checked_for_the_name(
    authority: tls.Authority, make: MakeReferences
) -> None:
    with tls.started(authority, names=["other.example", "127.0.0.1"]) as server:
        refused(make(), f"https://localhost:{server.port}/", "TLS fails.*localhost")
        assert server.requests == []


def test_a_certificate_of_a_strange_authority_is_refused(
    server: tls.Server, make: MakeReferences, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = tls.Authority(tmp_path_factory.mktemp("stranger"))
    refused(make(ca_file=stranger.file), f"{server.url}/", "TLS fails.*certificate")
    assert server.requests == []


def test_ssl_cert_file_names_the_authorities_to_trust(
    server: tls.Server,
    authority: tls.Authority,
    make: MakeReferences,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answer(lambda request: request.send(b"a: 1"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert make(ca_file="").refresh(f"{server.url}/").content == b"a: 1"
    monkeypatch.delenv("SSL_CERT_FILE")
    refused(make(ca_file="", max_age=0), f"{server.url}/", "TLS fails")


def test_plain_http_is_spoken_to_nobody(make: MakeReferences) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]

        def answer() -> None:
            connection, _ = plain.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        refused(make(), f"https://localhost:{port}/", "TLS fails|breaks off")


def test_no_proxy_of_the_environment_comes_between(
    server: tls.Server, references: References, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answer(lambda request: request.send(b"a: 1"))
    assert references.refresh(f"{server.url}/").content == b"a: 1"


def test_a_server_that_is_away_is_a_temporary_failure(references: References) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"https://localhost:{closed.getsockname()[1]}/"
        assert refused(references, url, "cannot be reached").temporary


def test_a_url_let_pass_earlier_is_checked_again(make: MakeReferences) -> None:
    make(allow="127.0.0.0/8").check_url("https://127.0.0.1/file")
    refused(make(), "https://127.0.0.1/file", "not on the public internet")
    with pytest.raises(InvalidValue):
        make().check_url("https://127.0.0.1/file")
