"""From what ansible-runner tells of an ``ansible-playbook`` to reports. Pure; no I/O.

A host's final state is what Ansible's own recap says. It comes early for hosts of which it is known
that nothing can change it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from craton.ansible.callback_plugins.craton import message_of, plain, state_of
from craton.jsontext import JsonValue
from craton.runs.marks import FINAL
from craton.runs.models import MAX_MESSAGE, EventType, HostState, Report, RunHost

_OUTPUT: Final = frozenset({"error", "verbose", "warning", "system_warning"})

_BAD: Final = frozenset({HostState.FAILED, HostState.UNREACHABLE})


@dataclass
class _Host:
    """What is known of one host so far.

    Attributes:
        id, name: The host's.
        seen: Whether a task was started on it.
        finished: Whether its final state was told.
        last: The last task, and what came of it.
        failure: The same of the last one that failed, or did not reach the host.
    """

    id: str
    name: str
    seen: bool = False
    finished: bool = False
    last: tuple[str, str] = ("", "")
    failure: tuple[str, str] = ("", "")


class Reporter:
    """Makes reports of the events of one batch, in order.

    Args:
        hosts: The hosts of the batch; what happens on others (that a play added) is not told.
        batch: The number of the batch.
    """

    def __init__(self, hosts: Sequence[RunHost], batch: int) -> None:
        self._hosts = {host.host: _Host(host.host_id, host.host) for host in hosts}
        self._batch = batch
        self._errors = self._output = ""
        self.complete = False

    @property
    def output(self) -> str:
        """What was printed besides events: the errors, or the end of everything."""
        return plain(self._errors or self._output[-MAX_MESSAGE:])

    def feed(self, event: Mapping[str, Any]) -> list[Report]:
        """Take one event as ansible-runner gives it to its ``event_handler``."""
        kind = event.get("event")
        if kind in _OUTPUT:
            self._keep(str(kind), str(event.get("stdout") or ""))
            return []
        handle = _HANDLERS.get(str(kind))
        return [] if handle is None else list(handle(self, event.get("event_data") or {}, event))

    def _keep(self, kind: str, text: str) -> None:
        if kind == "error":
            self._errors = f"{self._errors}{text}\n"[: 4 * MAX_MESSAGE]
        self._output = f"{self._output}{text}\n"[-4 * MAX_MESSAGE :]

    def _play(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        yield Report(
            type=EventType.PLAY_STARTED,
            time=_time(event),
            task=plain(str(data.get("name") or "")),
            data={"batch": self._batch},
        )

    def _task(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        yield Report(
            type=EventType.TASK_STARTED,
            time=_time(event),
            task=_task_name(data),
            data={"batch": self._batch, "action": str(data.get("task_action") or "")},
        )

    def _start(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        host = self._hosts.get(str(data.get("host")))
        if host is None or host.seen:
            return
        host.seen = True
        yield Report(
            type=EventType.TASK_STARTED,
            time=_time(event),
            host_id=host.id,
            host=host.name,
            task=_task_name(data),
            data={"batch": self._batch},
            host_state=HostState.RUNNING,
        )

    def _ok(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        changed = bool((data.get("res") or {}).get("changed"))
        yield from self._told(EventType.HOST_CHANGED if changed else EventType.HOST_OK, data, event)

    def _skipped(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        yield from self._told(EventType.HOST_SKIPPED, data, event)

    def _failed(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        yield from self._told(EventType.HOST_FAILED, data, event)
        yield from self._finished_early(HostState.FAILED, data, event)

    def _unreachable(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        yield from self._told(EventType.HOST_UNREACHABLE, data, event)
        yield from self._finished_early(HostState.UNREACHABLE, data, event)

    def _told(
        self, type: EventType, data: Mapping[str, Any], event: Mapping[str, Any]
    ) -> Iterator[Report]:
        host = self._hosts.get(str(data.get("host")))
        if host is None:
            return
        bad = type in {EventType.HOST_FAILED, EventType.HOST_UNREACHABLE}
        task, message = _task_name(data), message_of(data.get("res") or {}, failed=bad)
        host.last = (task, message)
        if bad:
            host.failure = host.last
        state = None if host.seen else HostState.RUNNING
        host.seen = True
        yield Report(
            type=type,
            time=_time(event),
            host_id=host.id,
            host=host.name,
            task=task,
            message=message,
            data=_details(data),
            host_state=state,
        )

    def _finished_early(
        self, state: HostState, data: Mapping[str, Any], event: Mapping[str, Any]
    ) -> Iterator[Report]:
        host = self._hosts.get(str(data.get("host")))
        if host is not None and not host.finished and FINAL in str(event.get("stdout") or ""):
            yield self._finished(host, state, _time(event))

    def _stats(self, data: Mapping[str, Any], event: Mapping[str, Any]) -> Iterator[Report]:
        self.complete = True
        for host in self._hosts.values():
            if not host.finished:
                yield self._finished(host, HostState(state_of(host.name, data)), _time(event))

    def _finished(self, host: _Host, state: HostState, time: datetime) -> Report:
        host.finished = True
        task, message = host.failure if state in _BAD else host.last
        return Report(
            type=EventType.HOST_FINISHED,
            time=time,
            host_id=host.id,
            host=host.name,
            task=task,
            message=message,
            data={"state": state.value},
            host_state=state,
        )


_HANDLERS: Final = {
    "playbook_on_play_start": Reporter._play,
    "playbook_on_task_start": Reporter._task,
    "runner_on_start": Reporter._start,
    "runner_on_ok": Reporter._ok,
    "runner_on_skipped": Reporter._skipped,
    "runner_on_failed": Reporter._failed,
    "runner_on_unreachable": Reporter._unreachable,
    "playbook_on_stats": Reporter._stats,
}


def _task_name(data: Mapping[str, Any]) -> str:
    return plain(str(data.get("task") or data.get("name") or ""))


def _details(data: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what is worth to be kept of a result besides its message."""
    found: dict[str, JsonValue] = {"action": str(data.get("task_action") or "")}
    code = (data.get("res") or {}).get("rc")
    if isinstance(code, int):
        found["rc"] = code
    if data.get("ignore_errors"):
        found["ignored"] = True
    if isinstance(duration := data.get("duration"), int | float):
        found["seconds"] = round(duration, 3)
    return found


def _time(event: Mapping[str, Any]) -> datetime:
    """Return when an event happened; ansible-core 2.19 and ansible-runner 2.4 say it in UTC."""
    try:
        time = datetime.fromisoformat(str(event.get("created")))
    except ValueError:
        return datetime.now(UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
