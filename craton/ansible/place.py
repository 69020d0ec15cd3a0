"""Where the plugins are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: The directory to put into ``ANSIBLE_CALLBACK_PLUGINS``.
CALLBACK_PLUGINS: Final = Path(__file__).with_name("callback_plugins")
