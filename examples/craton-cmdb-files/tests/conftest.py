"""A server that offers an export over TLS, with certificates that somebody can trust."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme
from craton_cmdb_files.adapter import FilesAdapter

from craton import config
from craton.testing.adapters import Trouble

SECRET = "open-sesame-0815"


@dataclass(frozen=True)
class Authority:
    """Whom a client trusts, and what a server proves itself with."""

    certificate: Path
    server: Path


def authority(directory: Path, host: str = "127.0.0.1") -> Authority:
    """Make a certificate authority, and a certificate of it for a host."""
    made = trustme.CA()
    directory.mkdir(parents=True, exist_ok=True)
    found = Authority(directory / "ca.pem", directory / "server.pem")
    made.cert_pem.write_to_path(found.certificate)
    made.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(found.server)
    return found


@dataclass
class Server:
    """A server on loopback; what it does with a request can be set at any time."""

    authority: Authority
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    etag: bool = True
    chunked: bool = False
    trouble: Trouble | None = None
    answer: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None
    port: int = 0
    #: Headers of all requests, and the status of each answer.
    requests: list[tuple[dict[str, str], int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/export/hosts"

    def start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.server)
        self._released = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            timeout = 5

            def do_GET(self) -> None:
                self.close_connection = True
                (server.answer or server.send)(self)

            def log_message(self, *arguments: object) -> None:
                pass

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                server.requests.append((dict(self.headers), int(code)))

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = True

            def get_request(self) -> tuple[ssl.SSLSocket, Any]:
                # The handshake is for the handler's thread: a client may not say a word.
                request, address = super().get_request()
                return context.wrap_socket(
                    request, server_side=True, do_handshake_on_connect=False
                ), address

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away, or that does not trust us, is no news."""

        self._listener = Listener(("127.0.0.1", self.port), Handler)
        self.port = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._released.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    @contextmanager
    def in_trouble(self, trouble: Trouble) -> Iterator[None]:
        self.trouble = trouble
        if trouble is Trouble.AWAY:
            self.stop()
        try:
            yield
        finally:
            self.trouble = None
            self._released.set()
            if trouble is Trouble.AWAY:
                self.start()

    def send(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer as a web server does."""
        match self.trouble:
            case Trouble.SILENT:
                self._released.clear()
                self._released.wait(20)
            case Trouble.DENIED:
                self.reply(handler, 403, f"{SECRET}?".encode())
            case Trouble.FAILING:
                self.reply(handler, 503, b"", {"Retry-After": "7"})
            case Trouble.NONSENSE:
                self.reply(handler, 200, b"<html>\nSign in\n</html>\n")
            case _:
                self.send_export(handler)

    def send_export(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if handler.headers.get("Authorization") != f"Bearer {SECRET}":
            self.reply(handler, 401, b"")
            return
        tag = f'"{hashlib.sha256(self.body).hexdigest()}"'
        headers = {"Last-Modified": formatdate(usegmt=True), **self.headers}
        if self.etag:
            headers["ETag"] = tag
            if handler.headers.get("If-None-Match") == tag:
                self.reply(handler, 304, None, headers)
                return
        self.reply(handler, 200, self.body, headers)

    def reply(
        self,
        handler: http.server.BaseHTTPRequestHandler,
        status: int,
        body: bytes | None,
        headers: dict[str, str] | None = None,
    ) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        if body is None:
            handler.end_headers()
            return
        size = len(body) // 2 if self.trouble is Trouble.CUT else len(body)
        if self.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for at in range(0, size, 1000):
                piece = body[at : at + 1000]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.write(b"0\r\n\r\n" if size == len(body) else b"")
        else:
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(memoryview(body)[:size])


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the tests' clients trust."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(trusted: Authority) -> Iterator[Callable[..., Server]]:
    """Start a server."""
    running: list[Server] = []

    def serve(authority: Authority = trusted, body: bytes = b"") -> Server:
        server = Server(authority, body)
        server.start()
        running.append(server)
        return server

    yield serve
    for server in running:
        server.stop()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """A server that answers."""
    return serve()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with what the servers ask for."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture
def another_authority(tmp_path: Path) -> Callable[..., Authority]:
    """Make an authority of a name, and a certificate of it for a host."""
    return lambda name, host="127.0.0.1": authority(tmp_path / name, host)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., config.cfg.ConfigOpts]:
    """Make a configuration with ``[cmdb_files]`` in it."""

    def make(**options: object) -> config.cfg.ConfigOpts:
        lines = [f"{name} = {value}" for name, value in options.items()]
        file = tmp_path / "craton.conf"
        file.write_text("\n".join(["[cmdb_files]", *lines, ""]), encoding="utf-8")
        return config.settings(files=[str(file)])

    return make


@pytest.fixture
def make(settings: Callable[..., config.cfg.ConfigOpts]) -> Callable[..., FilesAdapter]:
    """Make an adapter from options; it is not open yet."""

    def make(**options: object) -> FilesAdapter:
        conf = settings(**{"tenant": "acme", "region": "north", **options})
        config.register(conf, FilesAdapter.options())
        return FilesAdapter(conf)

    return make
