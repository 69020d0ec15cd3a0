"""Answers questions about inventories; Ansible is imported once, and each question gets a fork.

A question is a line of JSON on standard input, ``{"path", "export", "directory"}``; the answer is a
line of JSON on standard output, ``{"status", "output", "errors"}``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible.cli import inventory as cli
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager


class InventoryCLI(cli.InventoryCLI):  # type: ignore[misc]
    """``ansible-inventory``, except that the keys of objects stay in their order."""

    @staticmethod
    def dump(stuff: object) -> str:
        return json.dumps(stuff, cls=cli._inventory_legacy.Encoder)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    warm_up(sys.argv[1])
    gc.freeze()
    gc.disable()
    for line in sys.stdin:
        question = json.loads(line)
        directory = Path(question["directory"])
        output, errors = directory / "output", directory / "errors"
        child = os.fork()
        if child == 0:
            os._exit(answer(question, output, errors))
        _, status = os.waitpid(child, 0)
        found = {
            "status": os.waitstatus_to_exitcode(status),
            "output": output.read_text(encoding="utf-8"),
            "errors": errors.read_text(encoding="utf-8"),
        }
        print(json.dumps(found), file=answers, flush=True)


def warm_up(path: str) -> None:
    """Let the plugins be imported and their documentation be read before the first fork."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[path])
    variables = VariableManager(loader=loader, inventory=inventory)
    for host in inventory.get_hosts():
        variables.get_vars(host=host)


def answer(question: dict[str, Any], output: Path, errors: Path) -> int:
    for number, path in ((1, output), (2, errors)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    arguments = ["ansible-inventory", "-i", question["path"], "--list"]
    if question["export"]:
        arguments.append("--export")
    try:
        InventoryCLI.cli_executor(arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
