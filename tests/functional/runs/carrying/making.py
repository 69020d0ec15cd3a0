"""Short ways to runs that can be carried out, and to what carries them out."""

from __future__ import annotations

import io
import itertools
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from craton.bundles import manifest
from craton.jsontext import JsonValue
from craton.runs.attempt import Equipment
from craton.runs.batch import Batch, BatchRunner, Lease, Outcome
from craton.runs.material import seal_material
from craton.runs.memory import MemoryRunStore
from craton.runs.models import Event, EventType, HostState, Progress, Report, Run, RunHost
from craton.runs.persistence import Persistence
from craton.runs.playbooks import Playbooks
from craton.runs.private import PrivateDirectories
from craton.runs.store import RunStore, utcnow
from craton.secrets import SecretStore
from tests.waiting import until

REGION = "0f0e0d0c-region"


_numbers = itertools.count(1)


class ScriptedRunner(BatchRunner):
    """Finishes each host as a script says.

    Args:
        script: Called with each batch, before it does anything; may wait, or raise.
        states: How hosts end, by name; others are ``ok``.

    Attributes:
        batches: The numbers of the batches, in the order in which they began.
        under_way: How many are under way.
        most: How many were under way at once.
    """

    def __init__(
        self,
        script: Callable[[Batch, Lease], None] = lambda batch, lease: None,
        states: dict[str, HostState] | None = None,
        message: str = "",
    ) -> None:
        self._script, self._states, self._message = script, states or {}, message
        self._lock = threading.Lock()
        self.under_way = 0
        self.batches: list[int] = []
        self.given: list[Batch] = []
        self.most = 0

    def run(
        self, batch: Batch, lease: Lease, report: Callable[[Sequence[Report]], None]
    ) -> Outcome:
        with self._lock:
            self.batches.append(batch.number)
            self.given.append(batch)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            self._script(batch, lease)
            for host in batch.hosts:
                if lease.remaining() <= 0 or lease.is_cancelled():
                    return Outcome(interrupted=True)
                report([finished(host, self._states.get(host.host, HostState.OK))])
        finally:
            with self._lock:
                self.under_way -= 1
        return Outcome(interrupted=False, message=self._message)


def finished(host: RunHost, state: HostState) -> Report:
    return Report(
        type=EventType.HOST_FINISHED,
        time=datetime.now(UTC),
        host_id=host.host_id,
        host=host.host,
        data={"state": state.value},
        host_state=state,
    )


def wait_for_the_end(batch: Batch, lease: Lease) -> None:
    """Let a batch last until it is told to end."""
    until(lambda: lease.remaining() <= 0 or lease.is_cancelled())


def equipment(
    tmp_path: Path,
    secrets: SecretStore,
    runner: BatchRunner,
    *,
    store: RunStore | None = None,
    persistence: str = "memory",
    workers: int = 2,
    max_attempts: int = 3,
) -> Equipment:
    """What carries out runs here, with a playbook ``site.yml``."""
    for name in ("playbooks", "private"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "playbooks" / "site.yml").write_text("[]\n")
    kept = Persistence(persistence)
    kept.open()
    return Equipment(
        store=store or memory_store(),
        secrets=secrets,
        playbooks=Playbooks(tmp_path / "playbooks"),
        runner=runner,
        persistence=kept,
        directories=PrivateDirectories(tmp_path / "private"),
        workers=workers,
        slots=threading.BoundedSemaphore(workers),
        max_attempts=max_attempts,
    )


def memory_store(clock: Callable[[], datetime] = utcnow) -> MemoryRunStore:
    store = MemoryRunStore(max_events=1_000_000, keep_days=14, clock=clock)
    store.open()
    return store


def bundle(**members: str) -> bytes:
    """A bundle that holds nothing but what is given; the manifest is the last."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in {**members, manifest.NAME: "{}"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return archive.getvalue()


def accepted(
    store: RunStore,
    secrets: SecretStore,
    *,
    hosts: int = 6,
    batch_size: int = 2,
    content: bytes | None = None,
    extra_vars: dict[str, JsonValue] | None = None,
    **fields: object,
) -> str:
    """Keep a run of hosts ``web-0000``…; return its id."""
    run_id = str(fields.pop("id", f"run-{next(_numbers):06}"))
    given: dict[str, object] = {
        "id": run_id,
        "region_id": REGION,
        "tenant_id": "acme",
        "playbook": "site.yml",
        "batch_size": batch_size,
        "forks": 1,
        "requested_by": "ada",
        "created_at": datetime.now(UTC),
        "progress": Progress(total=0),
        **fields,
    }
    rows = [
        RunHost(host_id=f"id-{number}", host=f"web-{number:04}", batch=number // batch_size)
        for number in range(hosts)
    ]
    sealed = seal_material(
        secrets, run_id, bundle() if content is None else content, extra_vars or {}
    )
    store.create(Run(**given), rows, sealed)  # type: ignore[arg-type]
    return run_id


def told(store: RunStore, run_id: str, type: EventType) -> list[int]:
    """The numbers of the batches of which a run's events of one type tell."""
    numbers: list[int] = []
    for event in events(store, run_id):
        if event.type is type:
            number = event.data["batch"]
            assert isinstance(number, int)
            numbers.append(number)
    return numbers


def events(store: RunStore, run_id: str) -> list[Event]:
    found: list[Event] = []
    after = 0
    while page := store.events(run_id, after=after).items:
        found += page
        after = page[-1].id
    assert [event.id for event in found] == list(range(1, len(found) + 1))
    return found


def counts(store: RunStore, run_id: str) -> Counter[str]:
    """How many hosts stand where; states without hosts are left out."""
    progress = store.get(run_id).progress
    names = "pending running ok changed failed unreachable skipped".split()
    return +Counter({name: getattr(progress, name) for name in names})
