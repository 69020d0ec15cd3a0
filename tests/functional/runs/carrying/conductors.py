"""Conductors as processes of their own, on a Redis, with playbooks that leave a trace."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from craton.runs.models import Event, EventType, Run
from craton.runs.redis import RedisRunStore
from craton.secrets import SecretStore
from tests.functional.runs.carrying.making import accepted, bundle, events
from tests.services.process import Process
from tests.services.redis import Redis
from tests.waiting import until

#: Each host leaves a line when it begins, waits until its gate is open, and leaves another one.
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Begin
      ansible.builtin.raw: echo begin >> {{ trace }}/{{ inventory_hostname }}
    - name: Wait
      ansible.builtin.raw: >-
        while [ ! -e {{ trace }}/open-{{ inventory_hostname }} ] && [ ! -e {{ trace }}/open ];
        do sleep 0.1; done
    - name: End
      ansible.builtin.raw: echo end >> {{ trace }}/{{ inventory_hostname }}
"""

#: What makes a host this machine.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

#: What makes a host nobody: a port that nobody but root can listen on.
NOBODY = {"ansible_host": "127.0.0.1", "ansible_port": 1}


class House:
    """A Redis, a store on it, and as many conductors as a test wants.

    Args:
        directory: An empty directory.
        redis: The Redis.
        secrets: The secret store; its keys are in ``state`` below the directory.
    """

    def __init__(self, directory: Path, redis: Redis, secrets: SecretStore) -> None:
        self.directory, self.redis, self.secrets = directory, redis, secrets
        self.url = f"redis://127.0.0.1:{redis.port}/0"
        self.store = RedisRunStore(self.url, max_events=100_000, keep_days=14)
        self.store.open()
        self.trace = directory / "trace"
        self.trace.mkdir()
        self.playbooks = directory / "playbooks"
        self.playbooks.mkdir()
        (self.playbooks / "site.yml").write_text(PLAYBOOK)
        self._conductors: list[Process] = []

    def close(self) -> None:
        for conductor in self._conductors:
            conductor.kill()
        self.store.close()

    def conductor(self, name: str, *arguments: str, **options: object) -> Process:
        """Start a conductor, which works on one batch at once, under leases that last."""
        given = {
            "redis_url": self.url,
            "playbook_path": self.playbooks,
            "lease_seconds": 30,
            "workers": 1,
            **options,
        }
        file = self.directory / f"{name}.conf"
        lines = [f"{key} = {value}" for key, value in given.items()]
        state = self.directory / "state"
        file.write_text("\n".join(["[DEFAULT]", f"state_path = {state}", "[runs]", *lines]))
        log = self.directory / f"{name}.log"
        command = Path(sys.executable).with_name("craton-conductor")
        process = Process(
            name,
            [str(command), "--config-file", str(file), *arguments],
            log=log,
            answers=lambda: "carries out runs" in log.read_text(),
        )
        self._conductors.append(process)
        process.start()
        return process

    def accept(self, hosts: int, batch_size: int, nobody: int = 0) -> str:
        """Keep a run of local hosts ``web-0000``…, the last ``nobody`` of which are nobody."""
        variables = {
            f"web-{number:04}": LOCAL if number < hosts - nobody else NOBODY
            for number in range(hosts)
        }
        return accepted(
            self.store,
            self.secrets,
            hosts=hosts,
            batch_size=batch_size,
            content=bundle(hosts=json.dumps({"all": {"hosts": variables}})),
            extra_vars={"trace": str(self.trace)},
            id=f"run-{self.directory.name}-{len(list(self.store.unfinished()))}",
            forks=10,
        )

    def open(self, *hosts: int) -> None:
        """Let hosts go on; all of them, if none is named."""
        for name in [f"open-web-{number:04}" for number in hosts] or ["open"]:
            (self.trace / name).touch()

    def lines(self, host: int) -> list[str]:
        """What a host was told to do, in order."""
        file = self.trace / f"web-{host:04}"
        return file.read_text().split() if file.exists() else []

    def began(self, *hosts: int, times: int = 1) -> None:
        """Wait until hosts have begun so many times."""
        until(lambda: all(self.lines(host).count("begin") >= times for host in hosts))

    def ended(self, run_id: str) -> Run:
        """Wait for the end of a run."""
        until(lambda: self.store.get(run_id).state.is_final)
        return self.store.get(run_id)

    def events(self, run_id: str, types: Iterable[EventType] | None = None) -> list[Event]:
        """The events of a run, whose numbers have no gap."""
        wanted = None if types is None else frozenset(types)
        return [e for e in events(self.store, run_id) if wanted is None or e.type in wanted]

    def has(self, run_id: str, holds: Callable[[Event], bool]) -> bool:
        return any(holds(event) for event in self.events(run_id))
