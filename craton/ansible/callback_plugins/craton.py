"""Reports an ansible-playbook to Craton, so that it shows as a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: The longest message, in characters; what is beyond is cut off.
MAX_MESSAGE: Final = 4096

#: Of a loop, the messages of so many items are told.
_MAX_ITEMS: Final = 20

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
