"""One ``ansible-playbook`` under ansible-runner, from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from craton.jsontext import JsonValue
from craton.runs.models import Report, RunHost
from craton.runs.order import LIMIT, Order

if TYPE_CHECKING:
    from craton.runs.reports import Reporter


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

    @cache
    def reporter() -> Reporter:
        # With the first event, because it imports much of Ansible; ansible-playbook, which does the
        # same, is at work by then and does not wait for it.
        from craton.runs.reports import Reporter

        hosts = [
            RunHost(host_id=id, host=name, batch=order.batch) for id, name in order.hosts.items()
        ]
        return Reporter(hosts, order.batch)

    def handle(event: Mapping[str, Any]) -> bool:
        if reports := reporter().feed(event):
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
    return {"code": code, "output": reporter().output, "complete": reporter().complete}
