"""What is made of what others tell, before a store sees it.

Names, messages and data come from hosts: they may be of any size, and hold what cannot be stored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from craton import jsontext
from craton.errors import InvalidValue
from craton.jsontext import JsonValue
from craton.runs.models import MAX_DATA, MAX_MESSAGE, Progress, Report, Run, RunHost, RunState

#: Half of a surrogate pair is a character to Python, and to nobody who writes UTF-8.
_SURROGATES: Final = re.compile("[\ud800-\udfff]")

#: What stands for a character that cannot be stored.
_REPLACEMENT: Final = "\ufffd"

#: The longest entry of data that stays when data as a whole are too long, in characters of JSON.
_MAX_KEPT_ENTRY: Final = 512


def moment(time: datetime, field: str = "time") -> datetime:
    """Return a time in UTC, to the millisecond, which is what stores keep.

    Raises:
        InvalidValue: It has no time zone, or none of our years in UTC.
    """
    if time.tzinfo is None:
        raise InvalidValue(field, "must have a time zone")
    try:
        time = time.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue(field, "must be a time of the years 1 to 9999 in UTC") from error
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def text(value: str) -> str:
    """Return a text without what cannot be stored, cut at ``MAX_MESSAGE``."""
    return _storable(value[:MAX_MESSAGE])


def name(value: str) -> str:
    """Return a name as texts are kept, and without NUL, which parts names from ids."""
    return _storable(value[:MAX_MESSAGE]).replace("\0", _REPLACEMENT)


def report(told: Report) -> Report:
    """Return a report as it is to be kept.

    Raises:
        InvalidValue: Its time has no time zone.
    """
    return Report(
        type=told.type,
        time=moment(told.time),
        host_id=None if told.host_id is None else name(told.host_id),
        host=None if told.host is None else name(told.host),
        task=text(told.task),
        message=text(told.message),
        data=data(told.data) if told.data else {},
        host_state=told.host_state,
        run_state=told.run_state,
    )


def run(new: Run, total: int) -> Run:
    """Return a run as it is kept before anybody took it up.

    Raises:
        InvalidValue: Its time has no time zone.
    """
    return replace(
        new,
        playbook=text(new.playbook),
        filters={_storable(str(key)): _json(value) for key, value in new.filters.items()},
        tags=tuple(_storable(tag) for tag in new.tags),
        requested_by=_storable(new.requested_by),
        request_id=_storable(new.request_id),
        state=RunState.QUEUED,
        reason="",
        cancelling=False,
        attempt=0,
        created_at=moment(new.created_at, "created_at"),
        started_at=None,
        finished_at=None,
        progress=Progress(total=total, pending=total),
        last_event=0,
        heard_at=None,
    )


def row(host: RunHost) -> RunHost:
    """Return the row of a host that nothing was done to yet."""
    return RunHost(host_id=name(host.host_id), host=name(host.host), batch=host.batch)


def data(value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return data as JSON that can be stored.

    If they are longer than ``MAX_DATA``, their long entries are left out, and ``omitted`` names
    them; it is ``True`` when even those that are left would be too long.
    """
    try:
        entries = {_storable(str(key)): _json(item) for key, item in value.items()}
        if len(jsontext.dumps(entries)) <= MAX_DATA:
            return entries
        short = {
            key: item
            for key, item in entries.items()
            if len(key) + len(jsontext.dumps(item)) <= _MAX_KEPT_ENTRY
        }
        omitted: list[JsonValue] = [key[:_MAX_KEPT_ENTRY] for key in entries if key not in short]
        kept = {**short, "omitted": omitted}
        return kept if len(jsontext.dumps(kept)) <= MAX_DATA else {"omitted": True}
    except (RecursionError, ValueError):
        return {"omitted": True}


def _json(value: object) -> JsonValue:
    if isinstance(value, str):
        return _storable(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_storable(str(key)): _json(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_json(item) for item in value]
    return _storable(str(value))


def _storable(value: str) -> str:
    return value if value.isascii() else _SURROGATES.sub(_REPLACEMENT, value)
