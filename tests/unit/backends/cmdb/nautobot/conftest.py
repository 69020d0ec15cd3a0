"""Options as somebody would write them, and as the adapter takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from craton import config
from craton.backends.cmdb.nautobot.options import GROUP, OPTIONS, Options

Configure = Callable[..., Options]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """The file of a token, its owner's alone."""
    file = tmp_path / "token"
    file.write_text("sesame\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def configure(tmp_path: Path, token_file: Path) -> Configure:
    """Make options from what stands in a file beside the endpoint and the token."""

    def made(**given: object) -> Options:
        lines: dict[str, object] = {
            "endpoint": "https://nautobot.example",
            "token_file": token_file,
            **given,
        }
        file = tmp_path / "craton.conf"
        text = "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)
        file.write_text(f"[{GROUP}]\n{text}")
        settings = config.settings(files=[str(file)])
        config.register(settings, {GROUP: OPTIONS})
        config.check(settings, {GROUP: OPTIONS})
        return Options.read(settings[GROUP])

    return made
