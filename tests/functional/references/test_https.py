"""Files from a web server that behaves."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from craton.errors import PinMismatch, ReferenceUnavailable
from craton.references import References, Wanted
from tests.functional.references.conftest import MakeReferences
from tests.services import tls

FILE = b"ntp: time.example\n"


def give(request: tls.Request) -> None:
    request.send(FILE)


def versioned(request: tls.Request) -> None:
    if request.headers.get("If-None-Match") == '"one"':
        request.send(status=304)
    else:
        request.send(FILE, headers={"ETag": '"one"'})


def test_a_file_comes_with_its_digest(server: tls.Server, references: References) -> None:
    server.answer(give)
    [fetched] = references.fetch([Wanted(url=f"{server.url}/group_vars/web.yml?at=1")])
    assert fetched.content == FILE
    assert fetched.sha256 == hashlib.sha256(FILE).hexdigest()
    assert (fetched.commit, fetched.stale) == (None, False)
    [request] = server.requests
    assert request.path == "/group_vars/web.yml?at=1"
    assert request.headers["Accept-Encoding"] == "identity"


def test_results_are_in_the_order_of_what_is_wanted(
    server: tls.Server, references: References
) -> None:
    def answer(request: tls.Request) -> None:
        time.sleep(0.1 if request.path == "/1" else 0)
        request.send(request.path.encode())

    server.answer(answer)
    wanted = [Wanted(url=f"{server.url}/{number}") for number in (1, 2, 3, 1)]
    assert [f.content for f in references.fetch(wanted)] == [b"/1", b"/2", b"/3", b"/1"]
    assert references.fetch([]) == []


BEFORE, NOW = "Sun, 01 Nov 2026 10:00:00 GMT", "Sun, 01 Nov 2026 10:00:01 GMT"


@pytest.mark.parametrize(
    ("sent", "asked", "value"),
    [("ETag", "If-None-Match", 'W/"x"'), ("Last-Modified", "If-Modified-Since", BEFORE)],
)
def test_a_server_is_asked_whether_a_file_changed(
    server: tls.Server, references: References, sent: str, asked: str, value: str
) -> None:
    def answer(request: tls.Request) -> None:
        if request.headers.get(asked) == value:
            request.send(status=304)
        else:
            request.send(FILE, headers={sent: value, "Date": NOW})

    server.answer(answer)
    url = f"{server.url}/file"
    first, second = references.refresh(url), references.refresh(url)
    assert (second.content, second.sha256) == (first.content, first.sha256) == (FILE, first.sha256)
    assert second.fetched_at > first.fetched_at
    assert [asked in request.headers for request in server.requests] == [False, True]


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        # Some servers look at the time though there is a tag, and find nothing new.
        ({"ETag": '"x"', "Last-Modified": BEFORE, "Date": NOW}, {"If-None-Match"}),
        # Within a second a file can change twice.
        ({"Last-Modified": NOW, "Date": NOW}, set()),
        ({"Last-Modified": "yesterday", "Date": NOW}, set()),
        ({"Last-Modified": BEFORE}, set()),
    ],
)
def test_only_what_stands_for_one_version_is_asked_by(
    server: tls.Server, references: References, headers: dict[str, str], asked: set[str]
) -> None:
    server.answer(lambda request: request.send(FILE, headers=headers))
    url = f"{server.url}/file"
    references.refresh(url)
    assert references.refresh(url).content == FILE
    conditions = {name for name in server.requests[-1].headers if name.startswith("If-")}
    assert conditions == asked


def test_a_changed_file_replaces_what_was_kept(server: tls.Server, references: References) -> None:
    url = f"{server.url}/file"
    server.answer(versioned)
    references.refresh(url)
    server.answer(lambda request: request.send(b"new: 1\n", headers={"ETag": '"two"'}))
    assert references.refresh(url).content == b"new: 1\n"
    server.answer(lambda request: request.send(b"newer: 1\n"))
    assert references.refresh(url).content == b"newer: 1\n"


def test_nothing_is_asked_again_within_max_age_unless_refreshed(
    server: tls.Server, make: MakeReferences
) -> None:
    server.answer(give)
    url = f"{server.url}/file"
    references = make(max_age=3600)
    references.fetch([Wanted(url=url)])
    assert references.fetch([Wanted(url=url)])[0].content == FILE
    assert make(max_age=3600).fetch([Wanted(url=url)])[0].content == FILE
    assert len(server.requests) == 1
    references.refresh(url)
    assert len(server.requests) == 2
    make(max_age=0).fetch([Wanted(url=url)])
    assert len(server.requests) == 3


def test_threads_that_want_one_file_at_once_share_one_answer(
    server: tls.Server, make: MakeReferences
) -> None:
    waiting, go = threading.Event(), threading.Event()

    def answer(request: tls.Request) -> None:
        waiting.set()
        go.wait()
        request.send(FILE)

    server.answer(answer)
    references, url = make(max_age=0), f"{server.url}/file"
    found: list[bytes] = []

    def fetch() -> None:
        found.extend(f.content for f in references.fetch([Wanted(url=url), Wanted(url=url)]))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    waiting.wait()
    # Time enough for the others to ask too, if they did.
    time.sleep(0.3)
    go.set()
    for thread in threads:
        thread.join()
    assert found == [FILE] * 8
    assert len(server.requests) == 1


def test_no_more_files_are_fetched_at_once_than_the_option_says(
    server: tls.Server, make: MakeReferences
) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def answer(request: tls.Request) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        request.send(FILE)

    server.answer(answer)
    make(parallel=3).fetch([Wanted(url=f"{server.url}/{number}") for number in range(9)])
    assert most == 3


def test_a_pinned_file_is_the_pinned_one_or_an_error(
    server: tls.Server, references: References
) -> None:
    server.answer(give)
    url, pin = f"{server.url}/file", hashlib.sha256(FILE).hexdigest()
    assert references.fetch([Wanted(url=url, sha256=pin)])[0].content == FILE
    with pytest.raises(PinMismatch, match="pinned") as caught:
        references.fetch([Wanted(url=url, sha256="0" * 64)])
    assert (caught.value.expected, caught.value.found) == ("0" * 64, pin)


def test_a_pinned_file_that_is_kept_is_not_asked_for(
    server: tls.Server, references: References
) -> None:
    server.answer(give)
    wanted = Wanted(url=f"{server.url}/file", sha256=hashlib.sha256(FILE).hexdigest())
    references.fetch([wanted])
    references.fetch([wanted])
    assert len(server.requests) == 1


def test_knowing_a_digest_does_not_give_the_file_of_another_url(
    server: tls.Server, references: References
) -> None:
    server.answer(lambda request: request.send(FILE if request.path == "/theirs" else b"mine: 1"))
    references.fetch([Wanted(url=f"{server.url}/theirs")])
    with pytest.raises(PinMismatch):
        references.fetch(
            [Wanted(url=f"{server.url}/mine", sha256=hashlib.sha256(FILE).hexdigest())]
        )


@pytest.mark.parametrize(("status", "temporary"), [(404, False), (401, False), (500, True)])
def test_a_status_without_a_file_is_an_error_that_names_it(
    server: tls.Server, references: References, status: int, temporary: bool
) -> None:
    server.answer(lambda request: request.send(b"secret page", status))
    with pytest.raises(ReferenceUnavailable, match=str(status)) as caught:
        references.refresh(f"{server.url}/file?token=s3cret")
    assert caught.value.temporary is temporary
    assert caught.value.url == f"{server.url}/file?…"
    assert "secret" not in str(caught.value)


def test_a_stale_copy_is_served_only_where_that_is_asked_for(
    server: tls.Server, make: MakeReferences
) -> None:
    server.answer(versioned)
    url = f"{server.url}/file"
    first = make().refresh(url)
    server.answer(lambda request: request.send(status=503))
    with pytest.raises(ReferenceUnavailable):
        make(serve_stale=False).refresh(url)
    stale = make(serve_stale=True).refresh(url)
    assert (stale.content, stale.stale, stale.fetched_at) == (FILE, True, first.fetched_at)
    with pytest.raises(ReferenceUnavailable):
        make(serve_stale=True).refresh(f"{server.url}/never-fetched")


def test_no_stale_copy_hides_that_a_file_is_gone(server: tls.Server, make: MakeReferences) -> None:
    server.answer(versioned)
    url = f"{server.url}/file"
    make().refresh(url)
    server.answer(tls.not_found)
    with pytest.raises(ReferenceUnavailable, match="404"):
        make(serve_stale=True).refresh(url)


def test_one_failure_fails_all_and_names_the_reference(
    server: tls.Server, references: References
) -> None:
    server.answer(lambda request: request.send(FILE, 200 if request.path == "/good" else 410))
    with pytest.raises(ReferenceUnavailable, match="/gone is answered with 410 Gone"):
        references.fetch([Wanted(url=f"{server.url}/{name}") for name in ("good", "gone")])


def test_a_failure_does_not_wait_for_those_that_still_try(
    server: tls.Server, references: References
) -> None:
    tried, go = threading.Event(), threading.Event()

    def answer(request: tls.Request) -> None:
        if request.path == "/slow":
            tried.set()
            go.wait()
            request.send(FILE)
        else:
            tried.wait()
            request.send(status=404)

    server.answer(answer)
    with pytest.raises(ReferenceUnavailable, match="/gone"):
        references.fetch([Wanted(url=f"{server.url}/{name}") for name in ("slow", "gone")])
    assert not go.is_set()
    go.set()


def test_a_refresh_asks_though_somebody_is_content_with_what_is_kept(
    server: tls.Server, make: MakeReferences
) -> None:
    asked, go = threading.Event(), threading.Event()

    def answer(request: tls.Request) -> None:
        asked.set()
        go.wait()
        request.send(FILE)

    server.answer(answer)
    references, url = make(max_age=3600), f"{server.url}/file"
    others = [
        threading.Thread(target=references.fetch, args=([Wanted(url=url)],)),
        threading.Thread(target=references.refresh, args=(url,)),
    ]
    others[0].start()
    asked.wait()
    others[1].start()
    go.set()
    for other in others:
        other.join()
    assert len(server.requests) == 2


def test_a_redirect_is_followed(server: tls.Server, references: References) -> None:
    def answer(request: tls.Request) -> None:
        if request.path == "/old":
            request.send(status=302, headers={"Location": "/new"})
        else:
            request.send(request.path.encode())

    server.answer(answer)
    assert references.refresh(f"{server.url}/old").content == b"/new"
