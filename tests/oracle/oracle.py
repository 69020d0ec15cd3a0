"""The way to ask ansible-inventory, with every warning a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

SERVER = Path(__file__).with_name("server.py")


class Refused(AssertionError):
    """Ansible did not read an inventory, or had something to say about it."""


def environment(home: Path) -> dict[str, str]:
    """Return the variables of an environment in which a file that does not parse is an error."""
    settings = Path(home, "empty.cfg")
    settings.touch()
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_INVENTORY_ENABLED": "script,yaml",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
        "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",
        "ANSIBLE_NOCOLOR": "1",
    }


class Oracle:
    """Ansible in a process of its own.

    Args:
        home: An empty directory that nobody else uses.
    """

    def __init__(self, home: Path) -> None:
        self.home = Path(home)
        (self.home / "warm-up").mkdir(parents=True)
        group_vars = self.home / "warm-up/group_vars/group"
        group_vars.mkdir(parents=True)
        (group_vars / "2-own.json").write_text('{"variable": {"__ansible_unsafe": "{{ x }}"}}')
        hosts = self.home / "warm-up/hosts"
        hosts.write_text('{"all": {"children": {"group": {"hosts": {"host": {"variable": 1}}}}}}')
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SERVER), str(hosts)],
            env=environment(self.home),
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions = self._process.stdin
        self._answers = self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._questions.close()
        self._answers.close()
        self._process.wait()

    def inventory(self, path: Path, *, export: bool = False) -> dict[str, Any]:
        """Return what ``ansible-inventory --list`` prints for an inventory or a script.

        Raises:
            Refused: It failed, or warned.
        """
        question = {"path": str(path), "export": export, "directory": str(self.home)}
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        found = json.loads(self._answers.readline())
        if found["status"] != 0 or found["errors"]:
            raise Refused(f"{path}: status {found['status']}\n{found['errors']}")
        inventory: dict[str, Any] = json.loads(found["output"])
        return inventory
