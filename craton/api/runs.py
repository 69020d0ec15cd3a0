"""What controllers work with of runs: where they are kept, what may be run, who carries it out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Self

from oslo_config import cfg
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from craton.api.watching import Watchers
from craton.errors import Unavailable, Unsupported
from craton.runs.dispatch import Dispatcher
from craton.runs.memory import MemoryRunStore
from craton.runs.models import RunState
from craton.runs.playbooks import Playbooks
from craton.runs.store import RunStore


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Runs, as the API offers them.

    Attributes:
        store: Keeps them, open.
        playbooks: What may be run.
        dispatcher: Takes what is to be run; ``None`` if nobody here carries anything out.
        watchers: Clients that follow events.
        batch_size: How many hosts are given to one ``ansible-playbook``, by default.
        forks: How many of them it works on at once, by default.
    """

    store: RunStore
    playbooks: Playbooks
    dispatcher: Dispatcher | None
    watchers: Watchers
    batch_size: int
    forks: int

    @classmethod
    def of(
        cls,
        conf: cfg.ConfigOpts,
        store: RunStore,
        dispatcher: Dispatcher | None = None,
        playbooks: Playbooks | None = None,
    ) -> Self:
        """Put them together as ``[runs]`` says.

        Args:
            conf: The configuration.
            store: Keeps them, open.
            dispatcher: Takes what is to be run.
            playbooks: What may be run; by default what is below ``[runs] playbook_path``.
        """
        options = conf.runs
        return cls(
            store=store,
            playbooks=playbooks or Playbooks(options.playbook_path),
            dispatcher=dispatcher,
            watchers=Watchers(store, options.max_watchers),
            batch_size=options.batch_size,
            forks=options.forks,
        )

    def health(self) -> str:
        """Return whether runs can be kept now."""
        try:
            self.store.check()
        except Unavailable:
            return "unavailable"
        return "ok"

    def exposition(self) -> bytes:
        """Return the numbers of runs in the format that Prometheus reads; none if they are away."""
        registry = CollectorRegistry()
        gauge = Gauge(
            "craton_runs", "Runs that have not ended, by state.", ("state",), registry=registry
        )
        try:
            found = Counter(run.state for run in self.store.unfinished())
        except Unavailable:
            return b""
        for state in RunState:
            if not state.is_final:
                gauge.labels(state.value).set(found[state])
        return generate_latest(registry)

    def working(self) -> Dispatcher:
        """Return what takes a run.

        Raises:
            Unsupported: Nothing does; only somebody's own ``ansible-playbook`` can report a run.
        """
        if self.playbooks.directory is None:
            raise Unsupported(
                "RUNS", "this service runs no playbooks, because [runs] playbook_path is not set"
            )
        if self.dispatcher is None:
            raise Unsupported("RUNS", "this service has nobody who carries out runs")
        return self.dispatcher


def in_memory(conf: cfg.ConfigOpts) -> Runs | None:
    """Return runs that this process keeps by itself, and nobody carries out.

    Returns:
        ``None`` if there are more processes, because each would know of other runs.
    """
    if conf.api.workers > 1:
        return None
    store = MemoryRunStore(max_events=conf.runs.max_events, keep_days=conf.runs.keep_days)
    store.open()
    return Runs.of(conf, store)
