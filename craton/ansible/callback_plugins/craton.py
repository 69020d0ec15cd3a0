"""Reports an ``ansible-playbook`` to Craton, so that it shows as a run.

This file needs Ansible and nothing else: copy it into a directory of ``ANSIBLE_CALLBACK_PLUGINS``,
or name the directory that ``python -m craton.ansible`` prints. It never makes a playbook fail, and
never makes it wait for longer than ``patience``, at its end.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import re
import ssl
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypedDict

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: craton
    type: notification
    short_description: Reports playbooks to Craton
    description:
        - Shows an ansible-playbook that was started by hand as a run of a region in Craton.
    options:
        url:
            description: Where Craton's API is, such as https://craton.example.org.
            env: [{name: CRATON_URL}]
            ini: [{section: callback_craton, key: url}]
        region:
            description: The id of the region that the hosts belong to.
            env: [{name: CRATON_REGION_ID}]
            ini: [{section: callback_craton, key: region}]
        token:
            description: A Keystone token.
            env: [{name: CRATON_TOKEN}]
        token_file:
            description: A file with a Keystone token; it is read before each request.
            type: path
            env: [{name: CRATON_TOKEN_FILE}]
            ini: [{section: callback_craton, key: token_file}]
        username:
            description: A user of HTTP basic authentication.
            env: [{name: CRATON_USERNAME}]
            ini: [{section: callback_craton, key: username}]
        password:
            description: The password of that user.
            env: [{name: CRATON_PASSWORD}]
        ca_file:
            description: The certificate authorities to trust instead of the system's.
            type: path
            env: [{name: CRATON_CA_FILE}]
            ini: [{section: callback_craton, key: ca_file}]
        spool:
            description: The directory for what waits to be told, if not the system's temporary one.
            type: path
            env: [{name: CRATON_SPOOL}]
            ini: [{section: callback_craton, key: spool}]
        spool_mb:
            description: Megabytes that may wait; beyond that only failures and last states may.
            type: int
            default: 64
            env: [{name: CRATON_SPOOL_MB}]
            ini: [{section: callback_craton, key: spool_mb}]
        patience:
            description: Seconds for which the end of a playbook waits until everything is told.
            type: float
            default: 10
            env: [{name: CRATON_PATIENCE}]
            ini: [{section: callback_craton, key: patience}]
"""

#: The longest message, in characters; what is beyond is cut off.
MAX_MESSAGE: Final = 4096

#: Of a loop, the messages of so many items are told.
_MAX_ITEMS: Final = 20

#: Seconds: between two looks for news, between two signs of life, for one request.
_LOOK: Final = 0.5
_HEARTBEAT: Final = 25.0
_TIMEOUT: Final = 10.0

#: Seconds to wait after a failed request: the first time, and at most.
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0

#: How much one request tells at most: events, and bytes.
_MAX_EVENTS: Final = 500
_MAX_BYTES: Final = 512 * 1024

#: What is told even if there is no room left for anything else.
_NEEDED: Final = frozenset({"host.failed", "host.unreachable", "host.finished"})

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def plain(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return a text without colours, control characters and what no encoding knows, cut off."""
    # An escape sequence may be cut in two, so there is room for more than what is kept.
    text = _ESCAPES.sub("", text[: 4 * limit]).replace("\r\n", "\n")
    return _CONTROLS.sub("\ufffd", text).strip()[:limit]


def message_of(result: Mapping[str, Any], *, failed: bool) -> str:
    """Return what a module, or Ansible itself, said of a host.

    Args:
        result: The result of the task, as Ansible gives it to callback plugins.
        failed: Whether the task failed, so that what went wrong is to be told at length.
    """
    if failed and not result:
        return "the result of the task is too long to be told"
    return plain("\n".join(_parts(result, failed)))


def _parts(result: Mapping[str, Any], failed: bool) -> Iterator[str]:
    if "censored" in result:
        yield str(result["censored"])
        return
    told = [_text(result.get("msg"))]
    if failed:
        told += [_text(result.get(name)) for name in ("stderr", "module_stderr")]
        told += [] if any(told[1:]) else [_text(result.get("module_stdout"))]
        told += [] if any(told) else [_text(result.get(name)) for name in ("reason", "exception")]
    elif not told[0]:
        told.append(_text(result.get("stdout")))
    yield from _without_repeats(told)
    yield from _items(result.get("results"), failed)


def _items(results: object, failed: bool) -> Iterator[str]:
    if not isinstance(results, list) or not failed:
        return
    bad = [
        item
        for item in results
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable"))
    ]
    for item in bad[:_MAX_ITEMS]:
        label = _text(item.get("_ansible_item_label", item.get("item")))
        yield (
            f"{label}: {' '.join(_parts(item, failed))}"
            if label
            else " ".join(_parts(item, failed))
        )
    if len(bad) > _MAX_ITEMS:
        yield f"… and {len(bad) - _MAX_ITEMS} more"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    return str(value).strip()


def _without_repeats(texts: list[str]) -> Iterator[str]:
    told = ""
    for text in texts:
        if text and text not in told:
            told += f"\n{text}"
            yield text


def state_of(host: str, counts: Mapping[str, Any]) -> str:
    """Return the final state of a host by Ansible's recap.

    Args:
        host: Its name.
        counts: ``dark``, ``failures``, ``changed``, ``ok``, ``rescued``: how many tasks, by host. A
            failure that was rescued or ignored counts neither as one nor, by itself, as a change.
    """

    def counted(name: str) -> bool:
        found = counts.get(name)
        return isinstance(found, Mapping) and bool(found.get(host))

    for name, state in (("dark", "unreachable"), ("failures", "failed"), ("changed", "changed")):
        if counted(name):
            return state
    return "ok" if counted("ok") or counted("rescued") else "skipped"


def may_be_rescued(task: Any) -> bool:
    """Tell whether a task stands in a block that may mend its failure, however far out."""
    parent = task._parent
    while parent is not None:
        if getattr(parent, "rescue", None):
            return True
        parent = parent._parent
    return False


class Refused(Exception):
    """The server will not take this, now or later."""


class Server:
    """Craton's API, as far as a run that is reported needs it.

    Args:
        option: Gives the value of an option of the plugin.
    """

    def __init__(self, option: Callable[[str], Any]) -> None:
        self._option = option
        self._base = f"{option('url').rstrip('/')}/v1/runs/{option('region')}"
        context = ssl.create_default_context(cafile=option("ca_file"))
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirects
        )

    def post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Send a request and return the answer's JSON, if there is one.

        Raises:
            Refused: The server refuses it for good.
            OSError: It may be taken later.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers.update(self._credentials())
        if key is not None:
            headers["Idempotency-Key"] = key
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers, method="POST")
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                if error.code >= 500 or error.code in {401, 408, 429}:
                    raise OSError(f"HTTP status {error.code}") from error
                raise Refused(_reason(error)) from error
        except ValueError as error:
            raise Refused(str(error)) from error
        return json.loads(content) if content else None

    def _credentials(self) -> dict[str, str]:
        token, username = self._option("token"), self._option("username")
        if path := self._option("token_file"):
            token = Path(path).read_text().strip()
        if token:
            return {"X-Auth-Token": token}
        if username:
            pair = f"{username}:{self._option('password') or ''}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: that would hand out the credentials."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(65536))["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"HTTP status {error.code}"


class Backlog:
    """Events that wait to be told, in a file that has no name and vanishes with the process.

    Args:
        directory: Where the file is.
        room: How many bytes may wait before only what is needed is still taken.
    """

    def __init__(self, directory: str | None, room: int) -> None:
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - it lasts
        self._room = room
        self._read = self._written = 0
        self._lock = threading.Lock()
        self.dropped = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def add(self, event: Mapping[str, Any]) -> None:
        """Let an event wait."""
        line = json.dumps(event).encode() + b"\n"
        with self._lock:
            full = self._written - self._read + len(line) > self._room
            if (full and event["type"] not in _NEEDED) or not self._wrote(line, self._written):
                self.dropped += 1
            else:
                self._written += len(line)

    def first(self) -> tuple[list[Any], int]:
        """Return the first events that wait, and what :meth:`drop` takes to forget them."""
        with self._lock:
            lines = self._pread(self._read).splitlines(True)
        # A line is far shorter than what is read at once, so there is a whole one.
        whole = [line for line in lines[:_MAX_EVENTS] if line.endswith(b"\n")]
        return [json.loads(line) for line in whole], sum(map(len, whole))

    def holds_more(self, size: int) -> bool:
        """Tell whether more waits than the first so many bytes."""
        with self._lock:
            return self._written - self._read > size

    def drop(self, size: int) -> None:
        """Forget the first events."""
        with self._lock:
            self._read += size
            if self._read == self._written or self._read > self._room:
                self._close_up()

    def _close_up(self) -> None:
        """Move what waits to the beginning of the file."""
        end = 0
        for start in range(self._read, self._written, _MAX_BYTES):
            piece = self._pread(start)
            if not self._wrote(piece, end):
                # What is there stays where it is.
                return
            end += len(piece)
        self._read, self._written = 0, end
        self._file.truncate(end)

    def _pread(self, start: int) -> bytes:
        return os.pread(self._file.fileno(), min(_MAX_BYTES, self._written - start), start)

    def _wrote(self, content: bytes, start: int) -> bool:
        try:
            return os.pwrite(self._file.fileno(), content, start) == len(content)
        except OSError:
            return False


class Teller(threading.Thread):
    """Tells one run's events to the server, however often that has to be tried.

    Args:
        server: The server.
        backlog: What is to be told.
        run: The body that announces the run.
    """

    def __init__(self, server: Server, backlog: Backlog, run: Mapping[str, Any]) -> None:
        super().__init__(name="craton", daemon=True)
        self._server = server
        self._backlog = backlog
        self._run = run
        self._run_state: str | None = None
        self._ending = threading.Event()
        self._given_up = threading.Event()
        #: Why nothing more is told, or why nothing is told at the moment.
        self.trouble = ""
        #: Whether the end of the run was told.
        self.done = False

    def end(self, run_state: str, patience: float) -> None:
        """Tell how the run ended, and wait for a while until everything is told."""
        self._run_state = run_state
        self._ending.set()
        self.join(patience)
        self._given_up.set()

    def run(self) -> None:
        try:
            self._tell_all()
        except Refused as error:
            self.trouble = str(error)
        except Exception as error:
            # Whatever it is, the playbook goes on.
            self.trouble = f"{type(error).__name__}: {error}"

    def _tell_all(self) -> None:
        key = str(uuid.uuid4())
        run = self._patiently(partial(self._server.post, "", self._run, key))
        path, number, last = f"/{run['id']}/events", 1, time.monotonic()
        while not self._given_up.is_set():
            ending = self._ending.wait(_LOOK)
            events, size = self._backlog.first()
            if not events and not ending and time.monotonic() - last < _HEARTBEAT:
                continue
            is_last = ending and not self._backlog.holds_more(size)
            state = self._run_state if is_last else None
            body = {"first": number, "events": events, "run_state": state}
            self._patiently(partial(self._server.post, path, body))
            self._backlog.drop(size)
            number, last = number + len(events), time.monotonic()
            if is_last:
                self.done = True
                return

    def _patiently(self, post: Callable[[], Any]) -> Any:
        pause = _PAUSE
        while not self._given_up.is_set():
            try:
                answer = post()
            except OSError as error:
                self.trouble = str(error)
                self._given_up.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self.trouble = ""
                return answer
        raise Refused(self.trouble)


class _Last(TypedDict):
    task: str
    message: str


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Turns what Ansible does into events of a run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "craton"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._playbook: Any = None
        self._teller: Teller | None = None
        self._backlog: Backlog | None = None
        self._seen: set[str] = set()
        self._finished: set[str] = set()
        self._last: dict[str, _Last] = {}
        self._failure: dict[str, _Last] = {}
        self._hosts: list[str] = []

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = playbook

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if self._teller is None and self._playbook is not None:
            self._begin(play)
        self._tell("play.started", task=play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tell("task.started", task=task.get_name())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._tell("task.started", task=task.get_name())

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        name = str(host.get_name())
        if name not in self._seen:
            self._tell("task.started", host=name, task=task.get_name(), host_state="running")

    def v2_runner_on_ok(self, result: Any) -> None:
        changed = bool(result._result.get("changed"))
        self._tell_result("host.changed" if changed else "host.ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._tell_result("host.skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._tell_result("host.failed", result, {"ignored": True} if ignore_errors else {})
        if not ignore_errors and not may_be_rescued(result._task):
            self._finish(str(result._host.get_name()), "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._tell_result("host.unreachable", result)
        if not result._task.ignore_unreachable:
            self._finish(str(result._host.get_name()), "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        for host in self._hosts:
            self._finish(host, state_of(host, vars(stats)))
        bad = any(stats.dark.values()) or any(stats.failures.values())
        self._end("failed" if bad else "succeeded")

    def _begin(self, play: Any) -> None:
        missing = [name for name in ("url", "region") if not self.get_option(name)]
        if missing:
            self._display.warning(f"Nothing is reported to Craton: {', '.join(missing)} is not set")
            self._playbook = None
            return
        try:
            self._hosts = hosts_of(self._playbook, play.get_variable_manager()._inventory)
            server = Server(self.get_option)
            self._backlog = Backlog(self.get_option("spool"), self.get_option("spool_mb") * 2**20)
        except (OSError, ValueError) as error:
            self._display.warning(f"Nothing is reported to Craton: {error}")
            self._playbook = None
            return
        run = {
            "origin": "reported",
            "playbook": Path(str(self._playbook._file_name)).name,
            "hosts": self._hosts,
            "check": bool(play.check_mode),
        }
        self._teller = Teller(server, self._backlog, run)
        self._teller.start()
        # A playbook that is interrupted gives no recap.
        atexit.register(self._end, "failed", os.getpid())

    def _tell_result(self, type: str, result: Any, data: Mapping[str, Any] | None = None) -> None:
        host, task = str(result._host.get_name()), plain(result._task.get_name())
        bad = type in {"host.failed", "host.unreachable"}
        message = message_of(result._result, failed=bad)
        self._last[host] = {"task": task, "message": message}
        if bad:
            self._failure[host] = self._last[host]
        state = None if host in self._seen else "running"
        action = {"action": str(result._task.action), **(data or {})}
        self._tell(type, host=host, task=task, message=message, data=action, host_state=state)

    def _finish(self, host: str, state: str) -> None:
        if host in self._finished or host not in self._hosts:
            return
        self._finished.add(host)
        known = self._failure if state in {"failed", "unreachable"} else self._last
        last = known.get(host, {"task": "", "message": ""})
        self._tell("host.finished", host=host, host_state=state, data={"state": state}, **last)

    def _tell(
        self,
        type: str,
        *,
        host: str | None = None,
        task: str = "",
        message: str = "",
        data: Mapping[str, Any] | None = None,
        host_state: str | None = None,
    ) -> None:
        if self._backlog is None:
            return
        if host is not None:
            self._seen.add(host)
        event = {
            "type": type,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "host": host,
            "task": plain(task),
            "message": message,
            "data": data or {},
            "host_state": host_state,
        }
        self._backlog.add(event)

    def _end(self, run_state: str, process: int | None = None) -> None:
        teller, self._teller, self._playbook = self._teller, None, None
        if teller is None or self._backlog is None or process not in (None, os.getpid()):
            return
        teller.end(run_state, self.get_option("patience"))
        if not teller.done:
            self._display.warning(f"Craton was not told how the playbook ended: {teller.trouble}")
        elif self._backlog.dropped:
            self._display.warning(f"Craton was not told of {self._backlog.dropped} events")
        if not teller.is_alive():
            self._backlog.close()
        self._backlog = None


def hosts_of(playbook: Any, inventory: Any) -> list[str]:
    """Return the names of the hosts that the plays of a playbook are for, within the limit."""
    found: dict[str, None] = {}
    for play in playbook.get_plays():
        patterns = play.hosts if isinstance(play.hosts, list) else [play.hosts]
        # A pattern may hang on variables that nobody knows before the play begins.
        known = not any("{{" in str(pattern) for pattern in patterns)
        for host in inventory.get_hosts(play.hosts if known else "all", ignore_restrictions=True):
            found[str(host.get_name())] = None
    return list(found)
