"""The steps that Redis makes as one, in Lua."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

#: Those that do not work on one run.
_ALONE: Final = {"reached"}


def source(name: str) -> str:
    """Return the text of a script."""
    text = _text(name)
    return text if name in _ALONE else f"{_text('common')}\n{text}"


def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
