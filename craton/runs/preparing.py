"""Writes what ``ansible-playbook`` reads of a batch, besides the bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from craton import jsontext
from craton.bundles.rendering import marked
from craton.jsontext import JsonValue
from craton.runs.order import EXTRA_VARS, LIMIT, SETTINGS


def prepare(directory: Path, hosts: Sequence[str], extra_vars: Mapping[str, JsonValue]) -> None:
    """Write the files of a batch into its private directory.

    Extra variables are data, as all of Craton's variables are: a string that looks like a template
    is marked, so that Ansible does not run what somebody put into a request.
    """
    (directory / "env").mkdir(mode=0o700)
    (directory / "tmp").mkdir(mode=0o700)
    (directory / "cp").mkdir(mode=0o700)
    if extra_vars:
        (directory / EXTRA_VARS).write_text(jsontext.dumps(marked(dict(extra_vars))))
    settings = {"suppress_output_file": True, "suppress_ansible_output": True}
    (directory / SETTINGS).write_text(json.dumps(settings))
    (directory / LIMIT).write_text("".join(f"{limit_pattern(host)}\n" for host in hosts))


def limit_pattern(host: str) -> str:
    """Return a line of a ``--limit @file`` that means this host and no other."""
    # Ansible takes a name that it knows for that host, unless one of these begins it.
    if host[0] in "!&@~":
        return "~" + "".join(f"\\U{ord(character):08x}" for character in host) + r"\Z"
    return host
