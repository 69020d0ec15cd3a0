"""The REST API under gunicorn: one process that watches, others that serve, threads in each."""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import os
import resource
import shutil
import signal
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger
from oslo_config import cfg

from craton import loader
from craton.backends.wrappers import with_change_log
from craton.capabilities import Capability
from craton.cmd.refreshing import Refresher
from craton.driver import InventoryDriver
from craton.errors import ConfigurationError, CratonError

if TYPE_CHECKING:
    from craton.cmd.running import Running

#: How long to wait for a port that a process which was just killed still holds, in seconds.
_BIND_PATIENCE: Final = 3.0
_PR_SET_PDEATHSIG: Final = 1
_METRICS_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"

#: How many files and connections a process may have besides those of clients that follow events.
_OTHER_FILES: Final = 1500

#: Called in a serving process before it serves, with its driver, open, and the URL of the service.
Prepare = Callable[[InventoryDriver, str], None]


def listen(conf: cfg.ConfigOpts) -> socket.socket:
    """Open the socket that ``[api] host`` and ``port`` name.

    Raises:
        ConfigurationError: The address cannot be used, or everybody could reach a service that
            lets everybody do everything.
    """
    host, port = conf.api.host, conf.api.port
    family, address = _resolve(host, port)
    _check_exposure(conf, str(address[0]))
    deadline = time.monotonic() + _BIND_PATIENCE
    while True:
        try:
            return _impatient(
                socket.create_server(address, family=family, backlog=2048), conf.api.stalled_seconds
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}; "
                    "set [api] host and port"
                ) from error
        time.sleep(0.1)


def serve(
    conf: cfg.ConfigOpts,
    listener: socket.socket,
    prepare: Prepare | None = None,
    *,
    carries_out: bool = False,
) -> int:
    """Serve until a signal ends it; SIGTERM lets requests finish.

    Args:
        conf: The configuration.
        listener: From :func:`listen`; it is handed over.
        prepare: What to do in each serving process before it serves.
        carries_out: Whether the serving process carries out runs itself.

    Returns:
        The exit code.
    """
    metrics = _share_metrics(conf)
    _allow_watchers(conf)
    try:
        Service(conf, listener, prepare, carries_out=carries_out).run()
    except SystemExit as exit:
        return 1 if exit.code else 0
    finally:
        if metrics is not None:
            shutil.rmtree(metrics, ignore_errors=True)
    return 0


def url_of(listener: socket.socket) -> str:
    """Return the URL at which the service can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Service(BaseApplication):
    """Gunicorn as Craton runs it; another WSGI application under it is measured alike.

    Args:
        conf: The configuration.
        listener: The socket to serve on; it is handed over.
        prepare: What to do in each serving process before it serves.
        carries_out: Whether the serving process carries out runs itself.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        listener: socket.socket,
        prepare: Prepare | None,
        *,
        carries_out: bool = False,
    ) -> None:
        self._conf = conf
        self._url = url_of(listener)
        self._prepare = prepare
        self._carries_out = carries_out
        self._running: Running | None = None
        self._driver: InventoryDriver | None = None
        self._refresher: Refresher | None = None
        self._options = {
            "bind": f"fd://{listener.detach()}",
            "worker_class": "gthread",
            "workers": conf.api.workers,
            "threads": conf.api.threads,
            "logger_class": _Logger,
            # Its debugging would write down the paths of requests.
            "loglevel": "info" if conf.debug else "warning",
            "control_socket_disable": True,
            "limit_request_line": 8190,
            # By default whoever is on this machine may set the scheme and the script's name.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "post_fork": _die_with_parent,
            "post_worker_init": self._watch,
            "child_exit": _forget_metrics,
            "worker_exit": self._close,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Only now: metrics look at the environment when they are imported, and a driver's
        # connections must not be shared between processes.
        from craton.api.app import make_app
        from craton.cmd.running import running

        try:
            self._driver = with_change_log(loader.load(self._conf), self._conf)
            self._driver.open()
            if Capability.MIRROR in self._driver.capabilities:
                self._refresher = Refresher(self._driver)
                self._refresher.start()
            self._running = running(self._conf, carries_out=self._carries_out)
            offered = None if self._running is None else self._running.offered
            app = make_app(self._driver, self._conf, runs=offered)
            if self._running is not None:
                self._running.start()
            if self._prepare is not None:
                self._prepare(self._driver, self._url)
            return app
        except CratonError as error:
            if self._running is not None:
                self._running.stop()
            raise AppImportError(f"craton: {error}") from error

    def _watch(self, worker: Any) -> None:
        # Requests that go on would keep clients waiting that only listen.
        if self._running is not None:
            self._running.offered.watchers.is_stopping = lambda: not worker.alive

    def _close(self, server: object, worker: object) -> None:
        if self._running is not None:
            self._running.stop()
        if self._refresher is not None:
            self._refresher.stop()
        if self._driver is not None:
            self._driver.close()
        if self._refresher is not None:
            self._refresher.join()


class _Logger(Logger):
    """Lets gunicorn's messages go where all others go."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _impatient(listener: socket.socket, seconds: int) -> socket.socket:
    """Bound how long a client may neither send nor take; Linux hands this on to what is accepted.

    Otherwise some clients that stall hold all threads. Gunicorn has no such bound for threads.
    """
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
    return listener


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(f"[api] host: {host!r} is no address of this machine") from error
    family, _, _, _, address = found[0]
    return family, address[:2]


def _check_exposure(conf: cfg.ConfigOpts, address: str) -> None:
    if conf.api.auth_strategy != "noauth" or conf.api.allow_noauth_remote:
        return
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise ConfigurationError(
            f"[api] auth_strategy is noauth, so everybody who reaches {address} could change "
            "everything: listen on 127.0.0.1, or set [api] allow_noauth_remote to accept that"
        )


def _share_metrics(conf: cfg.ConfigOpts) -> str | None:
    """Let several processes count together; prometheus_client asks for a directory of their own."""
    if conf.api.workers == 1:
        return None
    os.environ[_METRICS_DIRECTORY] = tempfile.mkdtemp(prefix="craton-metrics-")
    return os.environ[_METRICS_DIRECTORY]


def _allow_watchers(conf: cfg.ConfigOpts) -> None:
    """Let every process have as many connections as clients may follow events, and some more."""
    wanted = conf.runs.max_watchers + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _forget_metrics(server: object, worker: Any) -> None:
    if _METRICS_DIRECTORY in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _die_with_parent(server: object, worker: Any) -> None:
    """Do not hold the port once the process that watches is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != worker.ppid:
        os._exit(1)
