"""The playbooks that may be run: files below one directory, and nothing outside of it.

Whoever may write there decides what runs on the fleet; whoever may start a run only chooses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from craton.errors import ConfigurationError, InvalidValue

FIELD: Final = "playbook"

_SUFFIXES: Final = frozenset({".yml", ".yaml"})

#: Directories in which Ansible keeps other things than playbooks; what is in them is not listed.
_OTHERS: Final = frozenset(
    """
    collections defaults files filter_plugins group_vars handlers host_vars library meta
    module_utils roles tasks templates vars
    """.split()
)


class Playbooks:
    """The playbooks of a service.

    Args:
        directory: ``[runs] playbook_path``; ``None`` if there are none.
    """

    def __init__(self, directory: str | os.PathLike[str] | None) -> None:
        self.directory = None if directory is None else Path(directory)

    def start(self) -> None:
        """Find out whether the directory can be read. Raises ``ConfigurationError``."""
        if self.directory is None:
            return
        try:
            os.scandir(self.directory).close()
        except OSError as error:
            raise ConfigurationError(
                f"[runs] playbook_path: {self.directory} cannot be read: {error.strerror}"
            ) from error

    def list(self) -> Sequence[str]:
        """Return the names of the playbooks: their paths below the directory, in order."""
        if self.directory is None:
            return []
        return sorted(name for name in _files(self.directory) if self._find(name) is not None)

    def check(self, name: str) -> Path:
        """Return the file of a playbook.

        Args:
            name: Its path below the directory, written in the shortest way.

        Raises:
            InvalidValue: It is no path of a YAML file there; a symbolic link that leads out of the
                directory leads nowhere.
        """
        if self.directory is None:
            raise InvalidValue(
                FIELD, "cannot be run: this service has no [runs] playbook_path to take it from"
            )
        found = self._find(name)
        if found is None:
            raise InvalidValue(
                FIELD,
                "must be the path of a .yml or .yaml file below the service's playbook directory, "
                "such as site.yml",
            )
        return found

    def _find(self, name: str) -> Path | None:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name or "\0" in name:
            return None
        if path.suffix not in _SUFFIXES or self.directory is None:
            return None
        try:
            root = self.directory.resolve(strict=True)
            found = (root / path).resolve(strict=True)
            # Ansible finds roles and variables beside the path that it is given.
            return root / path if found.is_relative_to(root) and found.is_file() else None
        except (OSError, RuntimeError, ValueError):
            # It is not there, a loop of links, or no name that a file can have.
            return None


def _files(directory: Path) -> Iterator[str]:
    for parent, directories, names in os.walk(directory):
        directories[:] = [
            name for name in directories if name not in _OTHERS and not name.startswith(".")
        ]
        for name in names:
            if not name.startswith(".") and Path(name).suffix in _SUFFIXES:
                yield (Path(parent) / name).relative_to(directory).as_posix()
