"""What a run costs beside Ansible: the same playbook, the same batches, hosts that do nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from bench.comparison import DishonestFloorError
from bench.measure import Timing, Work, cost
from bench.stage import Stage, progress
from craton import config
from craton.bundles import manifest
from craton.runs.environment import environment
from craton.runs.material import seal_material
from craton.runs.models import Progress, Run, RunHost, RunState
from craton.runs.service import open_runs
from craton.secrets import load_secret_store
from tests.services.redis import Redis, started

#: Ansible takes so long for each host that they are fewer than in other subjects.
_SHARE: Final = 10
_MOST: Final = 10_000
_BATCH_SIZE: Final = 100
_FORKS: Final = 10

#: All but Ansible's is to be less than 15 % of the time.
_AIM: Final = 1 / 0.85

_PLAYBOOK: Final = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Do nothing
      ansible.builtin.raw: "true"
    - name: Do nothing again
      ansible.builtin.raw: "true"
      changed_when: false
"""


def measure_runs(stage: Stage, repeat: int) -> Iterator[Timing]:
    """Compare a run with ``ansible-playbook`` called by hand for each of its batches."""
    work = _Work(stage.directory / "runs", max(1, min(_MOST, stage.fleet.hosts // _SHARE)))
    work.prepare()
    with started(work.directory / "redis", ["--appendonly", "yes"]) as server:
        clock = partial(_cpu_seconds, server)
        progress(f"ansible-playbook by hand on {work.hosts:,} hosts that do nothing")
        floor = cost(Work(action=partial(_by_hand, work), cpu_clock=clock))
        progress("the same as a run")
        craton = cost(Work(action=partial(_as_a_run, work, server), cpu_clock=clock))
    shares = [max(0.0, 1 - floor.wall / craton.wall), max(0.0, 1 - floor.cpu / craton.cpu)]
    note = "Craton's share {:.1%}, of processors {:.1%}; aim: < 15 %".format(*shares)
    yield Timing.of(f"run of {work.hosts:,} hosts", floor, craton, aim=_AIM, note=note)


def _cpu_seconds(server: Redis) -> float:
    """Return the processor time of this process, of all that it waited for, and of the Redis."""
    spent = psutil.Process(server.process.pid).cpu_times()
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + float(spent.user + spent.system)


@dataclass(frozen=True)
class _Work:
    directory: Path
    hosts: int

    @property
    def names(self) -> list[str]:
        return [f"web-{number:05}" for number in range(self.hosts)]

    @property
    def playbooks(self) -> Path:
        return self.directory / "playbooks"

    @property
    def inventory(self) -> Path:
        return self.directory / "hosts"

    def prepare(self) -> None:
        plugins = self.playbooks / "connection_plugins"
        plugins.mkdir(parents=True)
        (plugins / "noop.py").write_text(Path(__file__).with_name("noop.py").read_text())
        (self.playbooks / "site.yml").write_text(_PLAYBOOK)
        variables = {f"variable_{number}": f"value {number}" for number in range(4)}
        hosts = {name: {"ansible_connection": "noop", **variables} for name in self.names}
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}))

    def bundle(self) -> bytes:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(self.inventory, "hosts")
            info = tarfile.TarInfo(manifest.NAME)
            info.size = 2
            tar.addfile(info, io.BytesIO(b"{}"))
        return archive.getvalue()


def _by_hand(work: _Work) -> None:
    private = work.directory / "by-hand"
    (private / "tmp").mkdir(parents=True)
    limit = private / "limit"
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        *("-i", str(work.inventory), "--limit", f"@{limit}", "--forks", str(_FORKS)),
        str(work.playbooks / "site.yml"),
    ]
    plain = environment(private)
    for name in ("ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_CALLBACK_PLUGINS"):
        del plain[name]
    for start in range(0, work.hosts, _BATCH_SIZE):
        limit.write_text("\n".join(work.names[start : start + _BATCH_SIZE]))
        done = subprocess.run(command, env=plain, capture_output=True, text=True)
        if done.returncode != 0:
            raise DishonestFloorError(done.stdout[-1000:] + done.stderr[-1000:])


def _as_a_run(work: _Work, server: Redis) -> None:
    conf = config.settings(
        files=[],
        state_path=str(work.directory),
        runs__redis_url=f"redis://127.0.0.1:{server.port}/0",
        runs__playbook_path=str(work.playbooks),
        runs__workers=1,
    )
    secrets = load_secret_store(conf)
    secrets.prepare()
    secrets.start()
    runs = open_runs(conf, secrets, carries_out=True)
    runs.start()
    try:
        sealed = seal_material(secrets, "run-1", work.bundle(), {})
        runs.dispatcher.submit(runs.store.create(_run(work), _rows(work), sealed))
        while not (run := runs.store.get("run-1")).state.is_final:
            time.sleep(0.05)
    finally:
        runs.stop()
    if run.state is not RunState.SUCCEEDED or run.progress.changed != work.hosts:
        raise DishonestFloorError(f"the run is not what was done by hand: {run}")


def _run(work: _Work) -> Run:
    return Run(
        id="run-1",
        region_id="region",
        tenant_id="tenant",
        playbook="site.yml",
        batch_size=_BATCH_SIZE,
        forks=_FORKS,
        requested_by="bench",
        created_at=datetime.now(UTC),
        progress=Progress(total=0),
    )


def _rows(work: _Work) -> list[RunHost]:
    return [
        RunHost(host_id=f"id of {name}", host=name, batch=number // _BATCH_SIZE)
        for number, name in enumerate(work.names)
    ]
