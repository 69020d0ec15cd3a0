"""What is kept on disk, for several processes, and what is let go."""

from __future__ import annotations

import hashlib
import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from craton import config
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import tls


def kept(state: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (state / "references/objects").iterdir()}


def give_path(request: tls.Request) -> None:
    request.send(request.path.encode() * 100, headers={"ETag": '"x"'})


def test_content_is_kept_once_under_its_digest(
    server: tls.Server, references: References, tmp_path: Path
) -> None:
    server.answer(lambda request: request.send(b"a: 1"))
    references.refresh(f"{server.url}/one")
    references.refresh(f"{server.url}/two")
    assert kept(tmp_path / "state") == {hashlib.sha256(b"a: 1").hexdigest(): b"a: 1"}


def test_nobody_else_can_read_what_is_kept(
    server: tls.Server, references: References, tmp_path: Path
) -> None:
    server.answer(give_path)
    references.refresh(f"{server.url}/one")
    modes = {
        path.is_dir(): path.stat().st_mode & 0o777
        for path in [tmp_path / "state/references", *(tmp_path / "state/references").rglob("*")]
        if path.parent.name != "locks"
    }
    assert modes == {True: 0o700, False: 0o600}


def test_what_was_not_used_for_the_longest_time_goes_first(
    server: tls.Server, make: MakeReferences, tmp_path: Path
) -> None:
    server.answer(give_path)
    references = make(cache_bytes=900, max_age=3600)
    for name in "abc":  # 200 bytes each
        references.fetch([Wanted(url=f"{server.url}/{name}")])
        time.sleep(0.02)
    references.fetch([Wanted(url=f"{server.url}/a")])
    time.sleep(0.02)
    for name in "de":
        references.fetch([Wanted(url=f"{server.url}/{name}")])
        time.sleep(0.02)
    contents = {content[:2] for content in kept(tmp_path / "state").values()}
    assert contents == {b"/a", b"/c", b"/d", b"/e"} or contents == {b"/a", b"/d", b"/e"}
    urls = len(list((tmp_path / "state/references/urls").iterdir()))
    locks = len(list((tmp_path / "state/references/locks").iterdir()))
    assert urls == locks == len(contents)
    # What went is fetched again, and not taken for unchanged.
    assert references.fetch([Wanted(url=f"{server.url}/b")])[0].content == b"/b" * 100


def test_a_cache_without_room_keeps_nothing_and_fails_nobody(
    server: tls.Server, make: MakeReferences, tmp_path: Path
) -> None:
    server.answer(give_path)
    references = make(cache_bytes=0)
    assert references.refresh(f"{server.url}/a").content == b"/a" * 100
    assert kept(tmp_path / "state") == {}


@pytest.mark.parametrize("directory", ["objects", "urls"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"garbage", b'{"url": 1}', b"[]"])
def test_what_is_damaged_is_fetched_again(
    server: tls.Server, make: MakeReferences, tmp_path: Path, directory: str, damage: bytes
) -> None:
    def answer(request: tls.Request) -> None:
        if "If-None-Match" in request.headers:
            request.send(status=304)
        else:
            give_path(request)

    server.answer(answer)
    references = make(max_age=3600)
    references.refresh(f"{server.url}/a")
    [file] = (tmp_path / "state/references" / directory).iterdir()
    file.write_bytes(damage)
    for _ in range(2):
        assert references.fetch([Wanted(url=f"{server.url}/a")])[0].content == b"/a" * 100
    assert len(server.requests) == 2


def test_what_one_url_has_is_never_given_for_another(
    server: tls.Server, make: MakeReferences, tmp_path: Path
) -> None:
    server.answer(give_path)
    references = make(max_age=3600)
    references.refresh(f"{server.url}/a")
    [file] = (tmp_path / "state/references/urls").iterdir()
    references.refresh(f"{server.url}/b")
    [other] = {*(tmp_path / "state/references/urls").iterdir()} - {file}
    other.write_bytes(file.read_bytes())
    assert references.fetch([Wanted(url=f"{server.url}/b")])[0].content == b"/b" * 100


def test_a_disk_that_cannot_be_written_fails_nobody(
    server: tls.Server, make: MakeReferences, tmp_path: Path
) -> None:
    server.answer(give_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state/references").write_text("in the way")
    assert make().refresh(f"{server.url}/a").content == b"/a" * 100


def fetch_many(options: dict[str, object], state: str, urls: list[str], found: object) -> None:
    settings = config.settings(files=[], state_path=state)
    References(settings)
    for name, value in options.items():
        settings.set_override(name, value, "references")
    fetched = References(settings).fetch([Wanted(url=url) for url in urls])
    found.put([f.content[:3] for f in fetched])  # type: ignore[attr-defined]


def processes(
    count: int, options: dict[str, object], state: Path, urls: list[str]
) -> list[list[bytes]]:
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    children = [
        context.Process(target=fetch_many, args=(options, str(state), urls, found))
        for _ in range(count)
    ]
    for child in children:
        child.start()
    results = [found.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    return results


def test_processes_that_want_one_file_fetch_it_once(
    server: tls.Server, authority: tls.Authority, tmp_path: Path
) -> None:
    lock, count = threading.Lock(), 0

    def answer(request: tls.Request) -> None:
        nonlocal count
        with lock:
            count += 1
        time.sleep(0.2)
        give_path(request)

    server.answer(answer)
    options = {"allow": ["localhost"], "ca_file": str(authority.file), "max_age": 3600}
    results = processes(2, options, tmp_path / "state", [f"{server.url}/a"])
    assert results == [[b"/a/"]] * 2
    assert count == 1


def test_processes_that_crowd_each_other_out_all_get_their_files(
    server: tls.Server, authority: tls.Authority, tmp_path: Path
) -> None:
    server.answer(give_path)
    options = {
        "allow": ["localhost"],
        "ca_file": str(authority.file),
        "max_age": 3600,
        "cache_bytes": 1000,
    }
    urls = [f"{server.url}/{number % 9}" for number in range(36)]
    results = processes(2, options, tmp_path / "state", urls)
    assert results == [[b"/%d/" % (number % 9) for number in range(36)]] * 2
    assert sum(map(len, kept(tmp_path / "state").values())) <= 1000
