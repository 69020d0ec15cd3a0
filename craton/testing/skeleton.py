"""Writes the package of a new driver, whose failing clauses are the list of what is left to do."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from craton.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")

#: Where each template goes.
_FILES: Final = {
    "setup.cfg.in": "setup.cfg",
    "pyproject.toml.in": "pyproject.toml",
    "README.rst.in": "README.rst",
    "package_init.py.in": "{package}/__init__.py",
    "driver.py.in": "{package}/driver.py",
    "test_conformance.py.in": "tests/test_conformance.py",
}


def write_skeleton(name: str, directory: Path) -> list[Path]:
    """Write the package of a driver.

    Args:
        name: The name of its entry point: lower-case letters, digits and underscores.
        directory: Where to; it must not exist yet, or be empty.

    Returns:
        The files that were written.

    Raises:
        ConfigurationError: The name is none, or there is something in the directory.
    """
    if not _NAME.match(name):
        raise ConfigurationError(
            f"{name!r} cannot name a driver: use lower-case letters, digits and underscores"
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(f"{directory} is not empty; name a directory that does not exist")
    base = "".join(word.capitalize() for word in name.split("_"))
    words = {
        "name": name,
        "package": f"craton_driver_{name}",
        "class_name": f"{base}Driver",
        "base": base,
    }
    templates = files("craton.testing") / "templates"
    written = []
    for template, place in _FILES.items():
        path = directory / place.format_map(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template((templates / template).read_text(encoding="utf-8"))
        path.write_text(text.substitute(words), encoding="utf-8")
        written.append(path)
    return written
