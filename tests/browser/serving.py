"""Craton in a thread of the test, whose runs the test plays itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import IO, TYPE_CHECKING, Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from craton import config
from craton.api.app import make_app
from craton.api.auth.identity import anybody
from craton.api.runs import Runs
from craton.api.watching import Watchers
from craton.backends.memory.driver import MemoryDriver
from craton.runs.dispatch import Dispatcher
from craton.runs.memory import MemoryRunStore
from craton.runs.models import Run
from craton.runs.playbooks import Playbooks
from craton.runs.store import RunStore
from craton.secrets import load_secret_store

if TYPE_CHECKING:
    from craton.api.auth.identity import Identify

_WATCHERS = 20


def memory_store(max_events: int = 100_000) -> MemoryRunStore:
    """Return a store that forgets everything with its server."""
    store = MemoryRunStore(max_events=max_events, keep_days=1)
    store.open()
    return store


@dataclass
class Taken(Dispatcher):
    """Takes runs, and carries none of them out."""

    runs: list[Run] = field(default_factory=list)

    def start(self) -> None:
        pass

    def submit(self, run: Run) -> None:
        self.runs.append(run)

    def stop(self) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: connections are cut on purpose."""


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if self.raw_requestline and self.parse_request():
            # It writes bytes, whatever the class is that typeshed gives it.
            output = cast(IO[bytes], self.wfile)
            handler = _Answers(
                self.rfile, output, self.get_stderr(), self.get_environ(), multithread=True
            )
            handler.request_handler = self  # type: ignore[attr-defined]
            handler.run(self.server.get_app())  # type: ignore[attr-defined]


class _Answers(ServerHandler):
    def log_exception(self, exc_info: object) -> None:
        pass


class Site:
    """The service and its inventory, to stop and to start again on the same port.

    Attributes:
        driver: The inventory.
        store: Keeps runs.
        taken: The runs that were started.
    """

    def __init__(
        self,
        directory: Path,
        *,
        playbooks: Sequence[str] = (),
        identify: Identify = anybody,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.driver = MemoryDriver(config.settings(files=[]))
        self.taken = Taken()
        self.store: RunStore = memory_store()
        self._identify = identify
        self._playbooks = directory / "playbooks"
        self._playbooks.mkdir()
        for name in playbooks:
            (self._playbooks / name).write_text("[]\n")
        self._conf = config.settings(
            files=[], state_path=str(directory), inventory__driver="memory", **(options or {})
        )
        load_secret_store(self._conf).prepare()
        self._server: _Server | None = None
        self._watchers: Watchers | None = None
        self._port = 0

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self, store: RunStore | None = None) -> None:
        """Serve, from another store of runs if one is given."""
        self.store = store or self.store
        self._watchers = Watchers(self.store, _WATCHERS)
        runs = Runs(
            store=self.store,
            playbooks=Playbooks(self._playbooks),
            dispatcher=self.taken,
            watchers=self._watchers,
            batch_size=50,
            forks=10,
        )
        self._server = _Server(self._port)
        self._port = self._server.server_port
        self._server.set_app(make_app(self.driver, self._conf, self._identify, runs))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End as a killed process does: nobody listens, and every connection is cut."""
        assert self._server is not None
        assert self._watchers is not None
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._server.connections.discard(connection)
        self._watchers.stop()
