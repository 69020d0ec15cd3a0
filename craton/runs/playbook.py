"""One ``ansible-playbook`` under ansible-runner: what it is given, and where its events go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from craton import jsontext
from craton.bundles.rendering import marked
from craton.jsontext import JsonValue
from craton.runs.models import Report, RunHost
from craton.runs.reports import Reporter

#: The files of a batch in its private directory; ansible-runner knows the first two by name.
EXTRA_VARS = "env/extravars"
SETTINGS = "env/settings"
LIMIT = "limit"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one ``ansible-playbook`` is to do; all else is in its environment and its directory.

    Attributes:
        directory: The private directory of the batch.
        bundle: The unpacked bundle.
        playbook: The playbook.
        batch: The number of the batch.
        hosts: Its hosts: names by id.
        check, tags, forks: See :class:`~craton.runs.batch.Batch`.
    """

    directory: str
    bundle: str
    playbook: str
    batch: int
    hosts: Mapping[str, str]
    check: bool
    tags: Sequence[str]
    forks: int


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


def play(order: Order, tell: Callable[[Sequence[Report]], None]) -> Mapping[str, JsonValue]:
    """Run a playbook to its end.

    Args:
        order: What to do.
        tell: Takes what happens, as it happens.

    Returns:
        ``code``: the exit code of ``ansible-playbook``, or ``None`` if it was killed;
        ``output``: what it printed besides events;
        ``complete``: whether it came to its end, so that every host has its final state.
    """
    hosts = [RunHost(host_id=id, host=name, batch=order.batch) for id, name in order.hosts.items()]
    reporter = Reporter(hosts, order.batch)

    def handle(event: Mapping[str, Any]) -> bool:
        if reports := reporter.feed(event):
            tell(reports)
        return False

    config = RunnerConfig(
        private_data_dir=order.directory,
        playbook=order.playbook,
        inventory=str(Path(order.bundle, "hosts")),
        limit=f"@{Path(order.directory, LIMIT)}",
        tags=",".join(order.tags) or None,
        forks=order.forks,
        cmdline="--check" if order.check else None,
        ident="batch",
        fact_cache_type="",
        quiet=True,
    )
    chosen = "ANSIBLE_HOST_KEY_CHECKING" in os.environ
    config.prepare()
    if not chosen:
        # ansible-runner switches the check off unless somebody says otherwise; Ansible does not.
        del config.env["ANSIBLE_HOST_KEY_CHECKING"]
    _, code = Runner(config, event_handler=handle).run()
    return {"code": code, "output": reporter.output, "complete": reporter.complete}
