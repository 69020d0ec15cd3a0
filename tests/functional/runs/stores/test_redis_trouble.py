"""A Redis that is away, full, closed to Craton, or set up in a way that loses runs."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TypedDict

import pytest
import redis
import trustme

from craton import config
from craton.errors import BackendFault, ConfigurationError, CratonError, LeaseLost, Unavailable
from craton.runs.loading import open_store
from craton.runs.memory import MemoryRunStore
from craton.runs.models import HostState, RunState
from craton.runs.redis import RedisRunStore
from tests.functional.runs.stores.conftest import redis_store, url
from tests.functional.runs.stores.making import REGION, at, claimed, finished, host, new_run, rows
from tests.services.process import free_port
from tests.services.redis import Redis, started


class Limits(TypedDict):
    max_events: int
    keep_days: int


LIMITS: Limits = {"max_events": 1000, "keep_days": 14}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own."""
    with started(tmp_path / "redis") as server:
        yield server


# -- away --------------------------------------------------------------------------------------


def test_who_asks_a_redis_that_is_not_there_is_told_when_to_come_back() -> None:
    store = RedisRunStore(f"redis://:secret@127.0.0.1:{free_port()}/0", **LIMITS)
    store.open()
    with pytest.raises(Unavailable) as caught:
        store.check()
    assert caught.value.retry_after > 0
    assert "secret" not in str(caught.value)
    with pytest.raises(Unavailable):
        store.get("run")
    with pytest.raises(Unavailable):
        store.wait({"run": 0}, 60)


def test_what_was_told_to_a_redis_that_hangs_counts_once(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        server.process.pause()
        with pytest.raises(Unavailable):
            executor.tell(host(0), finished(0))
        server.process.resume()
        executor.tell(host(0), finished(0))
        run = store.get(executor.run_id)
        assert (run.last_event, run.progress.ok) == (4, 1)


@pytest.mark.parametrize("name", ["create", "claim", "cancel", "report", "reached"])
def test_an_answer_that_is_lost_does_no_harm(server: Redis, name: str) -> None:
    with redis_store(server) as store:
        script = store._scripts[name]
        lost: list[object] = []

        def lossy(*words: object) -> object:
            answer = script(*words)
            if not lost:
                lost.append(answer)
                raise redis.ConnectionError
            return answer

        store._scripts[name] = lossy
        executor = claimed(store)
        executor.tell(host(0), finished(0))
        assert store.request_cancel(executor.run_id, "eve").last_event == 5
        executor.tell(host(1))
        assert lost
        run = store.get(executor.run_id)
        assert (run.attempt, run.last_event, run.progress.running) == (1, 6, 1)
        assert store.reachability(REGION, ["id-1"])["id-1"].reachable


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_a_restart_loses_and_repeats_nothing(tmp_path: Path, end: str) -> None:
    options = ["--appendonly", "yes", "--appendfsync", "always"]
    followed: list[int] = []
    calls = 80
    with started(tmp_path / "redis", options) as server, redis_store(server) as store:
        executor = claimed(store, hosts=calls)
        last = 2 + 2 * calls

        def follow() -> None:
            while not followed or followed[-1] < last:
                after = followed[-1] if followed else 0
                try:
                    found = store.wait({executor.run_id: after}, 60)
                except Unavailable:
                    continue
                followed.extend(event.id for event in found[executor.run_id].items)

        def carry_out() -> None:
            for index in range(calls):
                told = [host(index), finished(index, HostState.CHANGED)]
                while executor.told < 2 * (index + 1):
                    try:
                        executor.tell(*told)
                    except Unavailable:
                        continue

        threads = [threading.Thread(target=target) for target in (follow, carry_out)]
        for thread in threads:
            thread.start()
        for mark in (20, 60, 110):
            while executor.told < mark:
                threads[1].join(0.001)
            if end == "SIGTERM":
                server.process.stop()
            else:
                server.process.kill()
            server.process.start()
        for thread in threads:
            thread.join(120)
        assert followed == list(range(1, last + 1))
        run = store.get(executor.run_id)
        assert (run.last_event, run.progress.changed) == (last, calls)
        kept = store.events(executor.run_id).items
        assert [event.host for event in kept[2::2]] == [f"web-{i:03}" for i in range(calls)]
        executor.end()
        assert store.get(executor.run_id).state is RunState.SUCCEEDED


def test_a_redis_that_forgot_a_part_stops_who_told_it(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        run_key = f"craton:run:{{{executor.run_id}}}:run"
        executor.tell(host(0), host(1))
        server.command("HSET", run_key, "taken", "1")
        with pytest.raises(LeaseLost):
            executor.tell(host(2))
        server.command("HDEL", run_key, "fence")
        assert store.claim(executor.run_id) > executor.fence


def test_who_is_in_the_middle_of_a_wait_returns_at_the_end_of_the_store(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        found: list[object] = []
        runs = {executor.run_id: 2}
        waiters = [
            threading.Thread(target=lambda: found.append(store.wait(runs, 60))) for _ in range(20)
        ]
        for waiter in waiters:
            waiter.start()
        store.close()
        for waiter in waiters:
            waiter.join(30)
        assert found == [{}] * 20


def test_a_report_of_another_process_wakes_who_waits(server: Redis, tmp_path: Path) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        program = tmp_path / "other.py"
        program.write_text(
            "import sys\n"
            "from craton.runs.redis import RedisRunStore\n"
            "from tests.functional.runs.stores.making import host\n"
            "store = RedisRunStore(sys.argv[1], max_events=1000, keep_days=14)\n"
            "sys.stdin.readline()\n"
            "store.report(sys.argv[2], int(sys.argv[3]), 1, [host(0)])\n"
        )
        words = [sys.executable, str(program), url(server), executor.run_id, str(executor.fence)]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        ) as other:
            waited: list[object] = []
            waiter = threading.Thread(
                target=lambda: waited.append(store.wait({executor.run_id: 2}, 60))
            )
            waiter.start()
            other.communicate(b"go\n", timeout=60)
            waiter.join(30)
        assert other.returncode == 0
        assert [page.items[0].id for page in waited[0].values()] == [3]  # type: ignore[attr-defined]


# -- full, closed ------------------------------------------------------------------------------


def test_a_redis_without_memory_takes_all_of_a_step_or_nothing(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store, hosts=50)
        queued = store.create(new_run(), rows(2))
        before = (store.get(executor.run_id), store.get(queued.id))
        server.command("CONFIG", "SET", "maxmemory", "1mb")
        calls: list[Callable[[], object]] = [
            lambda: executor.tell(*(host(index) for index in range(50))),
            lambda: executor.end(),
            lambda: store.claim(executor.run_id),
            lambda: store.request_cancel(queued.id, "eve"),
            lambda: store.create(new_run(), rows(5000)),
        ]
        for call in calls:
            with pytest.raises(Unavailable, match="memory"):
                call()
        assert (store.get(executor.run_id), store.get(queued.id)) == before
        assert len(store.find(REGION).items) == 2
        server.command("CONFIG", "SET", "maxmemory", "0")
        executor.tell(*(host(index) for index in range(50)))
        assert store.get(executor.run_id).progress.running == 50


def test_a_redis_that_only_reads_is_unavailable_to_who_writes(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        server.command("REPLICAOF", "127.0.0.1", str(free_port()))
        server.command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        with pytest.raises(Unavailable):
            executor.tell(host(0))
        assert store.get(executor.run_id).last_event == 2
        server.command("REPLICAOF", "NO", "ONE")
        executor.tell(host(0))


def test_a_command_that_is_forbidden_is_a_fault(server: Redis) -> None:
    server.command("ACL", "SETUSER", "craton", "on", ">open sesame", "~*", "+@all", "-evalsha")
    with redis_store(server) as other:
        run = other.create(new_run(), rows(1))
    store = RedisRunStore(f"redis://craton:open%20sesame@127.0.0.1:{server.port}/0", **LIMITS)
    store.open()
    with pytest.raises(BackendFault, match="does not allow"):
        store.claim(run.id)
    store.close()


def test_a_key_of_somebody_else_is_a_fault_and_no_text_of_the_library(server: Redis) -> None:
    with redis_store(server) as store:
        executor = claimed(store)
        server.command("SET", f"craton:run:{{{executor.run_id}}}:run", "hello")
        for call in (lambda: store.get(executor.run_id), lambda: executor.tell(host(0))):
            with pytest.raises(BackendFault) as caught:
                call()
            assert "WRONGTYPE" not in str(caught.value)


# -- opening -----------------------------------------------------------------------------------

MALFORMED = """
    127.0.0.1:6379
    http://user:secret@host/0
    redis://user:sec/ret@host:6379/0
    redis://user:secret@host:port/0
    redis://user:secret@host/0?nothing=1
    redis://user:secret@host/0?socket_connect_timeout=soon
    redis://user:secret@host/0?protocol=3
    redis://user:secret@host/0?decode_responses=True
    redis://[user:secret@host/0
""".split()


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[runs\] redis_url") as caught:
        RedisRunStore(url, **LIMITS)
    error: BaseException | None = caught.value
    while error is not None:
        assert "sec" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_wrong_password_is_told_at_once_and_never_shown(
    server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    server.command("CONFIG", "SET", "requirepass", "correct horse")
    caplog.set_level(logging.DEBUG)
    right = RedisRunStore(f"redis://:correct%20horse@127.0.0.1:{server.port}/0", **LIMITS)
    right.open()
    assert right.create(new_run(), rows(1)).id
    right.close()
    wrong = RedisRunStore(f"redis://:battery@127.0.0.1:{server.port}/0", **LIMITS)
    with pytest.raises(ConfigurationError, match="password") as caught:
        wrong.open()
    with pytest.raises(Unavailable) as later:
        wrong.get("run")
    for text in (caplog.text, str(caught.value), str(later.value)):
        assert "battery" not in text
        assert "horse" not in text
    assert f"127.0.0.1:{server.port}" in caplog.text


def test_a_redis_that_keeps_runs_is_not_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = ["--appendonly", "yes", "--maxmemory", "64mb", "--maxmemory-policy", "noeviction"]
    with started(tmp_path / "redis", options) as server, redis_store(server):
        assert caplog.text == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "keeps nothing on disk"),
        (["--save", "3600 1"], "only now and then"),
        (
            ["--appendonly", "yes", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"],
            "maxmemory-policy allkeys-lru",
        ),
    ],
    ids=["nothing", "snapshots", "evicts"],
)
def test_a_redis_that_loses_runs_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, options: list[str], words: str
) -> None:
    with started(tmp_path / "redis", options) as server, redis_store(server):
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert words in record.getMessage()


def test_who_may_not_ask_for_settings_is_told_so(
    server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    server.command("ACL", "SETUSER", "craton", "on", ">x", "~craton:*", "+@all", "-config")
    store = RedisRunStore(f"redis://craton:x@127.0.0.1:{server.port}/0", **LIMITS)
    store.open()
    assert "CONFIG GET" in caplog.text
    claimed(store).end()
    store.close()


def test_the_user_of_the_documentation_may_do_all_that_is_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = (Path(__file__).parents[4] / "docs" / "run-store.rst").read_text()
    (command,) = (line for line in text.splitlines() if "ACL SETUSER craton" in line)
    with started(tmp_path / "redis", ["--appendonly", "yes"]) as server:
        assert server.command(*command.split()) == b"+OK\r\n"
        store = RedisRunStore(f"redis://craton:password@127.0.0.1:{server.port}/0", **LIMITS)
        store.open()
        assert caplog.text == ""
        executor = claimed(store)
        executor.tell(host(0))
        assert store.wait({executor.run_id: 0}, 10)
        assert store.find(REGION).items == list(store.unfinished())
        executor.end()
        assert store.prune(at(1000)) == 1
        store.close()


def test_an_old_redis_is_refused(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RedisRunStore(url(server), **LIMITS)
    monkeypatch.setattr(store._client, "info", lambda section: {"redis_version": "5.0.14"})
    with pytest.raises(ConfigurationError, match=r"5\.0\.14"):
        store.open()


def test_a_redis_that_speaks_tls_is_verified(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for number, blob in enumerate(own.cert_chain_pems):
        blob.write_to_path(str(tmp_path / "cert.pem"), append=number > 0)
    options = ["--tls-port", (port := str(free_port())), "--tls-auth-clients", "no"]
    for name in ("cert", "key"):
        options += [f"--tls-{name}-file", str(tmp_path / f"{name}.pem")]
    options += ["--tls-ca-cert-file", str(tmp_path / "ca.pem")]
    with started(tmp_path / "redis", options):
        place = f"rediss://127.0.0.1:{port}/0"
        store = RedisRunStore(f"{place}?ssl_ca_certs={tmp_path / 'ca.pem'}", **LIMITS)
        store.open()
        claimed(store).end()
        store.close()
        distrusting = RedisRunStore(place, **LIMITS)
        distrusting.open()
        assert "SSLCertVerificationError" in caplog.text
        with pytest.raises(Unavailable):
            distrusting.check()


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(ConfigurationError, match="ssl_ca_certs is no file"):
        RedisRunStore(f"rediss://127.0.0.1:1/0?ssl_ca_certs={missing}", **LIMITS)


def test_a_redis_may_be_on_a_socket(tmp_path: Path) -> None:
    with TemporaryDirectory() as short:
        socket = f"{short}/redis.sock"
        with started(tmp_path / "redis", ["--unixsocket", socket]):
            store = RedisRunStore(f"unix://{socket}?db=1", **LIMITS)
            store.open()
            claimed(store).end()
            store.close()


# -- loading -----------------------------------------------------------------------------------


def test_the_store_is_memory_unless_a_redis_is_named(server: Redis) -> None:
    store = open_store(config.settings(files=[], runs__max_events=2000, runs__keep_days=3))
    assert isinstance(store, MemoryRunStore)
    assert (store.max_events, store.keep_days) == (2000, 3)
    named = open_store(config.settings(files=[], runs__redis_url=url(server), runs__keep_days=3))
    assert isinstance(named, RedisRunStore)
    assert (named.max_events, named.keep_days) == (100_000, 3)
    named.check()
    named.close()


def test_the_library_is_loaded_for_a_redis_alone_and_named_if_missing() -> None:
    program = (
        "import sys\n"
        "from craton import config\n"
        "from craton.errors import ConfigurationError\n"
        "from craton.runs.loading import open_store\n"
        "sys.modules['redis'] = None\n"
        "open_store(config.settings(files=[]))\n"
        "try:\n"
        "    open_store(config.settings(files=[], runs__redis_url='redis://127.0.0.1/0'))\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"craton[runs]" in told.stdout


def test_errors_are_those_of_the_contract_alone(server: Redis) -> None:
    with redis_store(server) as store:
        odd = "\ud800 \0 }{"
        calls = SimpleNamespace(
            get=lambda: store.get(odd),
            hosts=lambda: store.hosts(odd, host=odd),
            claim=lambda: store.claim(odd),
            events=lambda: store.events(odd),
            report=lambda: store.report(odd, 1, 1, [host(0)]),
        )
        for call in vars(calls).values():
            with pytest.raises(CratonError):
                call()
        assert store.find(odd, host_id=odd).items == []
        assert store.reachability(odd, [odd]) == {}
        assert store.wait({odd: 0}, 0.01) == {}
